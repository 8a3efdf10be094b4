import { listInvitees, type Invitee } from '#lib/browser/invitees.ts';
import {
	checkText,
	decode,
	findTelling,
	isZip,
	maxFileBytes,
	readFileText,
	UnreadableFile,
	type Encoding
} from '#lib/browser/lists/files.ts';
import { findDraft, keepDraft } from '#lib/browser/lists/keeping.ts';
import type { Meaning } from '#lib/browser/lists/headings.ts';
import { maxInvitees, readText, type Reading } from '#lib/browser/lists/texts.ts';

/** What isn't a list yet, as it is kept in the tab. */
type Draft = {
	text: string;
	/** What was read and is asked about. */
	asked: {
		reading: Reading;
		guessed: Encoding | null;
		telling: string[];
		/** The file whose letters are asked about, in base64. */
		file: string | null;
		isAskingColumns: boolean;
		chosen: Record<number, Meaning>;
		isPerson: boolean;
	} | null;
};

const toBase64 = (bytes: Uint8Array) => {
	let text = '';
	for (const byte of bytes) text += String.fromCharCode(byte);
	return btoa(text);
};
const fromBase64 = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** A text or a file on its way to a list: read, and asked about where it can't be understood. */
export class ListReader {
	reading = $state.raw<Reading | null>(null);
	/** As what letters were read of which the file says nothing; null where it is sure. */
	guessed = $state.raw<Encoding | null>(null);
	/** Words by which one sees whether the letters are right. */
	telling = $state.raw<string[]>([]);
	error = $state<string | undefined>(undefined);
	isBusy = $state(false);
	/** Whether somebody has to look before there is a list. */
	isAsking = $state(false);
	/** Whether columns were asked for, and not the letters alone. */
	isAskingColumns = $state(false);
	/** What is typed or pasted. */
	text = $state('');
	/** What was chosen, by the place of the column: another code page changes headings, not their order. */
	chosen = $state<Record<number, Meaning>>({});
	/** Whether what looked like headings is a person too. */
	isPerson = $state(false);
	/** Whether a list was made of it, which is there to go back to. */
	isRead = $state(false);
	/** Whether it was begun before this page was opened. */
	isRestored = $state(false);
	#bytes: Uint8Array<ArrayBuffer> | null = null;
	#keeping: ReturnType<typeof setTimeout> | undefined;

	readonly #organizationId: string;
	readonly #userId: string;
	readonly #onread: (rows: Invitee[], leftOut: number) => void;

	constructor(organizationId: string, userId: string, onread: (rows: Invitee[], leftOut: number) => void) {
		this.#organizationId = organizationId;
		this.#userId = userId;
		this.#onread = onread;
	}

	/** Takes up what was kept in the tab. */
	restore(hasList: boolean): void {
		const draft = findDraft<Draft>(this.#userId, this.#organizationId);
		if (!draft) return;
		this.text = draft.text;
		this.isRestored = true;
		if (!draft.asked) return;
		const { reading, guessed, telling, file, isAskingColumns, chosen, isPerson } = draft.asked;
		Object.assign(this, { reading, guessed, telling, isAskingColumns, chosen, isPerson });
		this.#bytes = file ? fromBase64(file) : null;
		this.isRead = hasList;
		this.isAsking = true;
	}

	/** Keeps in the tab what isn't a list yet; not with every letter that is typed. */
	keep(): void {
		clearTimeout(this.#keeping);
		this.#keeping = setTimeout(() => this.keepNow(), 300);
	}

	keepNow(): void {
		clearTimeout(this.#keeping);
		const { text, reading, guessed, telling, isAskingColumns, isPerson } = this;
		const file = this.#bytes && guessed ? toBase64(this.#bytes) : null;
		const chosen = $state.snapshot(this.chosen);
		const asked =
			reading && this.isAsking
				? { reading, guessed, telling, file, isAskingColumns, chosen, isPerson }
				: null;
		const draft: Draft | null = text.trim() || asked ? { text, asked } : null;
		keepDraft(this.#userId, this.#organizationId, draft);
	}

	forget(): void {
		this.reading = null;
		this.guessed = null;
		this.#bytes = null;
		this.chosen = {};
		this.isPerson = this.isRead = this.isRestored = false;
		this.isAsking = this.isAskingColumns = false;
		this.error = undefined;
		this.keep();
	}

	/** Leaves the questions: to the list that is there, or to the text. */
	goBack(): void {
		if (!this.isRead) return this.forget();
		this.isAsking = this.isAskingColumns = false;
		this.keep();
	}

	/** Somebody sees that a column was taken for another. */
	askColumns(): void {
		this.isAsking = this.isAskingColumns = true;
		this.keep();
	}

	takeText(text: string): void {
		this.forget();
		this.#settle(readText(text));
	}

	async takeFile(file: File): Promise<void> {
		this.forget();
		if (file.size > maxFileBytes) {
			this.error = `${file.name} is larger than ${maxFileBytes / 1_000_000} MB.`;
			return;
		}
		this.isBusy = true;
		try {
			const bytes = new Uint8Array(await file.arrayBuffer());
			if (isZip(bytes)) {
				const { readWorkbook } = await import('#lib/browser/lists/workbooks.ts');
				this.#settle(await readWorkbook(bytes));
				return;
			}
			checkText(bytes);
			this.#bytes = bytes;
			this.#decode();
			if (this.reading) this.#settle(this.reading);
		} catch (error) {
			this.error =
				error instanceof UnreadableFile
					? `${file.name} ${error.message}`
					: `${file.name} could not be read. Try once more, or paste the list.`;
		} finally {
			this.isBusy = false;
		}
	}

	/** Reads the file's letters in another way, and what follows from it anew. */
	chooseEncoding(encoding: Encoding): void {
		this.#decode(encoding);
	}

	#decode(encoding?: Encoding): void {
		if (!this.#bytes) return;
		const { text, guessed } = decode(this.#bytes, encoding);
		this.guessed = guessed;
		this.telling = guessed ? findTelling(text) : [];
		this.reading = readFileText(text);
	}

	#settle(reading: Reading): void {
		this.reading = reading;
		if (this.guessed || reading.table?.isAsking) this.isAsking = true;
		else this.finish();
		this.keep();
	}

	/** @param meanings what the columns are; null when the first line is no heading but a person. */
	finish(meanings?: readonly Meaning[] | null): void {
		const { reading } = this;
		if (!reading) return;
		const rows = listInvitees(reading, meanings);
		this.isAsking = this.isAskingColumns = false;
		if (rows.length === 0) this.error = 'There is nobody in this list yet.';
		else {
			this.text = '';
			this.isRead = true;
			this.isRestored = false;
			this.#onread(rows.slice(0, maxInvitees), reading.leftOut);
		}
		this.keep();
	}
}
