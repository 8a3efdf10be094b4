import { forwardAuthPath, gatewayTokenHeader, identityHeaders, statusHeader } from './gateways.ts';
import type { GatewayKind } from './gateways.ts';

/**
 * The lines by which each program asks the portal about a key. They drop whatever a client sends under the portal's own
 * names, so that an API behind them can rely on what it reads there. tests/proxied.postgres.test.ts reads those of
 * nginx and Caddy from the page, and has both programs run with them.
 */

/** Where the lines have a gateway listen, and where the API behind it is: to be replaced by one's own. */
export const sampleListen = '8080';
export const sampleApi = '127.0.0.1:9000';
export const samplePlaceholder = 'TOKEN-OF-THIS-GATEWAY';

interface Given {
	/** The public address of the portal. */
	origin: string;
	token: string;
}

const variableOf = (header: string) => header.toLowerCase().replaceAll('-', '_').replace('x_', '');
const lines = (...all: (string | string[] | false)[]) =>
	all
		.flat()
		.filter((line) => line !== false)
		.join('\n');

/** What the answer says instead of 403, since nginx passes on 401 and 403 alone. */
const restored = [400, 429, 503];

function nginx({ origin, token }: Given): string {
	const isEncrypted = origin.startsWith('https:');
	return lines(
		'server {',
		`	listen ${sampleListen};`,
		'	location / {',
		'		auth_request /_portico;',
		[statusHeader, 'Retry-After', ...identityHeaders].map(
			(header) =>
				`		auth_request_set $${variableOf(header)} $upstream_http_${header.toLowerCase().replaceAll('-', '_')};`
		),
		'		error_page 403 = @portico_refused;',
		identityHeaders.map((header) => `		proxy_set_header ${header} $${variableOf(header)};`),
		`		proxy_set_header ${statusHeader} "";`,
		`		proxy_set_header ${gatewayTokenHeader} "";`,
		`		proxy_pass http://${sampleApi};`,
		'	}',
		'	location = /_portico {',
		'		internal;',
		`		proxy_pass ${origin}${forwardAuthPath};`,
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
		restored.map(
			(status) =>
				`		if ($${variableOf(statusHeader)} = ${status}) { add_header Retry-After $retry_after always; return ${status}; }`
		),
		'		return 403;',
		'	}',
		'}'
	);
}

/** In the order in which they are written: by itself, Caddy would remove the headers after it has asked. */
const caddy = ({ origin, token }: Given) =>
	lines(
		`:${sampleListen} {`,
		'	route {',
		'		request_header -X-Portico-*',
		'		request_header -X_Portico_*',
		`		forward_auth ${origin} {`,
		`			uri ${forwardAuthPath}`,
		`			header_up ${gatewayTokenHeader} "${token}"`,
		`			copy_headers ${identityHeaders.join(' ')}`,
		'		}',
		`		reverse_proxy ${sampleApi}`,
		'	}',
		'}'
	);

const traefik = ({ origin, token }: Given) =>
	lines(
		'http:',
		'  middlewares:',
		'    portico-token:',
		'      headers:',
		'        customRequestHeaders:',
		`          ${gatewayTokenHeader}: "${token}"`,
		'    portico-check:',
		'      forwardAuth:',
		`        address: ${origin}${forwardAuthPath}`,
		'        # Also takes away what the client, and the middleware before, has put under these names.',
		'        authResponseHeadersRegex: ^X-Portico-',
		'    portico:',
		'      chain:',
		'        middlewares: [portico-token, portico-check]',
		'  routers:',
		'    api:',
		'      rule: PathPrefix(`/`)',
		'      middlewares: [portico]',
		'      service: api',
		'  services:',
		'    api:',
		'      loadBalancer:',
		'        servers:',
		`          - url: http://${sampleApi}`
	);

