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
import type { Meaning } from '#lib/browser/lists/headings.ts';
import { maxInvitees, readText, type Reading } from '#lib/browser/lists/texts.ts';

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
	#bytes: Uint8Array<ArrayBuffer> | null = null;

	readonly #onread: (rows: Invitee[], leftOut: number) => void;

	constructor(onread: (rows: Invitee[], leftOut: number) => void) {
		this.#onread = onread;
	}

	forget(): void {
		this.reading = null;
		this.guessed = null;
		this.#bytes = null;
		this.isAsking = this.isAskingColumns = false;
		this.error = undefined;
	}

	/** Somebody sees that a column was taken for another. */
	askColumns(): void {
		this.isAsking = this.isAskingColumns = true;
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
	}

	/** @param meanings what the columns are; null when the first line is no heading but a person. */
	finish(meanings?: readonly Meaning[] | null): void {
		const { reading } = this;
		if (!reading) return;
		const rows = listInvitees(reading, meanings);
		this.isAsking = this.isAskingColumns = false;
		if (rows.length === 0) this.error = 'There is nobody in this list yet.';
		else this.#onread(rows.slice(0, maxInvitees), reading.leftOut);
	}
}
