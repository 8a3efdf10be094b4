/** What stands in the texts and attributes of an e-mail's body; see markup.ts. */

export type VariableKind = 'text' | 'url' | 'email';

/** Where a value stands, and who hears what is wrong with it. */
export interface Place {
	variables: ReadonlyMap<string, VariableKind>;
	report: (line: number, message: string) => void;
	/** Told of each variable that there is. */
	use: (name: string) => void;
}

/** Attributes of HTML; those of MJML are MJML's to judge, but what they hold is looked at here. */
const attributes: Record<string, readonly string[]> = {
	a: ['href', 'style'],
	td: ['align', 'colspan', 'rowspan', 'width', 'style'],
	th: ['align', 'colspan', 'rowspan', 'width', 'style'],
	ol: ['start', 'style'],
	'part-button': ['href'],
	'part-title': [],
	'part-note': [],
	'part-quote': []
};

const properties =
	/^(color|background-color|font-(size|weight|style)|text-(align|decoration|transform)|line-height|letter-spacing|white-space|(padding|margin)(-(top|right|bottom|left))?|border(-(top|right|bottom|left))?(-(color|width|style|radius|collapse))?|width|vertical-align)$/;
/** MJML copies what it has of an element for each attribute more. */
const maxAttributes = 30;
const plainValue = /^[\w\s#%.,()'+/-]*$/;

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escape = (text: string) => text.replace(/[&<>"]/g, (one) => escapes[one] ?? one);
export const variablePattern = /\{\{\s*(\w+)\s*\}\}/g;

/** The text with its variables in one spelling. */
export function readVariables({ variables, report, use }: Place, text: string, line: number): string {
	for (const [index, piece] of text.split('\n').entries()) {
		const here = line + index;
		for (const [, name = ''] of piece.matchAll(variablePattern)) {
			if (!variables.has(name)) report(here, unknown(name, variables));
			else use(name);
		}
		if (/\{\{|\}\}/.test(piece.replace(variablePattern, '')))
			report(here, 'Two braces begin and end a variable, such as {{portalName}}. This one is not whole.');
	}
	return text.replace(variablePattern, '{{$1}}');
}

function readHref(place: Place, tag: string, value: string, line: number): string {
	const address = readVariables(place, value.trim(), line);
	const [, name = '', rest = ''] = /^(?:mailto:)?\{\{(\w+)\}\}(.*)$/s.exec(address) ?? [];
	const kind = place.variables.get(name);
	const isMail = address.startsWith('mailto:');
	const isRight = isMail
		? kind === 'email' && rest === ''
		: kind === 'url' && (rest === '' || (name === 'portalUrl' && /^\/(?!\/)[\w/?=&.,~%+#-]*$/.test(rest)));
	if (!isRight) {
		place.report(
			line,
			`A link of <${tag}> leads to the portal alone: a variable such as {{portalUrl}}, a path after {{portalUrl}}, or mailto: with the variable of an address.`
		);
	}
	return address;
}

export function readAttributes(
	place: Place,
	tag: string,
	given: Record<string, string>,
	line: number
): string {
	const { report } = place;
	let written = '';
	if (Object.keys(given).length > maxAttributes) {
		report(line, `<${tag}> has more than ${maxAttributes} attributes.`);
		return written;
	}
	for (const [name, value] of Object.entries(given)) {
		const known = attributes[tag] ?? (tag.startsWith('mj-') ? null : ['style']);
		if (known ? !known.includes(name) : /^(on|src|background-url)/i.test(name)) {
			report(line, `<${tag}> can’t have ${name}.`);
		} else if (name === 'href') {
			written += ` href="${escape(readHref(place, tag, value, line))}"`;
		} else if (name === 'style') {
			written += ` style="${escape(readStyle(place, tag, value, line))}"`;
		} else {
			if (!plainValue.test(value) || /url\s*\(/i.test(value))
				report(line, `${name} of <${tag}> has a value that isn’t taken here.`);
			written += ` ${name}="${escape(value)}"`;
		}
	}
	return written;
}

function readStyle({ report }: Place, tag: string, style: string, line: number): string {
	for (const declaration of style.split(';')) {
		if (!declaration.trim()) continue;
		const [property = '', ...rest] = declaration.split(':');
		const value = rest.join(':');
		if (!properties.test(property.trim()) || !plainValue.test(value) || /url\s*\(/i.test(value))
			report(line, `The style “${declaration.trim()}” of <${tag}> isn’t taken here.`);
	}
	return style;
}

export function unknown(name: string, variables: ReadonlyMap<string, VariableKind>): string {
	return `This message has no {{${name}}}. It has ${[...variables.keys()].join(', ')}.`;
}
