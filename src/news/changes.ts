import { events, isKnown, type EventName } from '#lib/events.ts';

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
 * Whether every process has to hear of it with the commit, also if the process that did it dies at that moment: all that may
 * end an answer which others keep.
 */
export const mayEnd = (name: string) => !isKnown({ name }) || events[name as EventName].mayEnd;

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
export function startHearing(isHeard: () => boolean): () => void {
	isCurrent = isHeard;
	return () => void (isCurrent = deaf);
}
