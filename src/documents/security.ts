import type { Finding } from './findings.ts';
import { at, excerpt, isMembers, listOf, membersOf, textOf } from './values.ts';

/** How those who call say who they are, and what changed of it. */

/** One way to sign in: all of its schemes together. */
interface Way {
	name: string;
	/** What of each scheme a program depends on, in words. */
	schemes: string[];
	scopes: Set<string>;
}

/** Empty where nobody has to sign in. */
export type SecurityScheme = Way[];

export function readSecurity(root: unknown, value: unknown): SecurityScheme {
	return listOf(value).map((way) => {
		const members = membersOf(way).toSorted(([a], [b]) => (a < b ? -1 : 1));
		return {
			name: members.map(([scheme]) => scheme).join(' and '),
			schemes: members.map(([scheme]) => readScheme(root, scheme)).toSorted(),
			scopes: new Set(members.flatMap(([, scopes]) => listOf(scopes).map(textOf)))
		};
	});
}

/** In 2.0 they have other names. */
const oldFlows: Record<string, string> = {
	accessCode: 'authorizationCode',
	application: 'clientCredentials'
};

function readScheme(root: unknown, name: string): string {
	const scheme = at(root, 'components', 'securitySchemes', name) ?? at(root, 'securityDefinitions', name);
	const word = (key: string) => textOf(at(scheme, key));
	const type = word('type');
	if (type === 'apiKey') {
		const isHeader = word('in') === 'header';
		const key = isHeader ? word('name').toLowerCase() : word('name');
		return `the ${excerpt(word('in'))} ${isHeader ? '' : 'parameter '}“${excerpt(key)}”`;
	}
	if (type === 'basic') return 'HTTP basic';
	if (type === 'http') return `HTTP ${excerpt(word('scheme').toLowerCase())}`;
	if (type === 'openIdConnect') return `OpenID Connect at ${excerpt(word('openIdConnectUrl'), 100)}`;
	if (type === 'oauth2') return `OAuth 2.0 by ${sayFlows(scheme)}`;
	// Of one that is described nowhere the name is all that there is.
	return type === '' ? `“${excerpt(name)}”` : excerpt(type);
}

function sayFlows(scheme: unknown): string {
	const old = textOf(at(scheme, 'flow'));
	const flows: [string, unknown][] = isMembers(at(scheme, 'flows'))
		? membersOf(at(scheme, 'flows'))
		: [[oldFlows[old] ?? old, scheme]];
	const told = flows
		.filter(([name]) => !name.startsWith('x-'))
		.map(([name, flow]) => {
			const places = ['authorizationUrl', 'tokenUrl'].map((key) => excerpt(textOf(at(flow, key)), 100));
			return [name, ...places.filter((place) => place !== '')].join(' ');
		});
	return told.toSorted().join(' or ');
}

/** An empty way to sign in means that nobody has to. */
const isOpen = (security: SecurityScheme) =>
	security.length === 0 || security.some(({ name }) => name === '');

export function compareSecurity(was: SecurityScheme, is: SecurityScheme): Finding[] {
	const ways = (security: SecurityScheme) =>
		security.filter(({ name }) => name !== '').map(({ name }) => `“${excerpt(name)}”`);
	if (isOpen(was) !== isOpen(is)) {
		if (isOpen(is)) return [{ kind: 'changed', words: 'nobody has to sign in any more.' }];
		return [{ kind: 'breaking', words: `it asks for ${ways(is).join(' or ')} now.` }];
	}
	const findings: Finding[] = [];
	const keyOf = ({ schemes }: Way) => JSON.stringify(schemes);
	const named = ({ name }: Way) => name !== '';
	const left = is.filter(named);
	for (const way of was.filter(named)) {
		// A scheme with another name is the same to those who call.
		const now = left.find((one) => keyOf(one) === keyOf(way)) ?? left.find(({ name }) => name === way.name);
		if (!now) {
			findings.push({ kind: 'breaking', words: `it can no longer be called by “${excerpt(way.name)}”.` });
			continue;
		}
		left.splice(left.indexOf(now), 1);
		if (keyOf(now) !== keyOf(way)) {
			const words = `“${excerpt(way.name)}” is ${now.schemes.join(' and ')} now, no longer ${way.schemes.join(' and ')}.`;
			findings.push({ kind: 'breaking', words });
		}
		const more = [...now.scopes].filter((scope) => !way.scopes.has(scope));
		if (more.length > 0) {
			const scopes = more.slice(0, 5).map((scope) => `“${excerpt(scope)}”`);
			const words = `“${excerpt(way.name)}” needs ${scopes.join(', ')} too now.`;
			findings.push({ kind: 'breaking', words });
		}
	}
	for (const { name } of left)
		findings.push({ kind: 'added', words: `it can also be called by “${excerpt(name)}”.` });
	return findings;
}
