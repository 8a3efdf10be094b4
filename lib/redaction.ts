/** What a log may hold: no link of an e-mail, no key, no cookie, however it is spelled. */

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** What stands behind these in a path is a secret, or what a client of an API asked for. */
const links = new Set([
	'invitations',
	'setup',
	'verify-email',
	'reset-password',
	'unsubscribe',
	'forward-auth'
]);

/** Undoes percent signs, also those of percent signs, until nothing changes. */
function decode(text: string): string {
	for (let left = text, turn = 0; ; turn++) {
		let next: string;
		try {
			next = decodeURIComponent(left);
		} catch {
			// What is broken stays as it is, but for the signs that are whole.
			next = left.replace(/%[2-7][\da-f]/gi, (sign) => String.fromCharCode(parseInt(sign.slice(1), 16)));
		}
		if (next === left || turn === 5) return next;
		left = next;
	}
}

/** A name, as of a constraint: chance makes no secret of small letters alone. */
const name = /^[a-z_-]+$/;

/**
 * Replaces whatever is as long as a secret and made of its letters, also of letters written by percent signs. The ids of
 * rows are none, and no names.
 */
export function withoutSecrets(text: string, shortest = 32): string {
	return text.replace(/(?:%[\da-f]{2}|[\w-])+/gi, (run) =>
		run.length < shortest || uuid.test(run) || name.test(run) ? run : '…'
	);
}

/** A request's path for the log: neither what stands behind the name of a link nor what looks like a secret. */
export function loggedPath(path: string): string {
	const segments = decode(path).slice(0, 1000).split(/[/\\]/);
	const link = segments.findIndex((segment) => links.has(segment.trim().toLowerCase()));
	const hasMore = link >= 0 && segments.slice(link + 1).some((segment) => segment !== '');
	const shown = hasMore ? [...segments.slice(0, link + 1), '…'] : segments;
	return withoutSecrets(shown.join('/'), 20);
}
