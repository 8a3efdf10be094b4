import { TRPCError } from '@trpc/server';
import { brokenIndex } from '../database/database.ts';
import { isUnavailable, isUncertain } from '../database/transaction.ts';

type RefusalCode =
	| 'BAD_REQUEST'
	| 'UNAUTHORIZED'
	| 'FORBIDDEN'
	| 'NOT_FOUND'
	| 'CONFLICT'
	| 'TOO_MANY_REQUESTS'
	| 'SERVICE_UNAVAILABLE';

/** A value as a form holds it. */
export type Shown = string | number | boolean | null;

/** A refusal on purpose: the only errors whose words reach a client. */
export class Refusal extends TRPCError {
	readonly reason: string;
	readonly fields: Record<string, string>;
	/** In how many seconds the same call may succeed; null where time alone changes nothing. */
	readonly retryAfter: number | null;
	/** What is saved in fields that somebody else has changed meanwhile; see seen.ts. */
	readonly now: Record<string, Shown>;

	constructor(
		code: RefusalCode,
		reason: string,
		message: string,
		fields: Record<string, string> = {},
		{
			retryAfter = null,
			now = {},
			cause
		}: { retryAfter?: number | null; now?: Record<string, Shown>; cause?: unknown } = {}
	) {
		super({ code, message, cause });
		this.reason = reason;
		this.fields = fields;
		this.retryAfter = retryAfter;
		this.now = now;
	}
}

/** An input error at one field, in words. */
export function fieldRefusal(field: string, reason: string, message: string): Refusal {
	return new Refusal(reason === 'INVALID' ? 'BAD_REQUEST' : 'CONFLICT', reason, message, {
		[field]: message
	});
}

/**
 * Turns the broken index of what may be there only once into words.
 * @param refusals by the name of the index; any other error stays as it is.
 */
export async function refusingTaken<Result>(
	writing: Promise<Result>,
	refusals: Record<string, Refusal>
): Promise<Result> {
	try {
		return await writing;
	} catch (error) {
		throw refusals[brokenIndex(error) ?? ''] ?? error;
	}
}

/** Refused for now: the one way to say so, since whoever is told to wait is told for how long. */
export const tooMany = (message: string, seconds: number, reason = 'TOO_MANY_REQUESTS') =>
	new Refusal('TOO_MANY_REQUESTS', reason, message, {}, { retryAfter: Math.max(1, Math.ceil(seconds)) });

export const notFound = () => new Refusal('NOT_FOUND', 'NOT_FOUND', 'This was not found.');

/** The refusal of a call that the database could not carry out now; any other error as it is. */
export function refusalOfOutage(error: unknown): unknown {
	if (!isUnavailable(error)) return error;
	const words = isUncertain(error)
		? 'The portal could not answer in time. Look whether it was done before you try again in a few seconds.'
		: 'The portal is busy at the moment, and nothing was changed. Try again in a few seconds.';
	return new Refusal('SERVICE_UNAVAILABLE', 'BUSY', words, {}, { retryAfter: 3, cause: error });
}
