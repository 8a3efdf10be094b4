import { forwardAuthPath, gatewayTokenHeader, identityHeaders } from './gateways.ts';
import { lines, sampleApi, sampleListen, type Given } from './gateway-text.ts';

/** Programs that ask by a script: nothing of theirs does it by configuration alone. */

export function haproxy({ origin, token }: Given): string {
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
		'	http-request del-header ^x[-_]portico[-_] -m reg',
		'	http-request set-header X-Forwarded-Uri %[pathq]',
		`	http-request set-header ${gatewayTokenHeader} "${token}"`,
		`	http-request lua.auth-intercept portico ${forwardAuthPath} HEAD * x-portico-* www-authenticate,retry-after`,
		"	# Also where the portal can't be asked.",
		'	http-request deny deny_status 503 unless { var(txn.auth_response_successful) -m bool }',
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

export const kong = ({ origin, token }: Given) =>
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
		'              local headers, truncated = kong.request.get_headers(1000)',
		'              if truncated then return kong.response.exit(400) end',
		'              local asked = { ["X-Forwarded-Uri"] = kong.request.get_path_with_query() }',
		'              for name, value in pairs(headers) do',
		'                local is_ours = name:gsub("_", "-"):lower():sub(1, 10) == "x-portico-"',
		'                if is_ours then kong.service.request.clear_header(name) end',
		'                -- Those in which you look for the key.',
		'                if name == "authorization" or name == "x-api-key" then asked[name] = value end',
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

export const tyk = ({ origin, token }: Given) =>
	lines(
		'// middleware/portico.js, with "custom_middleware": { "driver": "otto", "pre": [{ "name": "portico",',
		'// "path": "middleware/portico.js" }] } in the definition of the API, which has "use_keyless": true, and with',
		'// "enable_jsvm": true in tyk.conf.',
		'var portico = new TykJS.TykMiddleware.NewMiddleware({});',
		'portico.NewProcessRequest(function (request, session) {',
		'	var asked = { "X-Forwarded-Uri": request.URL };',
		'	for (var name in request.Headers) {',
		'		var spelled = name.replace(/_/g, "-").toLowerCase();',
		'		if (spelled.indexOf("x-portico-") === 0) request.DeleteHeaders.push(name);',
		'		// Those in which you look for the key.',
		'		else if (/^(authorization|x-api-key)$/.test(spelled)) asked[name] = request.Headers[name].join(", ");',
		'	}',
		`	asked["${gatewayTokenHeader}"] = "${token}";`,
		'	var answer = { Code: 503 };',
		'	try {',
		'		answer = JSON.parse(TykMakeHttpRequest(JSON.stringify({',
		`			Method: "GET", Headers: asked, Domain: "${origin}", Resource: "${forwardAuthPath}"`,
		'		})));',
		'	} catch (error) {}',
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
