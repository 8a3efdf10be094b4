import {
	forwardAuthPath,
	gatewayTokenHeader,
	headersOf,
	identityHeaders,
	limitHeaders,
	ownHeaders,
	problemHeader,
	productParameter,
	statusHeader
} from './gateways.ts';
import { haproxy, kong, tyk } from './gateway-scripts.ts';
import { lines, sampleApi, sampleListen, samplePlaceholder, type Given } from './gateway-text.ts';
import type { GatewayKind, KeyPlaces } from './gateways.ts';

/**
 * The lines by which each program asks the portal about a key. They drop whatever a client sends under the portal's own
 * names, so that an API behind them can rely on what it reads there. tests/proxied.postgres.test.ts reads those of
 * nginx, Caddy and HAProxy from the page, and has the programs run with them.
 */

const variableOf = (header: string) => header.toLowerCase().replaceAll('-', '_').replace('x_', '');

/** What the answer says instead of 403, since nginx passes on 401 and 403 alone. */
const restored = [400, 429, 503];

function nginx({ origin, token, suffix, question }: Given): string {
	const isEncrypted = origin.startsWith('https:');
	const [status, problem] = [variableOf(statusHeader), variableOf(problemHeader)];
	// The variables of all server blocks are one and the same: of two maps with one name, the last would lead both APIs' calls.
	const api = `portico_api_${suffix}`;
	return lines(
		"# Whoever else answers in the portal's place leads nowhere.",
		`map $${status} $${api} { 200 ${sampleApi}; }`,
		'server {',
		`	listen ${sampleListen};`,
		'	location / {',
		'		auth_request /_portico;',
		[statusHeader, problemHeader, ...limitHeaders, ...identityHeaders].map(
			(header) =>
				`		auth_request_set $${variableOf(header)} $upstream_http_${header.toLowerCase().replaceAll('-', '_')};`
		),
		'		error_page 403 = @portico_refused;',
		identityHeaders.map((header) => `		proxy_set_header ${header} $${variableOf(header)};`),
		`		proxy_set_header ${statusHeader} "";`,
		`		proxy_set_header ${gatewayTokenHeader} "";`,
		`		proxy_pass http://$${api};`,
		'	}',
		'	location = /_portico {',
		'		internal;',
		`		proxy_pass ${origin}${question};`,
		isEncrypted && '		proxy_ssl_server_name on;',
		isEncrypted && '		proxy_ssl_verify on;',
		isEncrypted && '		proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;',
		'		proxy_pass_request_body off;',
		'		proxy_set_header Content-Length "";',
		'		proxy_set_header X-Forwarded-Uri $request_uri;',
		`		proxy_set_header ${gatewayTokenHeader} "${token}";`,
		'	}',
		'	location @portico_refused {',
		'		internal;',
		'		default_type application/problem+json;',
		restored.flatMap((meant) => [
			`		if ($${status} = ${meant}) {`,
			...limitHeaders.map((header) => `			add_header ${header} $${variableOf(header)} always;`),
			`			return ${meant} $${problem};`,
			'		}'
		]),
		`		return 403 $${problem};`,
		'	}',
		'}'
	);
}

/**
 * In the order in which they are written: by itself, Caddy would remove the headers after it has asked. It asks with the query of
 * the client where the question has no “?”, and would be answered about a product that the client has chosen.
 */
const caddy = ({ origin, token, question }: Given) =>
	lines(
		`:${sampleListen} {`,
		'	route {',
		'		request_header -X-Portico*',
		'		request_header -X_Portico*',
		'		@takes_away header_regexp Connection (?i)portico',
		'		request_header @takes_away -Connection',
		"		# As forward_auth, but under the portal's own name, and for its answers alone.",
		`		reverse_proxy ${origin} {`,
		'			method GET',
		`			rewrite ${question.includes('?') ? question : `${question}?`}`,
		'			header_up Host {http.reverse_proxy.upstream.hostport}',
		'			header_up X-Forwarded-Uri {http.request.orig_uri}',
		'			header_up -Connection',
		'			header_up -Upgrade',
		`			header_up ${gatewayTokenHeader} "${token}"`,
		`			@let_in header ${statusHeader} 200`,
		'			handle_response @let_in {',
		identityHeaders.map((header) => `				request_header ${header} {http.reverse_proxy.header.${header}}`),
		'			}',
		'			@not_the_portal status 2xx',
		'			handle_response @not_the_portal {',
		'				respond 503',
		'			}',
		'		}',
		`		reverse_proxy ${sampleApi}`,
		'	}',
		'}'
	);

const traefik = ({ origin, token, suffix, question }: Given) =>
	lines(
		'http:',
		'  middlewares:',
		`    portico-token-${suffix}:`,
		'      headers:',
		'        customRequestHeaders:',
		`          ${gatewayTokenHeader}: "${token}"`,
		`    portico-check-${suffix}:`,
		'      forwardAuth:',
		`        address: ${origin}${question}`,
		'        # Also takes away what the client, and the middleware before, has put under these names.',
		'        authResponseHeadersRegex: (?i)^x[-_]portico',
		`    portico-${suffix}:`,
		'      chain:',
		`        middlewares: [portico-token-${suffix}, portico-check-${suffix}]`,
		'  routers:',
		`    api-${suffix}:`,
		'      rule: PathPrefix(`/`)',
		`      middlewares: [portico-${suffix}]`,
		`      service: api-${suffix}`,
		'  services:',
		`    api-${suffix}:`,
		'      loadBalancer:',
		'        servers:',
		`          - url: http://${sampleApi}`
	);

