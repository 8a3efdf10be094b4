import { bareAddress } from '../../email-addresses.ts';
import { cleanAddress, findAddresses } from './addresses.ts';
import { holdsAddress } from './columns.ts';
import { nobody, splitName, type Person } from './names.ts';
import { findReason, isRoleLabel } from './standings.ts';
import { tidy } from './words.ts';

/** People in lines without headings, as they are typed, pasted out of mail programs, or copied out of a spreadsheet. */

/** What stands between two addresses is a name and perhaps a role. */
const longestName = 500;

const quotes: Record<string, string> = { '"': '"', "'": "'", '“': '”', '„': '“', '«': '»', '‘': '’' };
const pairs: Record<string, string> = { ...quotes, '<': '>', '(': ')', '[': ']', '{': '}' };
const brackets = new Set('<([{');
const separators = new Set(',;\t|');
/** What leads on to something else, and ends no name. */
const dangling = new Set(' :;,=/\\|([{<«„“-–—→>');

/** “1.”, “a)”, “•”, “[x]”: what begins a line of a list. */
const bullet =
	/^\s*(?:\(?\d{1,5}[.):]+(?=\s|\p{L})|\d{1,5}\s*[-–]\s|\(?[a-z]\)\s|\[[ xX✓]?\]|[-–—*•·▪◦‣⁃●○■□▶►✓✔☐☑→>#]+|\+(?!\d))\s*/u;
/** “To:”, “E-Mail:”: what a word in front of a colon says of the rest. */
const label =
	/^\s*(?:to|cc|bcc|from|reply-to|an|von|kopie|blindkopie|à|a|de|cci|pour|copie|para|cco|aan|van|da|per|do|dw|od|till|til|från|fra|kopia|name|nom|nombre|naam|nome|e-?\s?mail(?:-?adresse|\saddress)?|mail|mailto|courriel|correo|adresse|address|role|rolle|rôle|rol|ruolo)\s*:\s*/i;
/** What joins the last of several to those before. */
const joint = /^\s*(?:and|und|et|y|e|en|i|og|och|ja|a|oraz|sowie|plus|or|oder|ou|o|&|\+|\/)(?=\s|$)/;
const jointBehind = /\s(?:and|und|et|y|e|en|i|og|och|ja|oraz|sowie|plus|or|oder|ou|&|\+|\/)\s*$/;

const stripStart = (text: string) => {
	let bare = text;
	for (let before = ''; bare !== before;) {
		before = bare;
		bare = bare.replace(bullet, '').replace(label, '');
	}
	return bare;
};

/** What stands around a name and is none of it: numbering, labels, closing punctuation, brackets that enclose all of it. */
export function trimName(given: string): string {
	let text = tidy(given);
	for (let before = ''; text !== before;) {
		before = text;
		text = text
			.replace(bullet, '')
			.replace(label, '')
			.replace(/^[\s:;,=.!?/\\|)\]}>»”]+/, '')
			.trimEnd();
		let end = text.length;
		while (end > 0 && dangling.has(text[end - 1] ?? '')) end -= 1;
		text = text.slice(0, end);
		const [first = ''] = text;
		const closing = pairs[first];
		if (closing && text.length > 1 && text.indexOf(closing, 1) === text.length - 1)
			text = text.slice(1, -1).trim();
		else if (closing && !text.includes(closing, 1)) text = text.slice(1).trim();
		// “Pat.” ends a sentence, “J. R.” doesn't, nor does “Jr.”.
		text = text.replace(/(\p{Ll}{3})[.!?]+$/u, '$1');
	}
	return /[\p{L}\p{N}]/u.test(text) ? text : '';
}

/** Takes a text apart at commas, semicolons, tabs and strokes outside of quotes, which count where a part begins with one. */
function splitParts(text: string): string[] {
	const parts: string[] = [];
	let part = '';
	let closing: string | undefined;
	for (const [at, letter] of text.split('').entries()) {
		if (closing) {
			if (letter === closing) closing = undefined;
			else part += letter;
		} else if (
			quotes[letter] &&
			part.length < 40 &&
			!stripStart(part).trim() &&
			text.includes(quotes[letter], at + 1)
		)
			closing = quotes[letter];
		else if (separators.has(letter)) {
			parts.push(part);
			part = '';
		} else part += letter;
	}
	return [...parts, part].map(trimName).filter(Boolean);
}

type Address = { email: string; from: number; to: number; isBracketed: boolean };

