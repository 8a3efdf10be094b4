import type { Context as HonoContext, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { inviteesPerCall } from '#lib/views.ts';

/** How much a request may bring, by what it asks for. */

/** Names, addresses and a paragraph or two; a form of a page holds no more. */
export const smallBody = 16_000;
/** Two names and an address of a row, each letter of three bytes, with the names of the fields. */
const bytesOfInvitee = 900;

const largeBodies = new Map([
	// A logo of 100 kB in base64.
	['emails.previewBrand', 160_000],
	['emails.updateBrand', 160_000],
	// A text of 50,000 letters of up to three bytes.
	['emails.preview', 160_000],
	['emails.update', 160_000],
	['emails.sendTest', 160_000],
	['invitations.createMany', smallBody + inviteesPerCall * bytesOfInvitee]
]);

/** Calls that travel together share the limit of the one that needs most: a batch is no way around it. */
export function callLimit(path: string): number {
	const calls = decodeURIComponent(path)
		.replace(/^\/trpc\//, '')
		.split(',');
	return Math.max(smallBody, ...calls.slice(0, 10).map((call) => largeBodies.get(call) ?? 0));
}

const tooLarge = (c: HonoContext) => c.text('The request is too large.', 413);

/** Refuses a body that is longer than it may be, with or without a length that is told before. */
export const limitBody = (limitOf: (path: string) => number): MiddlewareHandler => {
	return (c, next) => bodyLimit({ maxSize: limitOf(c.req.path), onError: tooLarge })(c, next);
};

/**
 * As {@link limitBody}, for the pages, which read the body themselves: nothing of it is read here. A body whose length
 * isn't told is counted by them.
 */
export const limitTold =
	(max: number): MiddlewareHandler =>
	async (c, next) => {
		const told = Number(c.req.header('content-length') ?? 0);
		if (!(told <= max)) return c.text('The request is too large.', 413, { connection: 'close' });
		await next();
	};

/** The fields of a form. @throws {HTTPException} 400 when the body is none. */
export async function readForm(c: HonoContext): Promise<Record<string, string | File>> {
	try {
		return (await c.req.parseBody()) as Record<string, string | File>;
	} catch {
		throw new HTTPException(400, { message: 'The form could not be read.' });
	}
}
