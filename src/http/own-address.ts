import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { Refusal } from '../api/refusals.ts';
import { errorShapeOf } from './inside.ts';

/**
 * Under any other name than the portal's own a page could be read, and nothing on it would work: cookies, forms and the
 * socket belong to one origin. Whoever opens a page there is led to the portal's address.
 */

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Whether the name means the machine itself. */
function isThisMachine(hostname: string): boolean {
	const name = hostname.replace(/^\[|\]$/g, '');
	const version = isIP(name);
	if (version === 0) return name === 'localhost' || name.endsWith('.localhost');
	return loopback.check(name, version === 6 ? 'ipv6' : 'ipv4');
}

/** The name of a host as browsers write it, without a port; null for what is none. */
function hostnameOf(host: string | undefined): string | null {
	const first = host?.split(',')[0]?.trim();
	return first && URL.canParse(`http://${first}`) ? new URL(`http://${first}`).hostname : null;
}

/** By the path, whether somebody looks at it as a page: neither a file of the build nor the data of a page. */
const isPage = (path: string) => !path.startsWith('/_app/') && !path.endsWith('/__data.json');

/** A proxy that passes the name of its own goal on would lead a browser in circles: it has been here a moment ago. */
const [mark, markSeconds] = ['portico_moved', 3];

const wrongAddress = (origin: string) => `Open the portal at ${origin}: this request came from elsewhere.`;

/**
 * Refuses what comes from elsewhere, in the form that the asker reads: words at the form of a page, the API's own for a
 * call, and plain text for anybody else. Without that a page would take the answer for that of a proxy.
 */
export function refuseElsewhere(c: Context, origin: string): Response {
	const message = wrongAddress(origin);
	if (c.req.header('x-sveltekit-action') === 'true') {
		// As SvelteKit's forms read it: an index into the list that follows stands for each value (the format of devalue).
		const data = JSON.stringify([
			{ message: 1, values: 2, fields: 2, reason: 3 },
			message,
			{},
			'WRONG_ADDRESS'
		]);
		return c.json({ type: 'failure', status: 403, data }, 403);
	}
	if (!c.req.path.startsWith('/trpc/')) return c.text(message, 403);
	return c.json({ error: errorShapeOf(new Refusal('FORBIDDEN', 'WRONG_ADDRESS', message)) }, 403);
}

/** Leads whoever asks for a page under another name to the same page under the portal's own. */
export function leadToOrigin(
	origin: string
): MiddlewareHandler<{ Bindings: { incoming?: IncomingMessage } }> {
	const own = new URL(origin).hostname;
	return async (c, next) => {
		const { method, path } = c.req;
		const asked = hostnameOf(c.req.header('host'));
		const isElsewhere = asked !== own && hostnameOf(c.req.header('x-forwarded-host')) !== own;
		const isRead = method === 'GET' || method === 'HEAD';
		if (!c.env.incoming || !isRead || !isPage(path) || !isElsewhere || asked === null) return next();
		// From another machine, this one's own name would lead nowhere: that is for whoever set the portal up.
		if (isThisMachine(own) && !isThisMachine(asked)) {
			return c.text(`${wrongAddress(origin)} If that address is wrong, set ORIGIN.`, 421);
		}
		if (getCookie(c, mark)) return next();
		const { search } = new URL(c.req.url);
		c.header('set-cookie', `${mark}=1; Path=/; Max-Age=${markSeconds}; HttpOnly; SameSite=Lax`);
		c.header('cache-control', 'no-store');
		return c.redirect(origin + path + search, 307);
	};
}
