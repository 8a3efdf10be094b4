import { createTRPCClient, TRPCClientError, type TRPCLink } from '@trpc/client';
import { observable } from '@trpc/server/observable';
import { getRequestEvent } from '$app/server';
import type { AppRouter } from '../src/router.ts';

/**
 * The API as `load` and form actions call it, in the name of whoever asks for the page. Nothing leaves the process: the
 * outer server has put its way in on globalThis.
 * @param drawnFor the account that the page was drawn for: whoever else is signed in by now changes nothing with it.
 */
export const apiFor = (drawnFor: string | null) => createTRPCClient<AppRouter>({ links: [inside(drawnFor)] });

export const api = apiFor(null);

function inside(drawnFor: string | null): TRPCLink<AppRouter> {
	return () =>
		({ op }) =>
			observable((observer) => {
				call(op, drawnFor).then(
					(data) => {
						observer.next({ result: { type: 'data', data } });
						observer.complete();
					},
					(error: unknown) => observer.error(TRPCClientError.from(error as Error))
				);
			});
}

type Op = { type: 'query' | 'mutation' | 'subscription'; path: string; input: unknown };

async function call({ type, path, input }: Op, drawnFor: string | null): Promise<unknown> {
	if (type === 'subscription') throw new Error(`${path} is no question and no change`);
	const { request, cookies, locals } = getRequestEvent();
	const answer = await globalThis.portico(
		{ type, path, input },
		{
			address: request.headers.get('x-portico-address') ?? 'unknown',
			requestId: request.headers.get('x-request-id') ?? '',
			userAgent: request.headers.get('user-agent') ?? '',
			drawnFor,
			getCookie: (name) => cookies.get(name),
			// A cookie that the call sets belongs to the page's own response.
			setCookie: (name, value, { sameSite, ...options }) =>
				cookies.set(name, value, { ...options, sameSite: lowerCase(sameSite) }),
			// What a form does may end the session that its page was asked for with.
			...(request.method === 'GET' && { page: locals })
		}
	);
	if ('data' in answer) return answer.data;
	const { retryAfter } = answer.error.data;
	// As is for how long whoever was refused has to wait.
	if (retryAfter !== null) locals.retryAfter = String(retryAfter);
	throw TRPCClientError.from<AppRouter>({ error: answer.error });
}

const lowerCase = <Name extends string>(name: Name) => name.toLowerCase() as Lowercase<Name>;
