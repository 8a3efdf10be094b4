import type { Handle, HandleServerError } from '@sveltejs/kit';
import { withoutSecrets } from '#lib/redaction.ts';

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
