import { noteAllSeen } from '../identity/sessions.ts';
import { attest, type Whereabouts } from '../news/presence.ts';
import type { House } from './house.ts';

/** What comes in within so many milliseconds is written together, and told together. */
export const presencePause = 100;
/** After what could not be written, in milliseconds. */
const again = 1000;

interface Rooms {
	/** Whether this person has a page of the organization open on this process. */
	isHere(where: Whereabouts): boolean;
	/** Reads who has a page of these open anywhere. */
	read(organizationIds: readonly string[]): Promise<void>;
}

/** All of it, which is no longer there afterwards. */
function take<Key, What>(all: Map<Key, What> | Set<What>): What[] {
	const taken = [...all.values()];
	all.clear();
	return taken;
}

/**
 * What changes of who is seen where, gathered and written at once for all: by what holds when it is written. What can't be
 * written now is kept for the next time.
 */
export function createPresenceWriter({ db, processId, report }: House, { isHere, read }: Rooms) {
	const changed = new Map<string, Whereabouts>();
	const unread = new Set<string>();
	/** Who has closed their last page. */
	const parted = new Set<string>();
	let writing: Promise<void> | null = null;
	let timer: NodeJS.Timeout | undefined;
	let isEnded = false;

	function writeSoon(): void {
		if (isEnded || writing) return;
		timer ??= setTimeout(() => {
			timer = undefined;
			writing = write().finally(() => {
				writing = null;
				if (changed.size + unread.size + parted.size > 0) writeSoon();
			});
		}, presencePause);
	}

	function note(where: Whereabouts): void {
		changed.set(`${where.organizationId}:${where.userId}`, where);
		writeSoon();
	}

	async function write(): Promise<void> {
		const [marks, opened, left] = [take(changed), take(unread), take(parted)];
		try {
			await attest(db, processId, {
				came: marks.filter(isHere),
				went: marks.filter((one) => !isHere(one))
			});
			await read(opened);
			await noteAllSeen(db, left);
		} catch (error) {
			report(error);
			for (const one of marks) note(one);
			for (const id of opened) unread.add(id);
			for (const id of left) parted.add(id);
			await new Promise((resolve) => void setTimeout(resolve, again).unref());
		}
	}

	return {
		/** This person has come to the organization, or gone. */
		note,
		/** Who is in the organization is to be read. */
		ask(organizationId: string): void {
			unread.add(organizationId);
			writeSoon();
		},
		/** This person has closed their last page here. */
		part(userId: string): void {
			parted.add(userId);
			writeSoon();
		},
		async stop(): Promise<void> {
			isEnded = true;
			clearTimeout(timer);
			await writing;
			await noteAllSeen(db, [...parted]).catch(report);
		}
	};
}
