/** Words for a call that the portal itself has not answered. */
export const unreachable = 'The portal can’t be reached at the moment. Try again.';

/** Words for an answer that came from something else than the portal. @param status of HTTP, where there was one. */
export function sayNotOurs(status?: number): string {
	if (status === 413) return 'A proxy between you and the portal refuses this as too large (413).';
	const what = status === undefined || status < 400 ? '' : ` (${status})`;
	return `Something between you and the portal, such as a proxy, answered in its place${what}. Try again in a moment.`;
}

/** Whether an answer says that the portal can't tell now, or has been asked too often, and may be asked again. */
export const isForNow = (status: number): boolean => status >= 500 || status === 429;
