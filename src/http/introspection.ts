import { z } from 'zod';
import type { Answer } from '#lib/checking.ts';
import { productParameter } from '#lib/gateways.ts';
import type { Checker } from '../procedures/gateways/checking.ts';
import type { ProductFinder } from '../procedures/gateways/products.ts';
import type { GatewayFinder } from '../procedures/gateways/tokens.ts';
import type { LimitState } from '../procedures/quotas/holdings.ts';
import { rateLimitHeaders } from '../procedures/quotas/limits.ts';
import { readBody } from './bodies.ts';
import type { Answering, Reply } from './replies.ts';

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
			/** The addresses of the API products that the application may call, with spaces between them; absent where there are none. */
			scope?: string;
			/** Where the question is about one. */
			product?: { slug: string; name: string };
			plan?: string;
			/** Seconds since 1970 at which it was created and, if it ends, ends. */
			iat: number;
			exp?: number;
			/** How many requests may be made in a second or a month, and how many are left; absent where any number may. */
			limits?: { name: string; most: number; left: number; resets_in: number }[];
	  };

function introspectionOf(answer: Answer, states: readonly LimitState[]): Introspection {
	if (!answer.isActive) return { active: false };
	const { credential, application, organization, opened, scope } = answer;
	const seconds = (date: string) => Math.floor(Date.parse(date) / 1000);
	return {
		active: true,
		token_type: 'api_key',
		client_id: application.id,
		credential: { id: credential.id, label: credential.label },
		application,
		organization,
		...(scope && { scope }),
		...(opened && {
			product: { slug: opened.product.slug, name: opened.product.name },
			plan: opened.plan.name
		}),
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

const reply = (body: object, status = 200, headers: Record<string, string> = {}): Reply => ({
	status,
	headers: { 'content-type': 'application/json', ...headers },
	body: JSON.stringify(body)
});
/** An error as the standard has it (RFC 6749, section 5.2), in words. */
const invalid = (description: string, status = 400, headers: Record<string, string> = {}) =>
	reply({ error: 'invalid_request', error_description: description }, status, headers);

export const introspectionPath = '/api/introspect';

/** `POST` with `token=…` as a form, as the standard has it. */
export function createIntrospection(
	{ checker, gateways, products }: { checker: Checker; gateways: GatewayFinder; products: ProductFinder },
	realm: string
): Answering {
	return async ({ incoming, address }) => {
		if (incoming.method !== 'POST') return invalid('Ask by POST.', 405, { allow: 'POST' });
		const [, given = ''] = /^bearer +(\S+)$/i.exec(incoming.headers.authorization ?? '') ?? [];
		const asking = given ? await gateways.find(given, address) : null;
		if (!asking) {
			return reply({ error: 'invalid_client' }, 401, { 'www-authenticate': `Bearer realm="${realm}"` });
		}
		const read = await readBody(incoming, bodyAtMost);
		if (read.text === null) return invalid('The body is too large.', 400, read.headers);
		const fields = new URLSearchParams(read.text);
		const tokens = fields.getAll('token');
		if (tokens.length === 0) return invalid('The field “token” is missing.');
		if (tokens.length > 1) return invalid('Ask about one token at a time.');
		const token = presented.safeParse(tokens[0]);
		if (!token.success) return invalid('The token is empty, or too long to be one.');
		const asked = await products.find(asking.gateway.id, fields.getAll(productParameter));
		// Not inactive, since it says nothing of the key; whoever takes any other answer for a refusal refuses it too.
		if ('problem' in asked) return invalid(asked.problem, asked.status);
		const productId = asked.product?.id ?? null;
		const { answer, limits, retryAfter } = await checker.check(asking.gateway, token.data, productId);
		const headers = rateLimitHeaders(limits);
		if (answer.isActive || retryAfter === null) return reply(introspectionOf(answer, limits), 200, headers);
		// Neither inactive nor to be let through.
		const limited = { error: 'temporarily_unavailable', error_description: answer.said };
		return reply(limited, 429, { ...headers, 'retry-after': String(retryAfter) });
	};
}