/** The addresses of a line, with the brackets and quotes around them; one that is said twice in a row is one. */
function findBracketed(line: string): Address[] {
	const found: Address[] = [];
	for (const { email, ...place } of findAddresses(line)) {
		let { from, to } = place;
		let isBracketed = false;
		for (;;) {
			const opening = line[from - 1] ?? '';
			const isOpen = separators.has(opening)
				? false
				: pairs[opening] !== undefined && pairs[opening] === line[to];
			if (isOpen) {
				isBracketed ||= brackets.has(opening);
				from -= 1;
				to += 1;
			} else if (brackets.has(opening) && /\s/.test(line[to] ?? '') && pairs[opening] === line[to + 1])
				to += 1;
			else if (/\s/.test(opening) && brackets.has(line[from - 2] ?? '')) from -= 1;
			else break;
		}
		const last = found.at(-1);
		if (last?.email.toLowerCase() === email.toLowerCase() && !/[\p{L}\p{N}]/u.test(line.slice(last.to, from)))
			Object.assign(last, { to, isBracketed: last.isBracketed || isBracketed });
		else found.push({ email, from, to, isBracketed });
	}
	return found;
}

/** Gives somebody what stands beside their address: a role under its own name, a name, and what else stands there. */
function describe(person: Person, parts: string[], isOfCells: boolean): void {
	const names = parts.filter((part) => !isRoleLabel(part));
	const others = parts.filter((part) => !names.includes(part));
	if (!person.firstName && !person.lastName && names.some((name) => /\p{L}/u.test(name))) {
		const [before = '', remark] = remarkOf(names.join(isOfCells ? ' ' : ', '));
		Object.assign(person, splitName(before));
		if (remark) others.push(remark);
	} else others.push(...names);
	if (others.length > 0)
		person.role = [person.role, ...others].filter(Boolean).join(', ').slice(0, longestName);
}

/** “Ana Lind (Ops)”, “Guests: Ana Lind”: what stands in brackets behind a name, or with a colon in front, is none of it. */
function remarkOf(name: string): [name: string, remark: string | undefined] {
	const colon = name.search(/:\s/);
	if (colon > 0) return [trimName(name.slice(colon + 1)), name.slice(0, colon).trim()];
	const at = name.endsWith(')') ? name.lastIndexOf('(') : name.endsWith(']') ? name.lastIndexOf('[') : -1;
	return at > 0 ? [name.slice(0, at).trim(), name.slice(at + 1, -1).trim()] : [name, undefined];
}

/**
 * The people of a line such as `Grace Okafor <grace@x.test>; 'Berg, Linus' <linus@x.test>, mei@x.test`, with their names
 * in front of the addresses or behind them, each perhaps with a role; null where there is no address.
 * @param isOneCell whether commas and the like part no cells; where they may, a line of one address is cells: null too.
 */
