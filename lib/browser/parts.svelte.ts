/**
 * Parts of a page that are loaded later than the page. One that is wanted and can't be had is said at the page's foot:
 * the connection is away, or a new version of the portal has taken the place of the one that the page came from. Some
 * browsers then refuse that file until the page is loaded again.
 */
let isMissing = $state(false);

/** Whether the page lacks a part that somebody wanted. */
export const isPartMissing = () => isMissing;

/**
 * An error that nothing has caught, in code of the page: what was being drawn is not drawn to its end, and may stand still
 * from then on without a word. What extensions of the browser run in it is not the page's.
 */
let isBroken = $state(false);

/** Whether something has gone wrong in the page, so that it may no longer follow what happens. */
export const isPageBroken = () => isBroken;

export function noteError(event: Event): void {
	const { error } = event as Event & { error?: unknown };
	if (error instanceof Error && error.stack?.includes(`${location.origin}/_app/`)) isBroken = true;
}

/** Does what needs a part that may not have come yet; false where it can't be had now. */
export async function needPart(work: () => Promise<unknown>): Promise<boolean> {
	try {
		await work();
		isMissing = false;
	} catch (error) {
		console.warn(error);
		isMissing = true;
	}
	return !isMissing;
}
