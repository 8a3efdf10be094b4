import { error } from '@sveltejs/kit';
import scalar from '../../../../../node_modules/@scalar/api-reference/dist/browser/standalone.js?url&no-inline';
import { documentPath } from '#lib/documents.ts';
import { api } from '../../../../api.server.ts';
import { orErrorPage } from '../../../../refusals.ts';
import { referencePage } from './viewer.ts';
import type { RequestHandler } from './$types';

/**
 * The reference of a product's newest document, as a page of its own that stands within another one of ours: it may reach
 * the servers that the document names, and nothing else may. All that it shows comes from here.
 */
export const GET: RequestHandler = async ({ params, url }) => {
	const { product, newest } = await orErrorPage(
		api.documents.get.query({ slug: params.slug.slice(0, 100) }),
		url
	);
	if (!scalar.startsWith('/')) error(404);
	const document = `${documentPath(product.slug, newest, newest.number)}&for=viewer`;
	// Of our own the document alone: with the reader's session, nothing of the viewer is to ask the portal anything.
	const { origin, pathname } = new URL(document, url);
	const nonce = crypto.randomUUID().replaceAll('-', '');
	const policy = [
		"default-src 'none'",
		`script-src 'self' 'nonce-${nonce}'`,
		"style-src 'self' 'unsafe-inline'",
		// The viewer draws its own: a picture of the document's texts that is here would be asked with the reader's session.
		'img-src data:',
		"font-src 'self'",
		['connect-src', origin + pathname, ...newest.servers.filter((one) => one !== origin)].join(' '),
		"frame-ancestors 'self'",
		"form-action 'none'",
		"base-uri 'none'"
	];
	return new Response(referencePage({ script: scalar, document, nonce }), {
		headers: {
			'content-type': 'text/html; charset=utf-8',
			'content-security-policy': policy.join('; '),
			'x-frame-options': 'SAMEORIGIN'
		}
	});
};
