import type { Invitee } from '../invitees.ts';
import type { Role } from '../../views.ts';

/**
 * A list that somebody is correcting stays in the tab: a stray click, “Back” or a reload loses nothing. It is of one
 * person and one organization, and goes when it is sent or given up, with the session, and with the tab.
 */
export type KeptList<Answer> = {
	rows: Invitee[];
	defaultRole: Role;
	leftOut: number;
	/** Whether somebody has corrected something. */
	isEdited: boolean;
	answers: [number, Answer][];
};

const prefix = 'portico:list:';
const keyOf = (userId: string, organizationId: string) => `${prefix}${userId}:${organizationId}`;

/** A tab without room or permission for it keeps nothing, which is no reason to stop. */
function attempt<Result>(work: (storage: Storage) => Result): Result | null {
	try {
		return work(sessionStorage);
	} catch {
		return null;
	}
}

export function keepList<Answer>(
	userId: string,
	organizationId: string,
	list: KeptList<Answer> | null
): void {
	const key = keyOf(userId, organizationId);
	attempt((storage) => (list ? storage.setItem(key, JSON.stringify(list)) : storage.removeItem(key)));
}

export function findKept<Answer>(userId: string, organizationId: string): KeptList<Answer> | null {
	return attempt((storage) => {
		const text = storage.getItem(keyOf(userId, organizationId));
		const kept = text ? (JSON.parse(text) as KeptList<Answer>) : null;
		return kept && Array.isArray(kept.rows) && Array.isArray(kept.answers) ? kept : null;
	});
}

/** What is typed or asked about and isn't a list yet, as whoever reads it wants it kept. */
export function keepDraft(userId: string, organizationId: string, draft: object | null): void {
	const key = `${keyOf(userId, organizationId)}:draft`;
	attempt((storage) => (draft ? storage.setItem(key, JSON.stringify(draft)) : storage.removeItem(key)));
}

export function findDraft<Draft>(userId: string, organizationId: string): Draft | null {
	return attempt((storage) => {
		const text = storage.getItem(`${keyOf(userId, organizationId)}:draft`);
		return text ? (JSON.parse(text) as Draft) : null;
	});
}

/** Lists of anybody else who was signed in in this tab. */
export function forgetLists(userId: string | null): void {
	attempt((storage) => {
		for (const key of Object.keys(storage)) {
			if (key.startsWith(prefix) && !(userId && key.startsWith(`${prefix}${userId}:`)))
				storage.removeItem(key);
		}
	});
}
