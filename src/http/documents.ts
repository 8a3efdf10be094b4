import type { Context as HonoContext } from 'hono';
import { findShown } from '../documents/shown.ts';
import { getDocument } from '../procedures/documents/documents.ts';
import { viewerOf } from '../procedures/products/catalogue.ts';
import { Refusal } from '../api/refusals.ts';
import type { Context } from '../api/trpc.ts';

const types = { json: 'application/json; charset=utf-8', yaml: 'application/yaml; charset=utf-8' };

/**
 * The OpenAPI document of a product as it was uploaded, for whoever may see the product: a browser saves it and runs
 * nothing of it. It is asked for again each time, since who may see it can change, and sent when it is another one. The viewer
 * is given what it can show.
 */
export async function sendDocument(
	c: HonoContext,
	{ slug, format }: { slug: string; format: string },
	getContext: () => Promise<Context>
): Promise<Response> {
	const asked = c.req.query('version');
	const gone = () => c.text('This was not found.', 404, { 'cache-control': 'private, no-store' });
	if (asked !== undefined && !/^[1-9]\d{0,8}$/.test(asked)) return gone();
	try {
		const ctx = await getContext();
		const { version, read } = await getDocument(ctx.db, viewerOf(ctx), slug, asked ? Number(asked) : null);
		if (version.format !== format) return gone();
		const isForViewer = c.req.query('for') === 'viewer';
		const headers = {
			etag: `"${version.id}${isForViewer ? '-viewer' : ''}"`,
			'cache-control': 'private, no-cache',
			vary: 'cookie',
			'content-disposition': `attachment; filename="${slug}-${version.number}.${format}"`,
			'content-type': types[version.format],
			'content-security-policy': "default-src 'none'; sandbox",
			'x-content-type-options': 'nosniff'
		};
		if (c.req.header('if-none-match') === headers.etag) return c.body(null, 304, headers);
		const shown = isForViewer ? await findShown(version, read) : null;
		if (shown !== null) return c.body(shown, 200, { ...headers, 'content-type': types.json });
		return c.body(await read(), 200, headers);
	} catch (error) {
		if (error instanceof Refusal && error.code === 'NOT_FOUND') return gone();
		throw error;
	}
}
