import { redirect } from '@sveltejs/kit';
import type { RequestHandler } from './$types';

/**
 * The link of the e-mail. The token leaves the address bar, and with it the history and every Referer, for a cookie
 * that only the next page gets. Nothing changes here: mail scanners open every link.
 */
export const GET: RequestHandler = ({ params, cookies, url, setHeaders }) => {
	cookies.set('portico_invitation', params.token.slice(0, 100), {
		path: '/invitations',
		httpOnly: true,
		secure: url.protocol === 'https:',
		sameSite: 'lax',
		maxAge: 3600
	});
	setHeaders({ 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' });
	redirect(303, '/invitations');
};
