import type { toast as show } from 'svelte-sonner';
import { needPart } from './parts.svelte.ts';

/**
 * Short news in the corner of the page. What shows them is loaded when the page has time, or with the first of them;
 * none is lost until then.
 */

type Loaded = typeof import('../components/Toaster.svelte');
type Work = (toast: typeof show) => void;

let loaded = $state.raw<Loaded | null>(null);
const waiting: Work[] = [];

/** What the page has to hold for the news to be seen; null until it is there. */
export const getToaster = () => loaded?.default ?? null;

/** Resolves when news can be shown. A failure is none for good: the next call tries again. */
export async function loadToaster(): Promise<void> {
	const { toast } = (loaded ??= await import('../components/Toaster.svelte'));
	for (const work of waiting.splice(0)) work(toast);
}

function later(work: Work): void {
	if (loaded) return work(loaded.toast);
	waiting.push(work);
	void needPart(loadToaster);
}

type Words = Parameters<typeof show>;

export const toast = Object.assign((...words: Words) => later((now) => now(...words)), {
	success: (...words: Words) => later((now) => now.success(...words)),
	error: (...words: Words) => later((now) => now.error(...words)),
	/** Takes all away. */
	dismiss: () => (loaded ? void loaded.toast.dismiss() : void waiting.splice(0))
});
