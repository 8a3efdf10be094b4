import { STATUS_CODES } from 'node:http';
import { refusedKeys, type Identity, type Opened } from '#lib/checking.ts';
import { canNameProduct } from '#lib/gateway-lines.ts';
import {
	forwardAuthPath,
	gatewayTokenHeader,
	ownHeaders,
	problemHeader,
	productParameter,
	statusHeader,
	type GatewayHead
} from '#lib/gateways.ts';
import type { ProductHead } from '#lib/products.ts';
import { Refusal, refusalOfOutage } from '../api/refusals.ts';
import type { Checker } from '../procedures/gateways/checking.ts';
import type { ProductFinder } from '../procedures/gateways/products.ts';
import type { GatewayFinder } from '../procedures/gateways/tokens.ts';
import { rateLimitHeaders } from '../procedures/quotas/limits.ts';
import { readBody, smallBody } from './bodies.ts';
import { Ambiguous, findPresentedKey } from './presented.ts';
import type { Answering, Question, Reply } from './replies.ts';

/**
 * How a gateway asks whether to let a request through: it sends the request's headers here, and a status comes back
 * (nginx `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth, Envoy HTTP ext_authz, and whatever else can ask).
 */

/** What nginx passes on of an answer; any other status becomes 500 there. */
const passedOn = [401, 403];

interface Refused {
	status: 400 | 401 | 403 | 429 | 503;
	detail: string;
	/** Of the key, as the portal's admins see it. */
	reason?: string;
	/** Which the key doesn't open. */
	product?: ProductHead | null;
	headers?: Record<string, string>;
}

/** A refusal as a problem document (RFC 9457), with the status that the gateway's program can do something with. */
function refuse(gateway: GatewayHead | null, { status, detail, reason, product, headers }: Refused): Reply {
	const shown = gateway?.kind === 'nginx' && !passedOn.includes(status) ? 403 : status;
	const problem = {
		type: 'about:blank',
		title: STATUS_CODES[status],
		status,
		detail,
		...(reason && { reason }),
		...(product && { product: { slug: product.slug, name: product.name } })
	};
	const body = JSON.stringify(problem);
	return {
		status: shown,
		headers: {
			'content-type': 'application/problem+json',
			[statusHeader]: String(status),
			...(gateway?.kind === 'nginx' && { [problemHeader]: asHeader(body) }),
			...headers
		},
		body
	};
}

/** JSON in a header: what is not ASCII as its escape. */
const asHeader = (json: string) =>
	json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const known = new Set(ownHeaders.map((name) => name.toLowerCase()));

/**
 * A header under the portal's name that the lines of nginx don't replace, since nginx can't take away what begins with
 * something: an API behind it would take it for the portal's.
 */
const findStray = (headers: NodeJS.Dict<unknown>) =>
	Object.keys(headers).find((name) => name.startsWith('x-portico') && !known.has(name));

/** How a key is to be presented, and what is wrong with the one that was (RFC 6750, section 3). */
function challenge(realm: string, words?: string): Record<string, string> {
	const error = words === undefined ? '' : `, error="invalid_token", error_description="${words}"`;
	return { 'www-authenticate': `Bearer realm="${realm}"${error}` };
}

/** Headers hold Latin-1 alone. */
const identityOf = ({
	organization,
	application,
	credential,
	opened
}: Identity & { opened: Opened | null }) => ({
	'x-portico-organization-id': organization.id,
	'x-portico-organization': encodeURIComponent(organization.name),
	'x-portico-application-id': application.id,
	'x-portico-application': encodeURIComponent(application.name),
	'x-portico-credential-id': credential.id,
	// Empty where the question is about none: some programs pass on the name of what is absent.
	'x-portico-product': opened?.product.slug ?? '',
	'x-portico-plan': encodeURIComponent(opened?.plan.name ?? '')
});

/**
 * The products that the question names, in its own address alone, or what is wrong with that address. Envoy puts the path
 * and the query behind it that its clients asked for, as others may: there nothing is read, or a client would choose what
 * its key is checked for. Whatever else stands there is refused: taken for a question about no product, it would let in
 * more keys than the one that was meant.
 */
