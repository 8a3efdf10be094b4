/**
 * What time it is on the server. A clock in a browser may be wrong by weeks; what has a date on the server (an expiry, a
 * pause) is compared with the server's own. Nothing else of the browser's side reads the clock, as the linter sees to.
 */
let ahead: number | null = null;

/** Since an answer is on its way for a while, the time that it brings is never ahead; so much behind is another clock. */
const wayAtMost = 3000;

/** Notes what the server's clock said when it answered just now. */
export function noteServerTime(said: string): void {
	const next = Date.parse(said) - Date.now();
	// Of two that agree, the one that was faster is nearer.
	if (ahead === null || next > ahead || ahead - next > wayAtMost) ahead = next;
}

/** Notes when something happened on the server that this page has just heard of: it is that late there, or later. */
export function noteHappened(at: string): void {
	const next = Date.parse(at) - Date.now();
	if (ahead !== null && next > ahead) ahead = next;
}

/** In milliseconds since 1970. On the server itself, its clock. */
export const serverNow = () => Date.now() + (ahead ?? 0);
