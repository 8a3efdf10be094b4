import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { loggedPath } from '#lib/redaction.ts';
import { Refusal, refusalOfOutage } from '../api/refusals.ts';
import type { Db } from '../database/database.ts';
import type { Env } from '../env.ts';
import { addressOf } from '../identity/networks.ts';
import { requests } from '../metrics.ts';
import { watchProxies } from './proxies.ts';

/** What is done with every request, whichever part of the outer server answers it. */

export const requestIdHeader = 'x-request-id';

/** A request that has come. */
export interface Arrival {
	requestId: string;
	/** The network address that limits count by. */
	address: string;
	/** What every answer says, whatever it is. */
	headers: Readonly<Record<string, string>>;
	/** Once it has been answered: counts it, and leaves its line in the log. */
	note(path: string, status: number): void;
}

export type Arrivals = ReturnType<typeof createArrivals>;

/** What a request is for, by the first word of its path; whatever has none of these is for a page. */
const kinds = new Map([
	['trpc', 'call'],
	['api', 'api'],
	['_app', 'file'],
	['healthz', 'health'],
	['readyz', 'health'],
	['metrics', 'metrics']
]);
const kindOf = (path: string) => kinds.get(path.split('/', 2)[1] ?? '') ?? 'page';

export function createArrivals({ db, env, log }: { db: Db; env: Env; log: Logger }) {
	const always = securityHeaders(env);
	const noteProxies = watchProxies({ db, env, log });

	return {
		/** @param isForwarded whether the header tells of somebody else's client, such as who has called an API. */
		receive(incoming: IncomingMessage, { isForwarded = false } = {}): Arrival {
			if (!isForwarded) noteProxies(incoming);
			const requestId = randomUUID();
			const began = performance.now();
			return {
				requestId,
				address: addressOf(incoming, env.TRUSTED_PROXIES),
				headers: { ...always, [requestIdHeader]: requestId },
				note(path, status) {
					requests.inc({ kind: kindOf(path), status });
					if (!log.isLevelEnabled('info')) return;
					const ms = Math.round(performance.now() - began);
					const { method } = incoming;
					log.info({ requestId, method, path: loggedPath(path), status, ms }, 'request');
				}
			};
		},

		/** What is answered where a request has failed, which the log tells of. */
		reportFailure(error: unknown, requestId: string) {
			const refusal = refusalOfOutage(error);
			if (refusal instanceof Refusal) {
				log.warn({ err: error, requestId }, 'a request could not be carried out now');
				return { status: 503 as const, body: refusal.message, headers: retryAfterOf([refusal]) };
			}
			log.error({ err: error, requestId }, 'a request failed');
			const body = `Something went wrong on our side. Request ${requestId}`;
			return { status: 500 as const, body, headers: {} };
		}
	};
}

/** When the same may be asked again (RFC 9110, 10.2.3), of several answers the latest. */
export function retryAfterOf(errors: readonly unknown[]): Record<string, string> {
	const seconds = errors.flatMap((error) => (error instanceof Refusal && error.retryAfter) || []);
	return seconds.length > 0 ? { 'retry-after': String(Math.max(...seconds)) } : {};
}

function securityHeaders(env: Env): Record<string, string> {
	return {
		'x-content-type-options': 'nosniff',
		'x-frame-options': 'DENY',
		// Not no-referrer: under that, browsers send a form without script with `Origin: null`.
		'referrer-policy': 'same-origin',
		'cross-origin-opener-policy': 'same-origin',
		'permissions-policy': 'camera=(), geolocation=(), microphone=()',
		...(env.ORIGIN.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000' })
	};
}
