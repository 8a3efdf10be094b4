import type { Company, Person, Portal } from './factories.ts';

/** What a gateway asks, and keys to ask about. */

type Kind = Parameters<Portal['admin']['api']['gateways']['create']['mutate']>[0]['kind'];

let count = 0;
/** A gateway with its token. */
export async function createGateway(
	{ admin }: Pick<Portal, 'admin'>,
	given: {
		kind?: Kind;
		headerName?: string;
		queryName?: string;
		hasBearer?: boolean;
		hasApiKey?: boolean;
	} = {}
) {
	return admin.api.gateways.create.mutate({
		name: `Gateway ${++count}`,
		kind: 'other',
		hasBearer: true,
		hasApiKey: true,
		headerName: '',
		queryName: '',
		...given
	});
}

/** An application with a key that its owner has revealed. */
export async function createKeyOf(company: Company, by: Person = company.owner) {
	const application = await by.api.applications.create.mutate({
		organizationId: company.id,
		name: `Application ${++count}`,
		description: ''
	});
	const credentialId = application.credentials[0]?.id ?? '';
	const place = { organizationId: company.id, applicationId: application.id, credentialId };
	const { secret } = await by.api.credentials.reveal.mutate(place);
	return { application, place, secret };
}

/** As a gateway asks whether to let a request through. */
export async function forward(
	origin: string,
	token: string | null,
	headers: HeadersInit,
	{ method = 'GET', path = '', body }: { method?: string; path?: string; body?: string } = {}
) {
	const given = new Headers(headers);
	if (token !== null) given.set('x-portico-gateway-token', token);
	const response = await fetch(`${origin}/api/forward-auth${path}`, {
		method,
		headers: given,
		...(body !== undefined && { body })
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, text };
}
