import { redirect, type Cookies, type RequestEvent } from '@sveltejs/kit';

/**
 * Links whose last part is a secret: those of e-mails, and the setup link. It leaves the address bar, and with it the history and every Referer,
 * for a cookie that only the page at `path` gets. Nothing changes here: mail scanners open every link.
 */
const cookieOf = (path: string) => `portico_${path.slice(1).replace('-', '_')}`;

/** Answers the link itself. @throws SvelteKit's redirect. */
export function openLink(
	{ params, cookies, url, setHeaders }: RequestEvent<{ token: string }>,
	path: string
): never {
	cookies.set(cookieOf(path), params.token.slice(0, 100), {
		path,
		httpOnly: true,
		secure: url.protocol === 'https:',
		sameSite: 'lax',
		maxAge: 3600
	});
	setHeaders({ 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' });
	redirect(303, path);
}

/** The secret of the link that was opened last; empty where there is none, which is never valid. */
export const tokenOf = (cookies: Cookies, path: string) => cookies.get(cookieOf(path)) ?? '';

export const forgetToken = (cookies: Cookies, path: string) => cookies.delete(cookieOf(path), { path });
