/** So long a page may be busy before it does what can wait, in milliseconds. */
const patience = 2000;

/** Does what can wait when the page has nothing else to do; returns what takes it back. Safari can't say when that is. */
export function whenIdle(work: () => void): () => void {
	if (!('requestIdleCallback' in globalThis)) {
		const timer = setTimeout(work, patience / 10);
		return () => clearTimeout(timer);
	}
	const id = requestIdleCallback(work, { timeout: patience });
	return () => cancelIdleCallback(id);
}
