import { STATUS_CODES } from 'node:http';
import { Hono, type Context as HonoContext } from 'hono';
import { refusedKeys, type Identity } from '#lib/checking.ts';
import { forwardAuthPath, gatewayTokenHeader, statusHeader, type GatewayHead } from '#lib/gateways.ts';
import { Refusal, refusalOfOutage } from '../api/refusals.ts';
import type { Checker } from '../procedures/gateways/checking.ts';
import type { GatewayFinder } from '../procedures/gateways/tokens.ts';
import { rateLimitHeaders } from '../procedures/quotas/limits.ts';
import type { Bindings, Variables } from './context.ts';
import { limitBody, smallBody } from './bodies.ts';
import { Ambiguous, findPresentedKey } from './presented.ts';

/**
 * How a gateway asks whether to let a request through: it sends the request's headers here, and a status comes back
 * (nginx `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth, Envoy HTTP ext_authz, and whatever else can ask).
 */
type Ctx = HonoContext<{ Bindings: Bindings; Variables: Variables }>;

/** What nginx passes on of an answer; any other status becomes 500 there. */
const passedOn = [401, 403];

interface Refused {
	status: 400 | 401 | 403 | 429 | 503;
	detail: string;
	/** Of the key, as the portal's admins see it. */
	reason?: string;
	headers?: Record<string, string>;
}

/** A refusal as a problem document (RFC 9457), with the status that the gateway's program can do something with. */
function refuse(c: Ctx, gateway: GatewayHead | null, { status, detail, reason, headers }: Refused): Response {
	const shown = gateway?.kind === 'nginx' && !passedOn.includes(status) ? 403 : status;
	const problem = {
		type: 'about:blank',
		title: STATUS_CODES[status],
		status,
		detail,
		...(reason && { reason })
	};
	return c.body(JSON.stringify(problem), shown, {
		'content-type': 'application/problem+json',
		[statusHeader]: String(status),
		...headers
	});
}

/** How a key is to be presented, and what is wrong with the one that was (RFC 6750, section 3). */
function challenge(realm: string, words?: string): Record<string, string> {
	const error = words === undefined ? '' : `, error="invalid_token", error_description="${words}"`;
	return { 'www-authenticate': `Bearer realm="${realm}"${error}` };
}

/** Headers hold Latin-1 alone. */
const identityOf = ({ organization, application, credential }: Identity) => ({
	'x-portico-organization-id': organization.id,
	'x-portico-organization': encodeURIComponent(organization.name),
	'x-portico-application-id': application.id,
	'x-portico-application': encodeURIComponent(application.name),
	'x-portico-credential-id': credential.id
});

/** By any method, and with any path behind: some gateways put there what they were asked for. */
export function createForwardAuth(
	{ checker, gateways }: { checker: Checker; gateways: GatewayFinder },
	realm: string
): Hono<{ Bindings: Bindings; Variables: Variables }> {
	const app = new Hono<{ Bindings: Bindings; Variables: Variables }>();
	const paths = [forwardAuthPath, `${forwardAuthPath}/*`];

	async function answer(c: Ctx): Promise<Response> {
		const token = c.env.incoming.headersDistinct[gatewayTokenHeader.toLowerCase()] ?? [];
		const asking = token.length === 1 ? await gateways.find(token[0]?.trim() ?? '', c.get('address')) : null;
		if (!asking) {
			const detail = `The gateway has to prove itself by its token, in ${gatewayTokenHeader}.`;
			return refuse(c, null, { status: 401, detail, headers: challenge(realm) });
		}
		const { gateway } = asking;
		c.set('gateway', gateway);
		const tooLarge = (detail: string) => refuse(c, gateway, { status: 400, detail });
		const limited = limitBody(
			() => smallBody,
			() => tooLarge('The question has a body that is too large. Send the headers of the request alone.')
		);
		let shown: Response | undefined;
		const refused = await limited(c, async () => {
			shown = await answerGateway(c, gateway);
		});
		return refused ?? shown ?? tooLarge('The question could not be read.');
	}

	async function answerGateway(c: Ctx, gateway: GatewayHead): Promise<Response> {
		let key: string | null;
		try {
			key = findPresentedKey(c.env.incoming, gateway);
		} catch (error) {
			if (!(error instanceof Ambiguous)) throw error;
			return refuse(c, gateway, { status: 400, detail: error.message });
		}
		if (key === null) {
			const detail = 'There is no key in the request.';
			return refuse(c, gateway, { status: 401, detail, headers: challenge(realm) });
		}
		const { answer, limits, retryAfter } = await checker.check(gateway, key);
		const rate = rateLimitHeaders(limits);
		if (answer.isActive) return c.body(null, 200, { ...identityOf(answer), ...rate, [statusHeader]: '200' });
		const { status, said: detail } = refusedKeys[answer.reason];
		const headers = {
			...rate,
			...(status === 401 && challenge(realm, detail)),
			...(retryAfter !== null && { 'retry-after': String(retryAfter) })
		};
		return refuse(c, gateway, { status, detail, reason: answer.reason, headers });
	}

	for (const path of paths) {
		app.all(path, async (c) => {
			c.header('cache-control', 'no-store');
			try {
				return await answer(c);
			} catch (error) {
				const refusal = refusalOfOutage(error);
				if (!(refusal instanceof Refusal)) throw error;
				// Where nobody knows which gateway it is, nginx makes 500 of it, which lets nobody in either.
				const headers = { 'retry-after': String(refusal.retryAfter ?? 3) };
				return refuse(c, c.get('gateway') ?? null, {
					status: 503,
					detail: 'The key can’t be checked at the moment.',
					headers
				});
			}
		});
	}
	return app;
}
