/** How long a page that isn't live waits before it asks for what it missed, in milliseconds. */
export const pauses = { first: 700, again: 4000, signedOut: 30_000, hidden: 60_000, start: 3000 };
/** How long a page waits that was refused for the moment, at first and at most; and one too many. */
export const refusedPauses = { first: 300, longest: 3000, crowded: 45_000 };
/** Pages that lost the same server don't all come at the same time. */
export const scatter = (pause: number) => pause * (0.6 + 0.4 * Math.random());
/** So long may something take that the page waits for by itself, in milliseconds. */
export const patience = 10_000;
/** The same for the answer to a question. */
export const questionLimit = () => AbortSignal.timeout(patience);
/** The same for the data of the whole page. */
export const dataLimit = () => AbortSignal.timeout(20_000);
