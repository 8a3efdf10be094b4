import { createTRPCClient, httpBatchLink, httpBatchStreamLink, TRPCClientError } from '@trpc/client';
import { page } from '$app/state';
import { accountHeader } from '#lib/wire.ts';
import type { AppRouter } from '../src/router.ts';
import { isForNow, sayNotOurs, unreachable } from './unanswered.ts';

export type Api = typeof api;

/**
 * Something between the page and the portal answered in its place: a proxy with an error page of its own, or a page to
 * sign in to a network. It is no answer to read.
 */
class NotOurs extends Error {
	readonly status: number;

	constructor({ status }: Response) {
		super(`An answer that isn’t the portal’s (${status})`);
		this.status = status;
	}
}

/** As `fetch`, for what the portal answers with JSON. @throws {NotOurs} for anything else. */
const ours =
	(fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
	async (...request) => {
		const response = await fetch(...request);
		if (/^application\/(json|jsonl)\b/.test(response.headers.get('content-type') ?? '')) return response;
		await response.body?.cancel();
		throw new NotOurs(response);
	};

/** The API as pages call it in the browser, each call with this `fetch`. */
export const apiBy = (fetch: typeof globalThis.fetch) =>
	createTRPCClient<AppRouter>({
		links: [
			httpBatchLink({
				url: '/trpc',
				fetch: ours(fetch),
				maxItems: 10,
				// Whoever else is signed in by now changes nothing with a page that was drawn for this account.
				headers: () => (page.data.account ? { [accountHeader]: page.data.account.id } : {})
			})
		]
	});

export const api = apiBy((...request) => fetch(...request));

/** As `api`, for what is answered bit by bit. */
export const streamingApi = createTRPCClient<AppRouter>({
	links: [httpBatchStreamLink({ url: '/trpc', fetch: ours((...request) => fetch(...request)) })]
});

/** What a refused call says: words for people, and which fields they belong to. */
export interface Refusal {
	status: number;
	reason: string;
	message: string;
	fields: Record<string, string>;
	/** What is saved in fields that somebody else has changed meanwhile. */
	now: Record<string, string | number | boolean | null>;
	requestId: string;
}

/** The refusal of a failed call. An error that isn't one, such as a lost connection, becomes one in general words. */
export function refusalOf(error: unknown): Refusal {
	if (error instanceof TRPCClientError && error.data) {
		const { httpStatus, reason, fields, now, requestId } = (error as TRPCClientError<AppRouter>).data ?? {};
		return {
			status: httpStatus ?? 500,
			reason: reason ?? 'UNKNOWN',
			message: error.message,
			fields: fields ?? {},
			now: now ?? {},
			requestId: requestId ?? ''
		};
	}
	const cause = error instanceof TRPCClientError ? error.cause : error;
	const status = cause instanceof NotOurs ? cause.status : 503;
	// A proxy says 502 to 504 when the portal itself is away.
	const isAway = status >= 500;
	return {
		status: isAway ? 503 : status,
		reason: isAway ? 'UNREACHABLE' : 'NOT_OURS',
		message: isAway ? unreachable : sayNotOurs(status),
		fields: {},
		now: {},
		requestId: ''
	};
}

/** Whether a call failed for now: the portal is away or kept from answering, its database is, or it has been asked too often. */
export function isNotNow(error: unknown): boolean {
	const { status, reason } = refusalOf(error);
	return isForNow(status) || reason === 'NOT_OURS';
}
