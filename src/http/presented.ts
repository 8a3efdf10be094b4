import type { IncomingMessage } from 'node:http';
import type { KeyPlaces } from '#lib/gateways.ts';

/** Where a client of an API has put its key, as its gateway passes the request on. */

/** What can't be understood as one key; the words are for whoever sent it. */
export class Ambiguous extends Error {}

/** One value of a header; null where there is none, or where it holds something else than a key. */
function readHeader(request: IncomingMessage, name: string): string[] {
	const values = (request.headersDistinct[name.toLowerCase()] ?? []).filter((value) => value.trim());
	if (values.length > 1) throw new Ambiguous(`The header ${name} came ${values.length} times.`);
	return values.map((value) => value.trim());
}

function oneOf(name: string, value: string): string {
	if (/[\s,]/.test(value)) throw new Ambiguous(`The header ${name} holds more than one key.`);
	return value;
}

/** The key of `Authorization`; of another scheme than Bearer it is none of ours. */
function readBearer(request: IncomingMessage): string[] {
	return readHeader(request, 'Authorization').flatMap((value) => {
		const [, key = ''] = /^bearer\s(.*)$/i.exec(value) ?? [];
		return key.trim() ? oneOf('Authorization', key.trim()) : [];
	});
}

/** Of the question itself, and of the address that the client asked for, as gateways pass it on. */
function readQuery(request: IncomingMessage, name: string): string[] {
	const addresses = [request.url ?? '', ...(request.headersDistinct['x-forwarded-uri'] ?? [])];
	const values = addresses.flatMap((address) => {
		const [, query = ''] = /\?([^#]*)/.exec(address) ?? [];
		return new URLSearchParams(query).getAll(name);
	});
	const given = values.filter((value) => value.trim());
	if (given.length > 1) throw new Ambiguous(`The parameter ${name} came ${given.length} times.`);
	return given;
}

/**
 * The one key of a request.
 * @returns null where there is none.
 * @throws {Ambiguous} when there are several, the same one twice among them: which of them is meant, nobody can tell.
 */
export function findPresentedKey(request: IncomingMessage, places: KeyPlaces): string | null {
	const { hasBearer, hasApiKey, headerName, queryName } = places;
	const headers = [...(hasApiKey ? ['X-API-Key'] : []), ...(headerName ? [headerName] : [])];
	const found = [
		...(hasBearer ? readBearer(request).map((key) => ['Authorization', key] as const) : []),
		...headers.flatMap((name) =>
			readHeader(request, name).map((value) => [name, oneOf(name, value)] as const)
		),
		...(queryName ? readQuery(request, queryName).map((key) => [`?${queryName}=`, key] as const) : [])
	];
	if (found.length <= 1) return found[0]?.[1] ?? null;
	throw new Ambiguous(`Send one key: there is one each in ${found.map(([place]) => place).join(' and ')}.`);
}
