import { SvelteMap } from 'svelte/reactivity';
import { findProblems, type Invitee } from '#lib/browser/invitees.ts';
import { findKept, keepList } from '#lib/browser/lists/keeping.ts';
import { serverNow } from '#lib/browser/server-time.ts';
import type { Allowance } from '#lib/invitation-limits.ts';
import { resendSeconds, type Role } from '#lib/views.ts';
import { api, refusalOf } from '../../../../api.ts';

/** Rows of one call: few enough that progress is seen to move. */
const chunkLength = 20;
/** How often a call whose answer was lost is made again, and how long to wait before, in milliseconds. */
const pauses = [1000, 2000, 4000, 8000];

type Sent = Awaited<ReturnType<typeof api.invitations.createMany.mutate>>['answers'][number];

/** What became of a row. `readyAt`: from when on it may be sent again. */
export type RowAnswer =
	| { outcome: 'sent' | 'member' }
	| { outcome: 'invited'; invitationId: string; readyAt: number }
	| { outcome: 'invalid'; fields: Record<string, string> }
	| { outcome: 'limited'; message: string };

/** Rows that need nothing more. */
const isFinal = (answer: RowAnswer | undefined) =>
	answer?.outcome === 'sent' || answer?.outcome === 'member' || answer?.outcome === 'invited';

/** A list of people on its way: read, corrected, sent piece by piece, and answered row by row. */
export class InviteList {
	rows = $state<Invitee[]>([]);
	defaultRole = $state<Role>('team_member');
	allowance = $state.raw<Allowance | null>(null);
	readonly answers = new SvelteMap<number, RowAnswer>();
	readonly problems = $derived(findProblems(this.rows));
	readonly ready = $derived(
		this.rows.filter(
			({ id, isChosen }) => isChosen && !this.problems.has(id) && !isFinal(this.answers.get(id))
		)
	);
	/** Lines of the text or file that were too many. */
	leftOut = $state(0);
	/** Whether somebody has corrected something that would be lost with the rows. */
	isEdited = $state(false);
	/** Whether the list was begun before this page was opened. */
	isRestored = $state(false);
	#keeping: ReturnType<typeof setTimeout> | undefined;
	/** How far the present sending is; null when nothing is being sent. */
	progress = $state.raw<{ done: number; total: number } | null>(null);
	/** Why sending ended before the end, or what it waits for. */
	message = $state<string | null>(null);
	#isStopped = false;

	readonly #organizationId: string;
	readonly #userId: string;

	constructor(organizationId: string, userId: string) {
		this.#organizationId = organizationId;
		this.#userId = userId;
	}

	fill(rows: Invitee[], leftOut = 0): void {
		this.rows = rows;
		this.leftOut = leftOut;
		this.isRestored = this.isEdited = false;
		this.answers.clear();
		this.message = null;
		this.keep();
	}

	/** Takes up what was kept in the tab. */
	restore(): void {
		const kept = findKept<RowAnswer>(this.#userId, this.#organizationId);
		if (!kept || kept.rows.length === 0) return;
		this.rows = kept.rows;
		this.defaultRole = kept.defaultRole;
		this.leftOut = kept.leftOut;
		this.isEdited = kept.isEdited;
		for (const [id, answer] of kept.answers) this.answers.set(id, answer);
		this.isRestored = true;
	}

	/** Whether something of it is to be done. */
	get isOpen(): boolean {
		return this.rows.some(({ id, isChosen }) => isChosen && !isFinal(this.answers.get(id)));
	}

	/** Keeps the list in the tab as long as something of it is to be done; not with every letter that is typed. */
	keep(): void {
		clearTimeout(this.#keeping);
		this.#keeping = setTimeout(() => this.keepNow(), 300);
	}

	keepNow(): void {
		clearTimeout(this.#keeping);
		const { isOpen, defaultRole, leftOut, isEdited } = this;
		keepList(
			this.#userId,
			this.#organizationId,
			isOpen
				? { rows: $state.snapshot(this.rows), defaultRole, leftOut, isEdited, answers: [...this.answers] }
				: null
		);
	}

	remove(isUnwanted: (one: Invitee) => boolean): void {
		this.rows = this.rows.filter((one) => !isUnwanted(one));
		this.isEdited = true;
		this.keep();
	}

	/** An answer about what a row held before is none about what it holds now. */
	edited(id: number): void {
		this.answers.delete(id);
		this.isEdited = true;
		this.keep();
	}

	async readAllowance(): Promise<void> {
		try {
			this.allowance = await api.invitations.getAllowance.query({ organizationId: this.#organizationId });
		} catch {
			// Said when it is tried.
			this.allowance = null;
		}
	}

	stop(): void {
		this.#isStopped = true;
	}

	async send(): Promise<void> {
		const queue = this.ready;
		this.#isStopped = false;
		this.message = null;
		this.progress = { done: 0, total: queue.length };
		try {
			for (let done = 0; done < queue.length && !this.#isStopped;) {
				const chunk = queue.slice(done, done + chunkLength);
				const reached = await this.#sendChunk(chunk);
				if (reached) {
					this.message = reached;
					break;
				}
				done += chunk.length;
				this.progress = { done, total: queue.length };
			}
		} catch (error) {
			this.message = refusalOf(error).message;
		}
		this.progress = null;
		void this.readAllowance();
	}

	/** @returns the words of a limit that no other row would pass either. */
	async #sendChunk(chunk: Invitee[]): Promise<string | null> {
		const rows = chunk.map(({ firstName, lastName, email, role }) => ({
			firstName,
			lastName,
			email,
			role: role ?? this.defaultRole
		}));
		const began = serverNow();
		let isRepeated = false;
		for (const pause of [...pauses, null]) {
			try {
				const { answers, allowance } = await api.invitations.createMany.mutate({
					organizationId: this.#organizationId,
					rows
				});
				this.message = null;
				this.allowance = allowance;
				const since = isRepeated ? (serverNow() - began) / 1000 + 1 : null;
				chunk.forEach(({ id }, index) => {
					const answer = answers[index];
					if (answer) this.answers.set(id, this.#understand(answer, since));
				});
				this.keepNow();
				const last = answers.find((one) => one.outcome === 'limited' && one.limit !== 'recipient');
				return last?.outcome === 'limited' ? last.message : null;
			} catch (error) {
				if (refusalOf(error).reason !== 'UNREACHABLE' || pause === null || this.#isStopped) throw error;
				this.message = 'The connection was lost. Trying again, without sending anything twice …';
				isRepeated = true;
				await new Promise((resolve) => setTimeout(resolve, pause));
			}
		}
		return null;
	}

	/** @param since for how many seconds a call whose answer was lost may have sent what now is there already. */
	#understand(answer: Sent, since: number | null): RowAnswer {
		if (answer.outcome !== 'invited') return answer;
		const { invitation, secondsAgo } = answer;
		if (since !== null && invitation.invitedBy.id === this.#userId && secondsAgo <= since) {
			return { outcome: 'sent' };
		}
		const readyAt = serverNow() + (resendSeconds - secondsAgo) * 1000;
		return { outcome: 'invited', invitationId: invitation.id, readyAt };
	}

	/** @returns the words of the refusal. */
	async resend(id: number): Promise<string | null> {
		const answer = this.answers.get(id);
		if (answer?.outcome !== 'invited') return null;
		try {
			await api.invitations.resend.mutate({
				organizationId: this.#organizationId,
				invitationId: answer.invitationId
			});
			this.answers.set(id, { outcome: 'sent' });
			this.keep();
			return null;
		} catch (error) {
			return refusalOf(error).message;
		}
	}
}