function envoy({ origin, token, headers }: Given): string {
	const { hostname, port, protocol } = new URL(origin);
	const isEncrypted = protocol === 'https:';
	return lines(
		'# Of the connection manager.',
		'normalize_path: true',
		'common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }',
		'# Before envoy.filters.http.router.',
		'http_filters:',
		'  - name: envoy.filters.http.header_mutation',
		'    typed_config:',
		"      '@type': type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
		'      mutations:',
		'        request_mutations:',
		ownHeaders.map((header) => `          - remove: ${header.toLowerCase()}`),
		'  - name: envoy.filters.http.ext_authz',
		'    typed_config:',
		"      '@type': type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
		'      http_service:',
		'        server_uri:',
		`          uri: ${origin}`,
		'          cluster: portico',
		'          timeout: 2s',
		`        path_prefix: ${forwardAuthPath}`,
		'        authorization_request:',
		'          headers_to_add:',
		`            - key: ${gatewayTokenHeader}`,
		`              value: "${token}"`,
		'        authorization_response:',
		'          allowed_upstream_headers:',
		'            patterns:',
		'              - prefix: x-portico-',
		'                ignore_case: true',
		'          allowed_client_headers:',
		'            patterns:',
		'              - exact: www-authenticate',
		limitHeaders.map((header) => `              - exact: ${header.toLowerCase()}`),
		'              - exact: content-type',
		'      # Which headers of the client the portal gets to see: those in which you look for the key.',
		'      allowed_headers:',
		'        patterns:',
		headers.map((header) => `          - exact: ${header}`),
		"  # Whoever else answers in the portal's place lets nobody in.",
		'  - name: envoy.filters.http.rbac',
		'    typed_config:',
		"      '@type': type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
		'      rules:',
		'        action: ALLOW',
		'        policies:',
		'          portico:',
		`            permissions: [{ header: { name: ${statusHeader.toLowerCase()}, string_match: { exact: '200' } } }]`,
		'            principals: [{ any: true }]',
		'# Of the static resources.',
		'clusters:',
		'  - name: portico',
		'    type: STRICT_DNS',
		'    load_assignment:',
		'      cluster_name: portico',
		'      endpoints:',
		'        - lb_endpoints:',
		'            - endpoint:',
		'                address:',
		`                  socket_address: { address: ${hostname}, port_value: ${port || (isEncrypted ? 443 : 80)} }`,
		isEncrypted && [
			'    transport_socket:',
			'      name: envoy.transport_sockets.tls',
			'      typed_config:',
			"        '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
			`        sni: ${hostname}`,
			'        common_tls_context:',
			'          validation_context:',
			'            trusted_ca: { filename: /etc/ssl/certs/ca-certificates.crt }'
		]
	);
}

/** Any program that can ask before it passes a request on, shown by curl. */
const other = ({ origin, token, question }: Given) =>
	lines(
		'# Send the headers of each request, and act by the status: 200 lets it in.',
		`curl -i "${origin}${question}" \\`,
		`	-H "${gatewayTokenHeader}: ${token}" \\`,
		'	-H "Authorization: Bearer ptk_…"',
		'# Or ask about a key by itself (RFC 7662).',
		`curl ${origin}/api/introspect -H "Authorization: Bearer ${token}" -d token=ptk_…`
	);

const writers: Record<GatewayKind, (given: Given) => string> = {
	nginx,
	caddy,
	traefik,
	envoy,
	haproxy,
	kong,
	tyk,
	other
};

/** Where the lines belong, in a few words. */
export const linesPlaces: Record<GatewayKind, string> = {
	nginx:
		'A server block and what it needs, in “http { … }”. The module auth_request comes with the packages of nginx.',
	caddy: 'A site of the Caddyfile.',
	traefik: 'Of the file provider (dynamic configuration). Traefik 2.11.9, 3.1.3 or newer.',
	envoy: 'Envoy 1.26 or newer.',
	haproxy: 'HAProxy 2.6 or newer, with Lua, as it is packaged: a script of its own asks. Two files.',
	kong: 'A declarative configuration: the plugin “pre-function” asks.',
	tyk: 'A custom middleware in JavaScript asks.',
	other: 'By hand, to see what comes back.'
};

/** Envoy puts the path that it was asked for behind ours, where nothing that a client has written is read. */
export const canNameProduct = (kind: GatewayKind) => kind !== 'envoy';

/**
 * The lines for a program; without a token they hold a placeholder in its place.
 * @param product the address of the API product that they name, where the gateway stands in front of several.
 */
export function gatewayLines(
	{ id, kind, ...places }: KeyPlaces & { id: string; kind: GatewayKind },
	{ origin, token = samplePlaceholder, product }: { origin: string; token?: string; product?: string }
): string {
	const question = product && canNameProduct(kind) ? `?${productParameter}=${product}` : '';
	// Letters, digits and underscores: what a name may have in each of the programs.
	const suffix = [id.slice(0, 8), ...(question && product ? [product.replaceAll('-', '_')] : [])].join('_');
	const headers = headersOf(places);
	return writers[kind]({ origin, token, suffix, headers, question: `${forwardAuthPath}${question}` });
}
