import { createTRPCClient, httpBatchLink, httpBatchStreamLink, TRPCClientError } from '@trpc/client';
import { page } from '$app/state';
import { accountHeader } from '#lib/wire.ts';
import type { AppRouter } from '../src/router.ts';

export type Api = ReturnType<typeof apiFor>;

/**
 * The API as `load` and form actions call it, with the `fetch` of their event: see hooks.server.ts.
 * @param accountOf the account that the page was drawn for: whoever else is signed in by now changes nothing with it.
 */
export function apiFor(fetch: typeof globalThis.fetch, accountOf?: () => string | null | undefined) {
	const headers = () => {
		const account = accountOf?.();
		return account ? { [accountHeader]: account } : {};
	};
	return createTRPCClient<AppRouter>({
		links: [httpBatchLink({ url: '/trpc', fetch, maxItems: 10, headers })]
	});
}

/** The API as pages call it in the browser. */
export const api = apiFor(
	(...request) => fetch(...request),
	() => page.data.account?.id
);

/** As `api`, for what is answered bit by bit. */
export const streamingApi = createTRPCClient<AppRouter>({ links: [httpBatchStreamLink({ url: '/trpc' })] });

/** What a refused call says: words for people, and which fields they belong to. */
export interface Refusal {
	status: number;
	reason: string;
	message: string;
	fields: Record<string, string>;
	requestId: string;
}

/** The refusal of a failed call. An error that isn't one, such as a lost connection, becomes one in general words. */
export function refusalOf(error: unknown): Refusal {
	if (error instanceof TRPCClientError && error.data) {
		const { httpStatus, reason, fields, requestId } = (error as TRPCClientError<AppRouter>).data ?? {};
		return {
			status: httpStatus ?? 500,
			reason: reason ?? 'UNKNOWN',
			message: error.message,
			fields: fields ?? {},
			requestId: requestId ?? ''
		};
	}
	return {
		status: 503,
		reason: 'UNREACHABLE',
		message: 'The portal can’t be reached at the moment. Try again.',
		fields: {},
		requestId: ''
	};
}

/** Whether a call failed for now: the portal is away, its database is, or it has been asked too often. */
export function isNotNow(error: unknown): boolean {
	const { status } = refusalOf(error);
	return status >= 500 || status === 429;
}
