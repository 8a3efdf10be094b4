/**
 * What has changed, told at once to whatever in this process keeps answers in memory: what this process itself commits,
 * before the call that did it is answered, and what others commit, as soon as it is heard.
 */

/** An event, as far as a signal tells of it. One of an older process says neither name nor place. */
export interface Change {
	name?: string | undefined;
	organizationId?: string | null | undefined;
	/** The account that it is about. */
	accountId?: string | undefined;
}

/**
 * What can't end an answer that others keep: it makes something new, shows it, or is about people and e-mails. Of anything
 * else every process has to hear with the commit, also if the process that did it dies at that moment.
 */
const harmless =
	/^(?:member|invitation|email|brand|mailServer)\.|\.(?:created|requested|registered|verified|revealed|copied|known|expiring)$/;
export const mayEnd = (name: string) => !harmless.test(name);

interface Keeper {
	end(change: Change): void;
	endAll(): void;
}

const keepers = new Set<Keeper>();
/** Nobody listens yet. */
const deaf = () => false;
let isCurrent: () => boolean = deaf;

export const addKeeper = (keeper: Keeper) => void keepers.add(keeper);

export function noteChange(change: Change): void {
	for (const keeper of keepers) keeper.end(change);
}

/** Nobody knows what has been missed. */
export function missChanges(): void {
	for (const keeper of keepers) keeper.endAll();
}

/** Whether what others commit is heard: only then anything may be answered from memory. */
export const hearsChanges = () => isCurrent();

/** Says from now on whether changes are heard; the returned function ends that. */
export function hearChanges(isHeard: () => boolean): () => void {
	isCurrent = isHeard;
	return () => void (isCurrent = deaf);
}
