import type { Handle, HandleFetch, HandleServerError } from '@sveltejs/kit';
import { withoutSecrets } from '#lib/redaction.ts';
import { parseSetCookie } from 'set-cookie-parser';

/** Calls of the API stay inside the process; the outer server has put its `fetch` on globalThis. */
export const handleFetch: HandleFetch = async ({ event, request, fetch }) => {
	const url = new URL(request.url);
	if (url.origin !== event.url.origin || !url.pathname.startsWith('/trpc/')) return fetch(request);
	const inside = new Request(request, { headers: new Headers(request.headers) });
	for (const name of ['cookie', 'user-agent']) {
		const value = event.request.headers.get(name);
		if (value) inside.headers.set(name, value);
	}
	const response = await globalThis.porticoFetch(inside, {
		address: event.request.headers.get('x-portico-address') ?? 'unknown',
		requestId: event.request.headers.get('x-request-id') ?? '',
		// What a form does may end the session that its page was asked for with.
		...(event.request.method === 'GET' && { page: event.locals })
	});
	// As is for how long whoever was refused has to wait.
	const retryAfter = response.headers.get('retry-after');
	if (retryAfter) event.locals.retryAfter = retryAfter;
	// A cookie that the call sets belongs to the page's own response.
	for (const { name, value, path, httpOnly, secure, sameSite, maxAge } of parseSetCookie(response)) {
		event.cookies.set(name, value, {
			path: path ?? '/',
			httpOnly,
			secure,
			sameSite: sameSite?.toLowerCase() as 'lax',
			maxAge
		});
	}
	return response;
};

/** A form names its action as `?/name`; SvelteKit takes words of the language itself for names too, and stumbles. */
function isNoAction(key: string): boolean {
	if (!key.startsWith('/')) return false;
	const name = key.slice(1);
	return name === 'default' || name in Object.prototype || !/^[a-z]+$/i.test(name);
}

/** Pages hold what only their reader may see: no cache keeps them. */
export const handle: Handle = async ({ event, resolve }) => {
	if (event.request.method === 'POST' && [...event.url.searchParams.keys()].some(isNoAction)) {
		return new Response('There is no such form.', { status: 400 });
	}
	const response = await resolve(event);
	const { retryAfter } = event.locals;
	if (retryAfter && !response.ok) response.headers.set('retry-after', retryAfter);
	if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'private, no-store');
	return response;
};

export const handleError: HandleServerError = ({ error, event, status, message }) => {
	const requestId = event.request.headers.get('x-request-id') ?? '';
	if (status !== 404)
		console.error(JSON.stringify({ requestId, path: event.route.id, error: withoutSecrets(String(error)) }));
	return { message: status === 404 ? 'There is no such page.' : message, requestId };
};
