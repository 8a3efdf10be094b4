import {
	callTRPCProcedure,
	getTRPCErrorFromUnknown,
	getTRPCErrorShape,
	type TRPCError,
	type inferRouterError
} from '@trpc/server';
import type { Context } from '../api/trpc.ts';
import { appRouter, type AppRouter } from '../router.ts';
import { contextOf, type Asker, type Parts } from './context.ts';

export interface InsideCall {
	type: 'query' | 'mutation';
	path: string;
	input: unknown;
}

/** As the API answers over HTTP, without what only travelling needs. */
export type InsideAnswer = { data: unknown } | { error: inferRouterError<AppRouter> };

export type Inside = (call: InsideCall, asker: Asker) => Promise<InsideAnswer>;

/** What a failed call leaves in the log. */
export function reportCall(
	{ log }: Parts,
	{ error, path, ctx }: { error: TRPCError; path: string | undefined; ctx: Context | undefined }
): void {
	const about = { err: error.cause ?? error, path, requestId: ctx?.requestId };
	if (error.code === 'INTERNAL_SERVER_ERROR') log.error(about, 'a call failed');
	if (error.code === 'SERVICE_UNAVAILABLE') log.warn(about, 'a call could not be carried out now');
}

/** A failed call as the API answers it; of one that was refused before it was read, nothing else is known. */
export function errorShapeOf(
	error: TRPCError,
	about: Partial<InsideCall> & { ctx?: Context | undefined } = {}
): inferRouterError<AppRouter> {
	const { type = 'unknown', path, input, ctx } = about;
	return getTRPCErrorShape({ config: appRouter._def._config, error, type, path, input, ctx });
}

/** The API for pages that are being made: the same procedures and refusals, called without a request of their own. */
export function createInside(parts: Parts): Inside {
	return async ({ type, path, input }, asker) => {
		let ctx: Context | undefined;
		try {
			ctx = await contextOf(parts, asker);
			const asked = { type, path, ctx, signal: undefined, batchIndex: 0 };
			const getRawInput = () => Promise.resolve(input);
			return { data: await callTRPCProcedure({ ...asked, router: appRouter, getRawInput }) };
		} catch (failure) {
			const error = getTRPCErrorFromUnknown(failure);
			reportCall(parts, { error, path, ctx });
			return { error: errorShapeOf(error, { type, path, input, ctx }) };
		}
	};
}
