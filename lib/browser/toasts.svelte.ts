import type { toast as show } from 'svelte-sonner';

/**
 * Short news in the corner of the page. What shows them is loaded when the page has time, or with the first of them;
 * none is lost until then.
 */

type Loaded = typeof import('../components/Toaster.svelte');

let loading: Promise<Loaded> | null = null;
let loaded = $state.raw<Loaded | null>(null);

/** What the page has to hold for the news to be seen; null until it is there. */
export const getToaster = () => loaded?.default ?? null;

/** Resolves when news can be shown. A failure is none for good: the next call tries again. */
export async function loadToaster(): Promise<Loaded> {
	loading ??= import('../components/Toaster.svelte');
	try {
		return (loaded = await loading);
	} catch (error) {
		loading = null;
		throw error;
	}
}

function later(work: (toast: typeof show) => void): void {
	if (loaded) work(loaded.toast);
	else loadToaster().then(({ toast }) => work(toast), console.warn);
}

type Words = Parameters<typeof show>;

export const toast = Object.assign((...words: Words) => later((now) => now(...words)), {
	success: (...words: Words) => later((now) => now.success(...words)),
	error: (...words: Words) => later((now) => now.error(...words)),
	/** Takes all away. */
	dismiss: () => later((now) => now.dismiss())
});