function envoy({ origin, token }: Given): string {
	const { hostname, port, protocol } = new URL(origin);
	const isEncrypted = protocol === 'https:';
	return lines(
		'# Of the connection manager, before envoy.filters.http.router.',
		'http_filters:',
		'  - name: envoy.filters.http.header_mutation',
		'    typed_config:',
		"      '@type': type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
		'      mutations:',
		'        request_mutations:',
		[...identityHeaders, statusHeader, gatewayTokenHeader].map(
			(header) => `          - remove: ${header.toLowerCase()}`
		),
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
		'              - exact: retry-after',
		'              - exact: content-type',
		'      # Which headers of the client the portal gets to see: those in which you look for the key.',
		'      allowed_headers:',
		'        patterns:',
		'          - exact: authorization',
		'          - exact: x-api-key',
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

function haproxy({ origin, token }: Given): string {
	const { hostname, host, port, protocol } = new URL(origin);
	const isEncrypted = protocol === 'https:';
	const server = `${hostname}:${port || (isEncrypted ? 443 : 80)}`;
	return lines(
		'# With haproxy-auth-request (github.com/TimWolla/haproxy-auth-request) and what it needs, haproxy-lua-http.',
		'global',
		'	lua-prepend-path /usr/share/haproxy/?/http.lua',
		'	lua-load /usr/share/haproxy/auth-request.lua',
		'frontend api',
		'	mode http',
		`	bind :${sampleListen}`,
		'	http-request del-header x-portico- -m beg',
		'	http-request set-header X-Forwarded-Uri %[pathq]',
		`	http-request set-header ${gatewayTokenHeader} "${token}"`,
		`	http-request lua.auth-intercept portico ${forwardAuthPath} HEAD * x-portico-* www-authenticate,retry-after`,
		`	http-request del-header ${gatewayTokenHeader}`,
		'	default_backend api',
		'backend api',
		'	mode http',
		`	server api ${sampleApi}`,
		'backend portico',
		'	mode http',
		// The script speaks no TLS: what it asks goes by way of HAProxy itself.
		isEncrypted
			? [
					'	server portico 127.0.0.1:8090',
					'listen portico-tls',
					'	mode http',
					'	bind 127.0.0.1:8090',
					`	http-request set-header Host ${host}`,
					`	server portico ${server} ssl verify required ca-file /etc/ssl/certs/ca-certificates.crt sni str(${hostname})`
				]
			: `	server portico ${server}`
	);
}

const kong = ({ origin, token }: Given) =>
	lines(
		'# With KONG_UNTRUSTED_LUA_SANDBOX_REQUIRES=resty.http in the environment of Kong.',
		'_format_version: "3.0"',
		'services:',
		'  - name: api',
		`    url: http://${sampleApi}`,
		'    routes:',
		'      - name: api',
		'        paths: ["/"]',
		'    plugins:',
		'      - name: pre-function',
		'        config:',
		'          access:',
		'            - |',
		'              local headers = kong.request.get_headers()',
		'              local asked = { ["X-Forwarded-Uri"] = kong.request.get_path_with_query() }',
		'              for name, value in pairs(headers) do',
		'                local is_ours = name:gsub("_", "-"):lower():sub(1, 10) == "x-portico-"',
		'                if is_ours then kong.service.request.clear_header(name) end',
		'                local is_hop = name == "host" or name == "connection" or name:sub(1, 8) == "content-"',
		'                if not is_ours and not is_hop and name ~= "x-forwarded-uri" then asked[name] = value end',
		'              end',
		`              asked["${gatewayTokenHeader}"] = "${token}"`,
		`              local answer = require("resty.http").new():request_uri("${origin}${forwardAuthPath}", {`,
		'                method = "GET", headers = asked, ssl_verify = true',
		'              })',
		'              if not answer then return kong.response.exit(503) end',
		'              if answer.status ~= 200 then',
		'                return kong.response.exit(answer.status, answer.body, {',
		'                  ["Content-Type"] = answer.headers["Content-Type"],',
		'                  ["WWW-Authenticate"] = answer.headers["WWW-Authenticate"],',
		'                  ["Retry-After"] = answer.headers["Retry-After"]',
		'                })',
		'              end',
		`              for _, name in ipairs({ ${identityHeaders.map((header) => `"${header}"`).join(', ')} }) do`,
		'                kong.service.request.set_header(name, answer.headers[name])',
		'              end'
	);

const tyk = ({ origin, token }: Given) =>
	lines(
		'// middleware/portico.js, with "custom_middleware": { "driver": "otto", "pre": [{ "name": "portico",',
		'// "path": "middleware/portico.js" }] } in the definition of the API, which has "use_keyless": true.',
		'var portico = new TykJS.TykMiddleware.NewMiddleware({});',
		'portico.NewProcessRequest(function (request, session) {',
		'	var asked = { "X-Forwarded-Uri": request.URL };',
		'	for (var name in request.Headers) {',
		'		var spelled = name.replace(/_/g, "-").toLowerCase();',
		'		if (spelled.indexOf("x-portico-") === 0) request.DeleteHeaders.push(name);',
		'		else if (!/^(host|connection|content-.*|x-forwarded-uri)$/.test(spelled)) asked[name] = request.Headers[name].join(", ");',
		'	}',
		`	asked["${gatewayTokenHeader}"] = "${token}";`,
		'	var answer = JSON.parse(TykMakeHttpRequest(JSON.stringify({',
		`		Method: "GET", Headers: asked, Domain: "${origin}", Resource: "${forwardAuthPath}"`,
		'	})));',
		'	if (answer.Code !== 200) {',
		'		request.ReturnOverrides.ResponseCode = answer.Code || 503;',
		'		request.ReturnOverrides.ResponseBody = answer.Body || "";',
		'		return portico.ReturnData(request, {});',
		'	}',
		`	[${identityHeaders.map((header) => `"${header}"`).join(', ')}].forEach(function (name) {`,
		'		request.SetHeaders[name] = answer.Headers[name][0];',
		'	});',
		'	return portico.ReturnData(request, {});',
		'});'
	);

/** Any program that can ask before it passes a request on, shown by curl. */
const other = ({ origin, token }: Given) =>
	lines(
		'# Send the headers of each request, and act by the status: 200 lets it in.',
		`curl -i ${origin}${forwardAuthPath} \\`,
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
	nginx: 'A server block, in “http { … }”. Its module auth_request comes with the packages of nginx.',
	caddy: 'A site of the Caddyfile.',
	traefik: 'Of the file provider (dynamic configuration).',
	envoy: 'Envoy 1.26 or newer.',
	haproxy: 'HAProxy has no question of its own for this: a script in Lua asks.',
	kong: 'A declarative configuration: the plugin “pre-function” asks.',
	tyk: 'A custom middleware in JavaScript asks.',
	other: 'By hand, to see what comes back.'
};

/** The lines for a program; without a token they hold a placeholder in its place. */
export const gatewayLines = (kind: GatewayKind, origin: string, token?: string): string =>
	writers[kind]({ origin, token: token ?? samplePlaceholder });
