/** The machines of the provider that stand in front of its APIs and ask here about each key. */

/** Which program it is: what it can pass on, and which lines it is configured with. */
export const gatewayKinds = [
	'nginx',
	'caddy',
	'traefik',
	'envoy',
	'haproxy',
	'kong',
	'tyk',
	'other'
] as const;
export type GatewayKind = (typeof gatewayKinds)[number];

export const gatewayKindLabels: Record<GatewayKind, string> = {
	nginx: 'nginx',
	caddy: 'Caddy',
	traefik: 'Traefik',
	envoy: 'Envoy',
	haproxy: 'HAProxy',
	kong: 'Kong',
	tyk: 'Tyk',
	other: 'Another one'
};

/** By which a gateway proves itself where `Authorization` is its client's. */
export const gatewayTokenHeader = 'X-Portico-Gateway-Token';
/** The status that is meant, also where the gateway's program passes on 401 and 403 alone. */
export const statusHeader = 'X-Portico-Status';
/** The whole of a refusal as one line, for nginx, which passes on nothing of its body. */
export const problemHeader = 'X-Portico-Problem';
/** What a client is told of its limits. */
export const limitHeaders = ['Retry-After', 'RateLimit', 'RateLimit-Policy'] as const;
/** What an API behind a gateway learns of whoever calls. Names are percent-encoded, as UTF-8. */
export const identityHeaders = [
	'X-Portico-Organization-Id',
	'X-Portico-Organization',
	'X-Portico-Application-Id',
	'X-Portico-Application',
	'X-Portico-Credential-Id',
	'X-Portico-Product',
	'X-Portico-Plan'
] as const;
/** All that nobody but the portal and its gateways may send. */
export const ownHeaders = [...identityHeaders, statusHeader, gatewayTokenHeader] as const;
export const forwardAuthPath = '/api/forward-auth';
/** By which a question names the product that it is about, by its address. */
export const productParameter = 'product';

/** Where a gateway looks for the key of whoever calls. */
export type KeyPlaces = {
	/** `Authorization: Bearer …` */
	hasBearer: boolean;
	/** `X-API-Key: …` */
	hasApiKey: boolean;
	/** A header of its own, and a parameter of the address; empty for none. */
	headerName: string;
	queryName: string;
};

/** What an event says of a gateway. */
export type GatewayHead = KeyPlaces & { id: string; name: string; kind: GatewayKind };

export type GatewayToken = {
	id: string;
	lastFour: string;
	createdAt: string;
	/** When it ends, where another one has taken its place. */
	expiresAt: string | null;
	lastUsedAt: string | null;
};

/**
 * What a gateway lets keys in to: whichever works, those with access to what it stands in front of, or none, since nothing is left
 * of that.
 */
export type GatewayServes = 'everything' | 'products' | 'nothing';

export type Gateway = GatewayHead & {
	isEnvironment: boolean;
	serves: GatewayServes;
	createdBy: { name: string };
	createdAt: string;
	revokedAt: string | null;
	lastUsedAt: string | null;
	/** The network address that it last asked from. */
	lastUsedFrom: string;
	/** Those that work, newest first; none of one whose tokens stand in the environment. */
	tokens: GatewayToken[];
};

/** Of one that serves nothing. */
export const saysServesNothing = 'Serves no API product: every request is refused.';
/** The headers in which a gateway looks, in lower case. */
export const headersOf = ({ hasBearer, hasApiKey, headerName }: KeyPlaces): string[] => [
	...(hasBearer ? ['authorization'] : []),
	...(hasApiKey ? ['x-api-key'] : []),
	...(headerName ? [headerName.toLowerCase()] : [])
];

/** In words, as in “looks in …”. */
export function sayPlaces({ hasBearer, hasApiKey, headerName, queryName }: KeyPlaces): string {
	const places = [
		...(hasBearer ? ['Authorization: Bearer'] : []),
		...(hasApiKey ? ['X-API-Key'] : []),
		...(headerName ? [headerName] : []),
		...(queryName ? [`?${queryName}=`] : [])
	];
	return places.join(', ');
}
