import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import compression from 'compression';

/** Below that, packing takes longer than sending. */
const threshold = 4096;

/**
 * Whether an answer may be packed. Its length then tells what repeats in it: where somebody else can have a signed-in
 * browser ask with words of their choice, they could find out what stands beside them, letter by letter (the BREACH
 * attack). That is any page with a query, which a link on another site leads to with the cookie; calls of the API come
 * from our own pages alone, and what shows a secret is a POST.
 */
function mayPack({ method, url = '' }: IncomingMessage, response: ServerResponse): boolean {
	if (method !== 'GET') return false;
	if (!/^(?:text\/html|application\/json)\b/.test(String(response.getHeader('content-type')))) return false;
	return url.startsWith('/trpc/') || !url.includes('?');
}

/** Packs what pages and the API answer, for clients that ask for it. Scripts and styles were packed by the build. */
export function withCompression(listener: RequestListener): RequestListener {
	const pack = compression({ threshold, filter: mayPack as compression.CompressionFilter });
	return (request, response) =>
		pack(request as Parameters<typeof pack>[0], response as Parameters<typeof pack>[1], () =>
			listener(request, response)
		);
}
