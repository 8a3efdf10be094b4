import type { IncomingMessage } from 'node:http';
import type { Context as HonoContext, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { maxDocumentBytes } from '#lib/documents.ts';
import type { ProcedurePath } from '#lib/policy.ts';
import { inviteesPerCall } from '#lib/views.ts';

/** How much a request may bring, by what it asks for. */

/** Names, addresses and a paragraph or two; a form of a page holds no more. */
export const smallBody = 16_000;
/** Two names and an address of a row, each letter of three bytes, with the names of the fields. */
const bytesOfInvitee = 900;

const largeBodies: ReadonlyMap<string, number> = new Map<ProcedurePath, number>([
	// A logo of 100 kB in base64.
	['emails.previewBrand', 160_000],
	['emails.updateBrand', 160_000],
	// A text of 50,000 letters of up to three bytes.
	['emails.preview', 160_000],
	['emails.update', 160_000],
	['emails.sendTest', 160_000],
	// A description of 20,000 letters of up to three bytes.
	['products.create', 80_000],
	['products.update', 80_000],
	['products.preview', 80_000],
	// In JSON each quote and each end of a line is two bytes.
	['documents.upload', 2 * maxDocumentBytes + smallBody],
	['invitations.createMany', smallBody + inviteesPerCall * bytesOfInvitee]
]);

/** Calls that travel together share the limit of the one that needs most: a batch is no way around it. */
export function callLimit(path: string): number {
	const calls = decodeURIComponent(path)
		.replace(/^\/trpc\//, '')
		.split(',');
	return Math.max(smallBody, ...calls.slice(0, 10).map((call) => largeBodies.get(call) ?? 0));
}

/** As it is told before the body, which Node ends there; NaN for what is no number. */
const lengthOf = ({ headers }: IncomingMessage) => Number(headers['content-length'] ?? 0);

/** What is still read of a body that is refused, so that its sender gets to hear why. */
const readAway = { bytes: 8_000_000, ms: 10_000 };

/**
 * Reads what is left of a request's body and throws it away: whoever is hung up on while writing sees a broken
 * connection and not the answer (RFC 9112, section 9.6). False when that would be more than {@link readAway}.
 */
async function readRest(incoming: IncomingMessage): Promise<boolean> {
	if (lengthOf(incoming) > readAway.bytes) return false;
	if (incoming.readableEnded || incoming.destroyed) return true;
	const { promise, resolve } = Promise.withResolvers<boolean>();
	let bytes = 0;
	const timer = setTimeout(() => resolve(false), readAway.ms);
	incoming.on('data', (part: Buffer) => {
		bytes += part.length;
		if (bytes > readAway.bytes) resolve(false);
	});
	for (const end of ['end', 'close', 'error']) incoming.once(end, () => resolve(true));
	incoming.resume();
	const isRead = await promise;
	clearTimeout(timer);
	return isRead;
}

type Refuse = (c: HonoContext, headers: Record<string, string>) => Response;

const tooLarge: Refuse = (c, headers) => c.text('The request is too large.', 413, headers);

async function refuseAfterReading(c: HonoContext, refuse: Refuse): Promise<Response> {
	const { incoming } = c.env as { incoming?: IncomingMessage };
	// Without it, it is a call from within this process.
	return refuse(c, !incoming || (await readRest(incoming)) ? {} : { connection: 'close' });
}

/** A body that is longer than it may be by what is told of it: it is refused before anything of it is looked at. */
function isToldTooLarge(c: HonoContext, max: number): boolean {
	return !(Number(c.req.header('content-length') ?? 0) <= max);
}

/** Refuses a body that is longer than it may be, with or without a length that is told before. */
export const limitBody =
	(limitOf: (path: string) => number, refuse = tooLarge): MiddlewareHandler =>
	(c, next) => {
		const maxSize = limitOf(c.req.path);
		if (isToldTooLarge(c, maxSize)) return refuseAfterReading(c, refuse);
		// Node ends a body at the length that was told.
		if (!c.req.header('transfer-encoding')) return next();
		return bodyLimit({ maxSize, onError: () => refuseAfterReading(c, refuse) })(c, next);
	};

/**
 * As {@link limitBody}, for the pages, which read the body themselves: nothing of it is read here. A body whose length
 * isn't told is counted by them.
 */
export const limitTold =
	(max: number): MiddlewareHandler =>
	async (c, next) => {
		if (isToldTooLarge(c, max)) return refuseAfterReading(c, tooLarge);
		await next();
	};

/** A body that was read; or of one that is longer than it may be, what is to be said with its refusal. */
export type Body = { text: string } | { text: null; headers: Record<string, string> };

async function refuseBody(incoming: IncomingMessage): Promise<Body> {
	return { text: null, headers: (await readRest(incoming)) ? {} : { connection: 'close' } };
}

/** Reads a body that may be so many bytes long; nothing of one that is told to be longer. */
export async function readBody(incoming: IncomingMessage, max: number): Promise<Body> {
	if (!(lengthOf(incoming) <= max)) return refuseBody(incoming);
	const { promise, resolve } = Promise.withResolvers<'whole' | 'broken off' | 'too large'>();
	const parts: Buffer[] = [];
	let bytes = 0;
	const take = (part: Buffer) => {
		parts.push(part);
		bytes += part.length;
		if (bytes > max) resolve('too large');
	};
	incoming.on('data', take);
	incoming.once('end', () => resolve('whole'));
	for (const end of ['close', 'error']) incoming.once(end, () => resolve('broken off'));
	const how = await promise;
	incoming.off('data', take);
	if (how === 'too large') return refuseBody(incoming);
	return { text: how === 'whole' ? Buffer.concat(parts).toString() : '' };
}

/** The fields of a form. @throws {HTTPException} 400 when the body is none. */
export async function readFields(c: HonoContext): Promise<Record<string, string | File>> {
	try {
		return (await c.req.parseBody()) as Record<string, string | File>;
	} catch {
		throw new HTTPException(400, { message: 'The form could not be read.' });
	}
}