export function readRecipients(given: string, isOneCell = false): Person[] | null {
	// “[Ana Lind](mailto:ana@x.test)”
	const line = given
		.replace(/\[([^\][]{1,200})\]\(\s{0,3}(?:mailto:)?([^\s()[\]]{1,320})\s{0,3}\)/gi, '$1 <$2>')
		.replace(/mailto:[^\s<>()[\]"“”,;|]*/gi, (link) => ` ${bareAddress(link)} `);
	const addresses = findBracketed(line);
	const [only] = addresses;
	if (!only) return null;
	const isAlone = addresses.length === 1;
	const texts = [
		...addresses.map(({ from }, at) => line.slice(addresses[at - 1]?.to ?? 0, from)),
		line.slice(addresses.at(-1)?.to ?? 0)
	];
	const isBare = !texts.some((text) => /[\p{L}\p{N}]/u.test(text));
	if (isAlone && !isOneCell && !isBare && !only.isBracketed && /[,;\t|]/.test(line)) return null;
	const places = texts.map((text, at) => {
		const isFirst = at === 0;
		const isLast = at === addresses.length;
		let bare = isFirst ? text.slice(-longestName) : text.slice(0, longestName * 2);
		const startsApart = /^[\s.:!?]*[,;\t|]/.test(bare) || (!isFirst && joint.test(bare));
		const endsApart =
			/[,;|]$/.test(bare.replaceAll('\t', ';').trimEnd()) || (!isLast && jointBehind.test(bare));
		if (!isFirst) bare = bare.replace(/^[\s.:,;\t|]*/, ' ').replace(joint, ' ');
		if (!isFirst && !isLast) bare = bare.replace(jointBehind, ' ');
		const parts = splitParts(bare);
		// “1 ana@x.test”: the number of a line.
		if (isFirst && /^\(?\d{1,6}[.):]*$/.test(parts[0] ?? '')) parts.shift();
		return { parts, startsApart, endsApart };
	});
	const people: Person[] = addresses.map(({ email }) => ({ ...nobody, email }));
	const isName = (part: string) => !isRoleLabel(part);
	const [before] = places;
	const tail = places.at(-1);
	const between = places.slice(1, -1);
	// Names stand behind the addresses where none is before the first.
	const isBehind =
		!before?.parts.some(isName) &&
		((tail?.parts.some(isName) ?? false) ||
			between.some(
				({ parts, startsApart, endsApart }, at) =>
					parts.length > 0 && !startsApart && (endsApart || !addresses[at + 1]?.isBracketed)
			));
	for (const [at, { parts, startsApart, endsApart }] of places.entries()) {
		const [last, next] = [people[at - 1], people[at]];
		if (parts.length === 0) continue;
		if (!last && next) describe(next, parts, endsApart);
		else if (last && (!next || (isBehind && (endsApart || parts.length === 1))))
			describe(last, parts, startsApart);
		else if (last && next) {
			const label = startsApart && parts[0] && isRoleLabel(parts[0]) ? parts.shift() : undefined;
			// “ana@x.test Ana Lind, Pat Berg pat@x.test”: the first is of the one before.
			const own = label ?? (!startsApart && parts.length > 1 ? parts.shift() : undefined);
			if (own) describe(last, [own], false);
			if (parts.length > 0) describe(next, parts, endsApart);
		}
	}
	// One person with a further address, or two people of whom one has no name: somebody has to say which.
	const [first] = people;
	const isRow =
		!isAlone &&
		!addresses.some(({ isBracketed }) => isBracketed) &&
		places.some(({ parts, endsApart, startsApart }) => parts.length > 0 && (endsApart || startsApart));
	if (first && isRow && people.some(hasName) && !people.every(hasName)) {
		const named = people.find(hasName) ?? first;
		const role = people
			.map((one) => one.role)
			.filter(Boolean)
			.join(', ');
		const others = people
			.filter((one) => one !== named && hasName(one))
			.map((one) => `${one.firstName} ${one.lastName}`.trim());
		if (others.length === 0)
			return [
				{ ...named, role, reason: findReason(role), email: people.map(({ email }) => email).join(', ') }
			];
	}
	return people.map((person) => ({ ...person, reason: findReason(person.role) }));
}

const hasName = ({ firstName, lastName }: Person) => Boolean(firstName || lastName);

/** The people of cells without headings: the address shows itself, so does a role, and names come in their order. */
export function guessPeople(cells: string[]): Person[] {
	const texts = cells.map(tidy).filter(Boolean);
	// A number in front counts the rows.
	if (texts.length > 2 && /^\(?\d{1,6}[.):]?$/.test(texts[0] ?? '')) texts.shift();
	const held = findAddresses(texts.join('\t'));
	if (texts.length === 1 || held.length > 1) {
		const quoted = texts.map((text) =>
			/[,;|]/.test(text) && !holdsAddress(text) ? `"${text.replaceAll('"', '')}"` : text
		);
		const people = readRecipients(quoted.join('\t'), texts.length === 1);
		if (people) return people;
	}
	const address = texts.findIndex(holdsAddress);
	if (address < 0) {
		const [firstName = '', lastName = '', email = '', ...others] = texts;
		return [
			{ ...nobody, firstName: trimName(firstName) || firstName, lastName, email, role: others.join(', ') }
		];
	}
	// “Ana Lind <ana@x.test>” in a cell of its own.
	const [inside] = readRecipients(texts[address] ?? '', true) ?? [];
	const [before, after] = [texts.slice(0, address), texts.slice(address + 1)].map((part) =>
		part.map(trimName).filter(Boolean)
	);
	const names = [...(before ?? [])];
	if (inside && hasName(inside)) names.push(`${inside.firstName} ${inside.lastName}`.trim());
	const isOfNames = (text: string) => /\p{L}/u.test(text) && !/\d{3}/.test(text);
	const others = [...names.filter((text) => !isOfNames(text)), inside?.role ?? ''];
	const own = names.filter((text) => isOfNames(text) && !(names.length > 1 && isRoleLabel(text)));
	others.push(...names.filter((text) => isOfNames(text) && !own.includes(text)));
	for (const text of after ?? []) {
		// What follows two names and the address is meant as a role, whether it is one or not.
		if (isRoleLabel(text) || !isOfNames(text) || own.length > 1 || (before?.length ?? 0) > 1)
			others.push(text);
		else own.push(text);
	}
	const [one = '', ...more] = own;
	const [name, remark] = remarkOf(one);
	const role = [...others, remark ?? ''].filter(Boolean).join(', ').slice(0, longestName);
	const person = {
		...nobody,
		email: inside?.email ?? cleanAddress(texts[address] ?? ''),
		role,
		reason: findReason(role)
	};
	return [
		more.length > 0
			? { ...person, firstName: name, lastName: more.join(' ') }
			: { ...person, ...splitName(name) }
	];
}
