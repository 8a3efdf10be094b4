import { page } from '$app/state';
import { live } from '#lib/browser/live.svelte.ts';
import { isForNow } from './unanswered.ts';

/** Whether something that the open page shows was asked for again, and no answer came. */
let isBehind = false;

export const isPageBehind = () => isBehind;

/** What the page has asked for has not come: all of it is asked for again, when the portal answers. */
export function missData(): void {
	isBehind = true;
	live.missAnswer();
}

/** All that the page shows is being asked for. */
export function noteWhole(): void {
	isBehind = false;
}

/** Whether what is asked for are the data of the page that is open, and not those of one that is on its way. */
function isOfOpenPage(asked: URL): boolean {
	const { origin, pathname, search } = page.url;
	const wanted = new URLSearchParams(
		[...asked.searchParams].filter(([name]) => !name.startsWith('x-sveltekit-'))
	);
	return (
		page.error === null &&
		asked.origin === origin &&
		asked.pathname === `${pathname.replace(/\/$/, '')}/__data.json` &&
		wanted.toString() === new URLSearchParams(search).toString()
	);
}

/** The data of a page as the portal sent them; null where it can't send them now, or something else answered. */
async function readData(response: Response): Promise<string | null> {
	const isOurs = /\/(json|sveltekit-data)\b/.test(response.headers.get('content-type') ?? '');
	if (!isOurs || isForNow(response.status)) return null;
	const text = await response.text();
	if (!text.includes('"type":"error"')) return text;
	const { nodes } = JSON.parse(text.split('\n', 1)[0]!) as { nodes?: ({ status?: number } | null)[] };
	return nodes?.some((node) => isForNow(node?.status ?? 0)) ? null : text;
}

/**
 * As `fetch`, where the data of the open page don't come, or something between the page and the portal answers in their
 * place: the page stays as it is, and asks again when the portal answers. SvelteKit would show an error instead of the
 * page, or leave it for the browser's own, which nobody comes back from when the portal does.
 */
export function keepingPage(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
	return async (input, init) => {
		const asked = typeof input === 'string' && URL.canParse(input) ? new URL(input) : null;
		if (!asked || !isOfOpenPage(asked)) return fetch(input, init);
		let data: string | null = null;
		let [status, headers] = [200, new Headers({ 'content-type': 'application/json' })];
		try {
			const response = await fetch(input, init);
			data = await readData(response);
			if (data !== null) ({ status, headers } = response);
		} catch {
			// Nobody answered.
		}
		if (data === null) missData();
		// A part of the page that isn't in the answer stays as it is.
		return new Response(data ?? '{"type":"data","nodes":[]}\n', { status, headers });
	};
}
