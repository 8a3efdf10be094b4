import { page } from '$app/state';
import { live } from '#lib/browser/live.svelte.ts';
import { dataLimit } from '#lib/browser/pauses.ts';
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

/** Where the data of the page that is open come from. */
const dataPath = () => `${page.url.pathname.replace(/\/$/, '')}/__data.json`;

/** Without what SvelteKit adds. */
const withoutOwn = (query: URLSearchParams) =>
	new URLSearchParams([...query].filter(([name]) => !name.startsWith('x-sveltekit-'))).toString();

/** Whether what is asked for are the data of the page that is open, and not those of one that is on its way. */
function isOfOpenPage(asked: URL): boolean {
	const { origin, search } = page.url;
	return (
		page.error === null &&
		asked.origin === origin &&
		asked.pathname === dataPath() &&
		withoutOwn(asked.searchParams) === withoutOwn(new URLSearchParams(search))
	);
}

type Node = { type: string; status?: number } | null;
type Sent = { type: 'data'; nodes: Node[] } | { type: 'redirect'; location: string };

function isSent(sent: unknown): sent is Sent {
	const { type, nodes, location } = (sent ?? {}) as Record<string, unknown>;
	return type === 'data' ? Array.isArray(nodes) : type === 'redirect' && typeof location === 'string';
}

/** What SvelteKit reads as: each part of the page stays as it is. */
const nothing = '{"type":"data","nodes":[]}\n';

/** The data of a page as the portal sent them. Parts that it can't send now stay as they are, and are missed. */
async function readData(response: Response): Promise<string> {
	const text = await response.text();
	const [first = '', ...later] = text.split('\n');
	const sent: unknown = JSON.parse(first);
	if (!response.ok || !isSent(sent)) throw new Error('Not the portal’s');
	const isMissing = (node: Node) => node?.type === 'error' && isForNow(node.status ?? 500);
	if (sent.type === 'redirect' || !sent.nodes.some(isMissing)) return text;
	missData();
	const nodes = sent.nodes.map((node) => (isMissing(node) ? { type: 'skip' } : node));
	return [JSON.stringify({ ...sent, nodes }), ...later].join('\n');
}

/** Looks whether the portal sends the data of the page that is open. @throws {Error} when it doesn't. */
export async function probeData(): Promise<void> {
	await readData(await fetch(dataPath() + page.url.search, { signal: dataLimit() }));
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
		let data = nothing;
		try {
			data = await readData(await fetch(input, { ...init, signal: dataLimit() }));
		} catch {
			missData();
		}
		return new Response(data, { headers: { 'content-type': 'application/json' } });
	};
}
