import { maxServers } from '#lib/documents.ts';
import { at, listOf, membersOf, textOf } from './values.ts';

/** Where calls go, as a document says. */

/** How many addresses one server may stand for, by the values of its variables. */
const maxVariants = 50;

/** Only what a policy for the browser can hold as it is: a name, or an address, and perhaps a port. */
const plainOrigin = /^https?:\/\/(?:[a-z0-9_][a-z0-9._-]*|\[[0-9a-f:.]+\])(?::\d+)?$/;

function originOf(address: string): string | null {
	const url = URL.parse(address);
	return url && plainOrigin.test(url.origin) ? url.origin : null;
}

/** The origins that the document's servers are at. Addresses on the portal itself are left out. */
export function originsOf(value: unknown): string[] {
	const origins = addressesOf(value).flatMap((address) => originOf(address) ?? []);
	return [...new Set(origins)].slice(0, maxServers);
}

/** The addresses of servers that its pages may not reach, as they stand there. */
export function unreachedOf(value: unknown): string[] {
	const reached = new Set(originsOf(value));
	return addressesOf(value).filter((address) => !reached.has(originOf(address) ?? ''));
}

/** Whole, each once; what is no address by itself, such as "/v1", as it stands there. */
export function addressesOf(value: unknown): string[] {
	const told = at(value, 'swagger') === undefined ? listAddresses(value) : listOldAddresses(value);
	const addresses = told.map((one) => {
		// Without a scheme it is the one of the page that names it.
		const whole = one.startsWith('//') ? `https:${one}` : one;
		const address = URL.parse(whole)?.href ?? one;
		return address.length > 1 && address.endsWith('/') ? address.slice(0, -1) : address;
	});
	return [...new Set(addresses)].filter((address) => address !== '');
}

function listOldAddresses(value: unknown): string[] {
	const host = textOf(at(value, 'host'));
	const path = textOf(at(value, 'basePath'));
	if (host === '') return path === '' ? [] : [path];
	const schemes = listOf(at(value, 'schemes')).map(textOf);
	return (schemes.length > 0 ? schemes : ['https']).map((scheme) => `${scheme}://${host}${path}`);
}

function listAddresses(value: unknown): string[] {
	const paths = membersOf(at(value, 'paths')).map(([, item]) => item);
	const all = [
		value,
		...paths,
		...paths.flatMap((item) => membersOf(item).map(([, operation]) => operation))
	];
	return all.flatMap((holder) => listOf(at(holder, 'servers')).flatMap(variantsOf));
}

/** With each value that a variable may have, the one that counts where nobody chooses first. */
function variantsOf(server: unknown): string[] {
	let variants = [textOf(at(server, 'url'))];
	for (const [, name = ''] of (variants[0] ?? '').matchAll(/\{([^{}]*)\}/g)) {
		const given = textOf(at(server, 'variables', name, 'default'));
		const values = new Set([given, ...listOf(at(server, 'variables', name, 'enum')).map(textOf)]);
		variants = variants
			.flatMap((address) => [...values].map((value) => address.replaceAll(`{${name}}`, () => value)))
			.slice(0, maxVariants);
	}
	return variants;
}
