import { createHash } from 'node:crypto';
import { error, redirect, type Cookies, type RequestEvent } from '@sveltejs/kit';
import { fieldOf } from './forms.ts';

/**
 * Links whose last part is a secret: those of e-mails, and the setup link. The secret leaves the address bar, and with it
 * the history and every Referer, for a cookie that only the page at `path` gets. Nothing changes here: mail scanners
 * open every link.
 *
 * Each link has a cookie of its own, named by a part of its hash that also stands in the page's address and in its
 * forms: a button acts on what its tab shows, whatever was opened in another one.
 */
const maxOpen = 10;
const seconds = 3600;

const prefixOf = (path: string) => `portico_${path.slice(1).replace('-', '_')}_`;

/** Not the hash that the database knows the link by. */
const idOf = (token: string) => createHash('sha256').update(`page ${token}`).digest('hex').slice(0, 16);

export const pageOf = (path: string, id: string) => `${path}?link=${id}`;

/** Keeps the secret for the page at `path`, in place of the oldest ones, and returns what names the link there. */
export function keepToken(
	{ cookies, url }: Pick<RequestEvent, 'cookies' | 'url'>,
	path: string,
	token: string
) {
	const id = idOf(token);
	const name = prefixOf(path) + id;
	const others = cookies
		.getAll()
		.filter((one) => one.name.startsWith(prefixOf(path)) && one.name !== name)
		.toSorted((one, other) => openedAt(other.value) - openedAt(one.value));
	for (const old of others.slice(maxOpen - 1)) cookies.delete(old.name, { path });
	cookies.set(name, `${Date.now()}.${token}`, {
		path,
		httpOnly: true,
		secure: url.protocol === 'https:',
		sameSite: 'lax',
		maxAge: seconds
	});
	return id;
}

const openedAt = (value: string) => Number(value.split('.')[0]) || 0;

/** Answers the link itself. @throws SvelteKit's redirect. */
export function openLink(event: RequestEvent<{ token: string }>, path: string): never {
	const id = keepToken(event, path, event.params.token.slice(0, 100));
	event.setHeaders({ 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' });
	redirect(303, pageOf(path, id));
}

const read = (cookies: Cookies, path: string, id: string) =>
	cookies.get(prefixOf(path) + id)?.replace(/^\d+\./, '') ?? '';

/** The link that the page's address names, with its secret; empty where there is none, which is never valid. */
export function openedLink({ cookies, url }: Pick<RequestEvent, 'cookies' | 'url'>, path: string) {
	const link = url.searchParams.get('link') ?? '';
	return { link, token: read(cookies, path, link) };
}

/**
 * The secret of the link that a form was drawn for.
 * @throws SvelteKit's error 409 where the browser no longer has it: another link is none of its business.
 */
export function tokenOf(
	{ cookies, url }: Pick<RequestEvent, 'cookies' | 'url'>,
	path: string,
	form: FormData
) {
	const link = fieldOf(form, 'link');
	const token = read(cookies, path, link);
	if (token && link === url.searchParams.get('link')) return { link, token };
	error(409, { message: 'Open the link again that led here.', requestId: '' });
}

export const forgetToken = (cookies: Cookies, path: string, id: string) =>
	cookies.delete(prefixOf(path) + id, { path });
