import { gatewayName, orEmpty } from './fields.ts';
import { gatewayKinds } from './gateways.ts';
import { text, z } from './schema.ts';

/** What means something else to a gateway or to the portal, or has a switch of its own. */
const takenHeaders =
	/^(?:authorization|x-api-key|proxy-.*|cookie|host|connection|upgrade|te|trailer|transfer-encoding|content-.*|accept.*|expect|origin|referer|user-agent|date|via|forwarded|x-forwarded-.*|x-real-ip|x-original-.*|x-request-id|x-portico.*|set-cookie2?|www-authenticate|location|server|link|retry-after|ratelimit.*|sec-.*|if-.*|cache-control|range)$/i;

const headerName = text(200)
	.regex(/^\s*[A-Za-z][A-Za-z\d-]{0,59}\s*$/, {
		abort: true,
		error: 'A header is named by up to 60 letters, digits and hyphens, such as X-Acme-Key.'
	})
	.trim()
	.refine((name) => !takenHeaders.test(name), {
		error: 'This header means something else already. Take a name of your own.'
	});
const queryName = text(200)
	.regex(/^\s*[A-Za-z][\w-]{0,59}\s*$/, {
		abort: true,
		error: 'A parameter is named by up to 60 letters, digits, hyphens and underscores, such as api_key.'
	})
	.trim()
	.refine((name) => name !== 'product', {
		error: 'By this parameter a gateway names an API product. Take a name of your own.'
	});

/** What a form of a gateway holds. */
export const gatewayInput = {
	name: gatewayName,
	kind: z.enum(gatewayKinds),
	hasBearer: z.boolean(),
	hasApiKey: z.boolean(),
	headerName: orEmpty(headerName),
	queryName: orEmpty(queryName)
};
