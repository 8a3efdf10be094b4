import { Hono } from 'hono';
import { z } from 'zod';
import { refusedKeys, type Answer } from '#lib/checking.ts';
import type { Checker } from '../procedures/gateways/checking.ts';
import type { GatewayFinder } from '../procedures/gateways/tokens.ts';
import type { LimitState } from '../procedures/quotas/limiter.ts';
import { rateLimitHeaders } from '../procedures/quotas/limits.ts';
import type { Bindings, Variables } from './context.ts';
import { limitBody } from './bodies.ts';

/**
 * How an API gateway asks whether a credential works: token introspection (RFC 7662). The gateway proves itself by its
 * token as a bearer, never by a cookie, so that no page of a browser can ask.
 */

/** What a gateway learns of a credential that works; of any other only that it doesn't, and not why. */
export type Introspection =
	| { active: false }
	| {
			active: true;
			token_type: 'api_key';
			/** The application, whose credentials come and go. */
			client_id: string;
			credential: { id: string; label: string };
			application: { id: string; name: string };
			organization: { id: string; name: string };
			/** Seconds since 1970 at which it was created and, if it ends, ends. */
			iat: number;
			exp?: number;
			/** How many requests may be made in a second or a month, and how many are left; absent where any number may. */
			limits?: { name: string; most: number; left: number; resets_in: number }[];
	  };

function introspectionOf(answer: Answer, states: readonly LimitState[]): Introspection {
	if (!answer.isActive) return { active: false };
	const { credential, application, organization } = answer;
	const seconds = (date: string) => Math.floor(Date.parse(date) / 1000);
	return {
		active: true,
		token_type: 'api_key',
		client_id: application.id,
		credential: { id: credential.id, label: credential.label },
		application,
		organization,
		iat: seconds(credential.createdAt),
		...(credential.expiresAt && { exp: seconds(credential.expiresAt) }),
		...(states.length > 0 && {
			limits: states.map(({ name, most, left, resetsIn }) => ({ name, most, left, resets_in: resetsIn }))
		})
	};
}

/** Whatever is no key is inactive, as the standard has it; only what is too long is refused. */
const presented = z.string().min(1).max(500);
/** Of a question: a key and the name of its field, with room for what clients add. */
const bodyAtMost = 2_000;

/** An error as the standard has it (RFC 6749, section 5.2), in words. */
const invalid = (description: string) => ({ error: 'invalid_request', error_description: description });

/** `POST /api/introspect` with `token=…` as a form, as the standard has it. */
export function createIntrospection(
	{ checker, gateways }: { checker: Checker; gateways: GatewayFinder },
	realm: string
): Hono<{ Bindings: Bindings; Variables: Variables }> {
	const path = '/api/introspect';
	const app = new Hono<{ Bindings: Bindings; Variables: Variables }>();
	app.use(path, async (c, next) => {
		await next();
		c.res.headers.set('cache-control', 'no-store');
	});
	app.post(
		path,
		async (c, next) => {
			const [, token = ''] = /^bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
			const asking = token ? await gateways.find(token, c.get('address')) : null;
			if (!asking) {
				const headers = { 'www-authenticate': `Bearer realm="${realm}"` };
				return c.json({ error: 'invalid_client' }, 401, headers);
			}
			c.set('gateway', asking.gateway);
			return next();
		},
		limitBody(
			() => bodyAtMost,
			(c, headers) => c.json(invalid('The body is too large.'), 400, headers)
		),
		async (c) => {
			const given = new URLSearchParams(await c.req.text()).getAll('token');
			if (given.length !== 1) {
				const words = given.length === 0 ? 'The field “token” is missing.' : 'Ask about one token at a time.';
				return c.json(invalid(words), 400);
			}
			const token = presented.safeParse(given[0]);
			if (!token.success) return c.json(invalid('The token is empty, or too long to be one.'), 400);
			const { answer, limits, retryAfter } = await checker.check(c.get('gateway'), token.data);
			const headers = rateLimitHeaders(limits);
			if (retryAfter === null) return c.json(introspectionOf(answer, limits), 200, headers);
			// Not inactive, and not to be let through: whoever takes any other answer for a refusal refuses it too.
			const words = refusedKeys.limited.said;
			return c.json({ error: 'temporarily_unavailable', error_description: words }, 429, {
				...headers,
				'retry-after': String(retryAfter)
			});
		}
	);
	return app;
}
