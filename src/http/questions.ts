import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { forwardAuthPath } from '#lib/gateways.ts';
import type { Db } from '../database/database.ts';
import type { Env } from '../env.ts';
import { createChecker } from '../procedures/gateways/checking.ts';
import { createProductFinder } from '../procedures/gateways/products.ts';
import type { GatewayFinder } from '../procedures/gateways/tokens.ts';
import type { Limiter } from '../procedures/quotas/limiter.ts';
import type { Counter } from '../procedures/usage/counting.ts';
import type { Vault } from '../vault/vault.ts';
import type { Arrivals } from './arrivals.ts';
import { createForwardAuth } from './forward-auth.ts';
import { createIntrospection, introspectionPath } from './introspection.ts';
import type { Answering, Reply } from './replies.ts';

/**
 * What gateways ask before each request that they let through. It is answered ahead of the rest of the outer server, on
 * Node's own objects: the way through that takes longer than an answer from memory. It is also ahead of the check of the
 * origin, since a gateway is no browser and its token no cookie; and nothing reads the address, in which what a client of
 * an API asked for may stand: dots in it lead nowhere.
 */

/** Path and query, also of whoever sends the whole address (RFC 9112, section 3.2.2). */
function targetOf({ url = '' }: IncomingMessage): string {
	if (url.startsWith('/') || !URL.canParse(url)) return url;
	const { pathname, search } = new URL(url);
	return pathname + search;
}

interface Parts {
	db: Db;
	env: Env;
	log: Logger;
	vault: Vault;
	limiter: Limiter;
	counter: Counter;
	gateways: GatewayFinder;
	arrivals: Arrivals;
}

/** Answers what gateways ask, and leaves everything else to `listener`. */
export function withQuestions(listener: RequestListener, parts: Parts): RequestListener {
	const { arrivals, log } = parts;
	const asked = {
		checker: createChecker(parts),
		gateways: parts.gateways,
		products: createProductFinder(parts.db)
	};
	const realm = new URL(parts.env.ORIGIN).host;
	const forwardAuth = createForwardAuth(asked, realm);
	const introspection = createIntrospection(asked, realm);

	/** By which of the two, if any; with any path behind, since some gateways put there what they were asked for. */
	function find(target: string): [string, Answering] | null {
		if (target.startsWith(forwardAuthPath)) return [forwardAuthPath, forwardAuth];
		const isIntrospection = target === introspectionPath || target.startsWith(`${introspectionPath}?`);
		return isIntrospection ? [introspectionPath, introspection] : null;
	}

	async function answer(
		incoming: IncomingMessage,
		outgoing: ServerResponse,
		target: string,
		[path, by]: [string, Answering]
	) {
		// Of a request that is forwarded, the header tells who called the API.
		const arrival = arrivals.receive(incoming, { isForwarded: by === forwardAuth });
		const { address, requestId } = arrival;
		const { status, headers, body } = await by({ incoming, target, address }).catch(
			(error: unknown): Reply => {
				const failure = arrivals.reportFailure(error, requestId);
				return { ...failure, headers: { 'content-type': 'text/plain; charset=UTF-8', ...failure.headers } };
			}
		);
		outgoing.writeHead(status, {
			...arrival.headers,
			'cache-control': 'no-store',
			...headers,
			'content-length': Buffer.byteLength(body)
		});
		outgoing.end(body);
		arrival.note(path, status);
	}

	return (incoming, outgoing) => {
		const target = targetOf(incoming);
		const found = find(target);
		if (!found) return listener(incoming, outgoing);
		answer(incoming, outgoing, target, found).catch((error: unknown) => {
			log.error({ err: error }, 'an answer could not be sent');
			outgoing.destroy();
		});
	};
}