function namedProducts(
	target: string,
	{ kind, queryName }: GatewayHead
): { named: string[] } | { problem: string } {
	const rest = target.slice(forwardAuthPath.length);
	const [behind = ''] = rest.split('?', 1);
	const fields = [...new URLSearchParams(rest.slice(behind.length + 1))];
	if (behind !== '') {
		const isNaming = fields.some(([name]) => name.trim().toLowerCase() === productParameter);
		return canNameProduct(kind) && (isNaming || !behind.startsWith('/'))
			? { problem: `The product has to be named right behind ${forwardAuthPath}: “?${productParameter}=…”.` }
			: { named: [] };
	}
	// The key of its client may stand there, where it is looked for.
	const named = fields.filter(([name]) => name !== queryName || name === productParameter);
	if (named.some(([name]) => name !== productParameter))
		return { problem: `The address of a question can hold “${productParameter}” alone.` };
	if (named.some(([, slug]) => slug === ''))
		return { problem: `“${productParameter}” is empty: name one, or leave it out.` };
	return { named: named.map(([, slug]) => slug) };
}

/** By any method. */
export function createForwardAuth(
	{ checker, gateways, products }: { checker: Checker; gateways: GatewayFinder; products: ProductFinder },
	realm: string
): Answering {
	async function answerGateway({ incoming, target }: Question, gateway: GatewayHead): Promise<Reply> {
		const { 'content-length': length, 'transfer-encoding': encoding } = incoming.headersDistinct;
		// Nothing of a body is of use, but whoever sends one is to hear the answer.
		if (length || encoding) {
			const read = await readBody(incoming, smallBody);
			const detail = 'The question has a body that is too large. Send the headers of the request alone.';
			if (read.text === null) return refuse(gateway, { status: 400, detail, headers: read.headers });
		}
		const stray = gateway.kind === 'nginx' ? findStray(incoming.headersDistinct) : undefined;
		if (stray) {
			const detail = `The header ${stray} is none that a client may send.`;
			return refuse(gateway, { status: 400, detail });
		}
		let key: string | null;
		try {
			key = findPresentedKey(incoming, gateway);
		} catch (error) {
			if (!(error instanceof Ambiguous)) throw error;
			return refuse(gateway, { status: 400, detail: error.message });
		}
		if (key === null) {
			const detail = 'There is no key in the request.';
			return refuse(gateway, { status: 401, detail, headers: challenge(realm) });
		}
		const naming = namedProducts(target, gateway);
		if ('problem' in naming) return refuse(gateway, { status: 400, detail: naming.problem });
		const asked = await products.find(gateway.id, naming.named);
		if ('problem' in asked) return refuse(gateway, { status: asked.status, detail: asked.problem });
		const { product } = asked;
		const { answer, limits, retryAfter } = await checker.check(gateway, key, product?.id ?? null);
		const rate = rateLimitHeaders(limits);
		if (answer.isActive) {
			return { status: 200, headers: { ...identityOf(answer), ...rate, [statusHeader]: '200' }, body: '' };
		}
		const { status } = refusedKeys[answer.reason];
		const detail = answer.said;
		const headers = {
			...rate,
			...(status === 401 && challenge(realm, detail)),
			...(retryAfter !== null && { 'retry-after': String(retryAfter) })
		};
		return refuse(gateway, { status, detail, reason: answer.reason, product, headers });
	}

	function refuseOutage(gateway: GatewayHead | null, error: unknown): Reply {
		const refusal = refusalOfOutage(error);
		if (!(refusal instanceof Refusal)) throw error;
		const headers = { 'retry-after': String(refusal.retryAfter ?? 3) };
		// Where nobody knows which gateway it is, nginx makes 500 of it, which lets nobody in either.
		return refuse(gateway, { status: 503, detail: 'The key can’t be checked at the moment.', headers });
	}

	return async (question) => {
		const { incoming, address } = question;
		let gateway: GatewayHead | null = null;
		try {
			const token = incoming.headersDistinct[gatewayTokenHeader.toLowerCase()] ?? [];
			const asking = token.length === 1 ? await gateways.find(token[0]?.trim() ?? '', address) : null;
			if (!asking) {
				const detail = `The gateway has to prove itself by its token, in ${gatewayTokenHeader}.`;
				return refuse(null, { status: 401, detail, headers: challenge(realm) });
			}
			({ gateway } = asking);
			return await answerGateway(question, gateway);
		} catch (error) {
			return refuseOutage(gateway, error);
		}
	};
}
