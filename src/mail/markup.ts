import { SaxesParser, type SaxesTagPlain } from 'saxes';

/**
 * The language of an e-mail's body: the MJML that fits into a column, a little HTML for texts, parts of our own
 * (`<part-button href="{{acceptUrl}}">`), `{{variables}}`, and passages that are there only with a value:
 * `<!-- if reason -->…<!-- end -->`.
 *
 * It is read strictly and written anew from what was understood, so that MJML, which lets much pass, never sees what
 * an admin typed: no scripts, forms, styles sheets, frames, includes, images or links to elsewhere. Line breaks stay
 * where they were, so that what MJML itself complains of has the line of the text.
 */

/** What is wrong with a text and where; lines count from 1. */
export interface Problem {
	line: number;
	message: string;
}

export interface Markup {
	problems: Problem[];
	/** The body with its parts put in, for the layout. */
	mjml: string;
}

export type VariableKind = 'text' | 'url' | 'email';

const inline = ['a', 'b', 'strong', 'i', 'em', 'u', 's', 'br', 'span', 'small', 'sub', 'sup', 'code'];
const blocks = ['p', 'ul', 'ol', 'li', 'blockquote', 'h1', 'h2', 'h3', 'hr'];
const table = ['tr', 'td', 'th', 'thead', 'tbody'];

/** What may stand directly in the body, and what inside it. */
const contents: Record<string, readonly string[]> = {
	'mj-text': [...inline, ...blocks],
	'mj-button': inline.filter((tag) => tag !== 'a'),
	'mj-table': [...inline, ...blocks, ...table],
	'mj-divider': [],
	'mj-spacer': [],
	'part-title': inline.filter((tag) => tag !== 'a'),
	'part-button': inline.filter((tag) => tag !== 'a'),
	'part-note': inline,
	'part-quote': inline
};
const empty = new Set(['br', 'hr']);

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
const deepest = 20;
const maxProblems = 100;
/** An e-mail has some dozens; MJML takes its time for each. */
const maxElements = 400;
const maxAttributes = 30;
const plainValue = /^[\w\s#%.,()'+/-]*$/;
const names = { nbsp: '\u00a0', ndash: '–', mdash: '—', hellip: '…', copy: '©', euro: '€', bull: '•' };

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text: string) => text.replace(/[&<>"]/g, (one) => escapes[one] ?? one);
const breaksOf = (text: string) => text.split('\n').length - 1;
const variablePattern = /\{\{\s*(\w+)\s*\}\}/g;

interface Open {
	tag: string;
	line: number;
	attributes: string;
	href: string;
	/** What has been written of the content. */
	inside: string;
	/** Line breaks inside the tag itself, which are put behind it. */
	breaks: number;
}

/** @throws never: what can’t be understood is a problem with its line. */
export function readMarkup(
	source: string,
	variables: ReadonlyMap<string, VariableKind>,
	required: readonly string[],
	parts: ReadonlyMap<string, string>
): Markup {
	const problems: Problem[] = [];
	const told = new Set<string>();
	const report = (line: number, message: string) => {
		// Nobody reads on behind these, and a text may be wrong in each of its letters.
		if (problems.length >= maxProblems || told.has(`${line} ${message}`)) return;
		told.add(`${line} ${message}`);
		problems.push({ line, message });
	};
	const root: Open = { tag: '', line: 1, attributes: '', href: '', inside: '', breaks: 0 };
	const stack: Open[] = [root];
	const top = () => stack.at(-1) ?? root;
	const used = new Set<string>();
	let condition: { name: string; line: number; parent: Open } | null = null;
	let tagLine = 1;
	let elements = 0;

	const parser = new SaxesParser({ fragment: true, position: true, xmlns: false });
	Object.assign(parser.ENTITIES, names);

	/** The text with its variables in one spelling. */
	function readVariables(text: string, line: number): string {
		for (const [index, piece] of text.split('\n').entries()) {
			const here = line + index;
			for (const [, name = ''] of piece.matchAll(variablePattern)) {
				if (!variables.has(name)) report(here, unknown(name, variables));
				else if (!condition) used.add(name);
			}
			if (/\{\{|\}\}/.test(piece.replace(variablePattern, '')))
				report(here, 'Two braces begin and end a variable, such as {{portalName}}. This one is not whole.');
		}
		return text.replace(variablePattern, '{{$1}}');
	}

	function readHref(tag: string, value: string, line: number): string {
		const address = readVariables(value.trim(), line);
		const [, name = '', rest = ''] = /^(?:mailto:)?\{\{(\w+)\}\}(.*)$/s.exec(address) ?? [];
		const kind = variables.get(name);
		const isMail = address.startsWith('mailto:');
		const isRight = isMail
			? kind === 'email' && rest === ''
			: kind === 'url' && (rest === '' || (name === 'portalUrl' && /^\/(?!\/)[\w/?=&.,~%+#-]*$/.test(rest)));
		if (!isRight) {
			report(
				line,
				`A link of <${tag}> leads to the portal alone: a variable such as {{portalUrl}}, a path after {{portalUrl}}, or mailto: with the variable of an address.`
			);
		}
		return address;
	}

	function readAttributes(tag: string, given: Record<string, string>, line: number): string {
		let written = '';
		// MJML copies what it has of an element for each attribute more.
		if (Object.keys(given).length > maxAttributes) {
			report(line, `<${tag}> has more than ${maxAttributes} attributes.`);
			return written;
		}
		for (const [name, value] of Object.entries(given)) {
			const known = attributes[tag] ?? (tag.startsWith('mj-') ? null : ['style']);
			if (known ? !known.includes(name) : /^(on|src|background-url)/i.test(name)) {
				report(line, `<${tag}> can’t have ${name}.`);
			} else if (name === 'href') {
				written += ` href="${escape(readHref(tag, value, line))}"`;
			} else if (name === 'style') {
				written += ` style="${escape(readStyle(tag, value, line))}"`;
			} else {
				if (!plainValue.test(value) || /url\s*\(/i.test(value))
					report(line, `${name} of <${tag}> has a value that isn’t taken here.`);
				written += ` ${name}="${escape(value)}"`;
			}
		}
		return written;
	}

	function readStyle(tag: string, style: string, line: number): string {
		for (const declaration of style.split(';')) {
			if (!declaration.trim()) continue;
			const [property = '', ...rest] = declaration.split(':');
			const value = rest.join(':');
			if (!properties.test(property.trim()) || !plainValue.test(value) || /url\s*\(/i.test(value))
				report(line, `The style “${declaration.trim()}” of <${tag}> isn’t taken here.`);
		}
		return style;
	}

	parser.on('opentagstart', () => (tagLine = parser.line));
	parser.on('opentag', (node: SaxesTagPlain) => {
		const { name: tag } = node;
		const parent = top().tag;
		const allowed = parent ? (contents[stack[1]?.tag ?? ''] ?? []) : Object.keys(contents);
		if (!allowed.includes(tag)) report(tagLine, misplaced(tag, parent));
		if (stack.length > deepest) report(tagLine, 'Here is more inside each other than mail programs show.');
		if (++elements > maxElements) report(1, `The text has more than ${maxElements} elements.`);
		const given = node.attributes;
		if (tag === 'part-button' && !given.href) report(tagLine, '<part-button> needs an href.');
		stack.push({
			tag,
			line: tagLine,
			attributes: readAttributes(tag, given, tagLine),
			href: escape((given.href ?? '').trim().replace(variablePattern, '{{$1}}')),
			inside: '',
			breaks: parser.line - tagLine
		});
	});
	parser.on('closetag', () => {
		const open = stack.pop();
		if (!open || open === root) return;
		// What is wrong anyhow isn't written: each part around it would have to copy it once more.
		if (problems.length === 0) top().inside += write(open, parts);
		last = open;
	});
	let last = root;
	let textLine = 1;
	parser.on('text', (text) => {
		textLine = parser.line - breaksOf(text);
		if (!top().tag && text.trim())
			report(textLine + breaksOf(text.slice(0, text.search(/\S/))), 'Text belongs into <mj-text>.');
		for (const [index, piece] of text.split('\n').entries()) {
			if (/:\/\/|\bwww\./i.test(piece))
				report(textLine + index, 'Addresses are written with variables, such as {{portalUrl}}.');
		}
		top().inside += escape(readVariables(text, textLine));
	});
	parser.on('comment', (comment) => {
		const line = parser.line - breaksOf(comment);
		const [, name] = /^\s*if (\w+)\s*$/.exec(comment) ?? [];
		const isEnd = comment.trim() === 'end';
		let kept = '';
		if (name !== undefined) {
			if (condition) report(line, 'An “if” can’t stand inside another one.');
			if (!variables.has(name)) report(line, unknown(name, variables));
			condition = { name, line, parent: top() };
			kept = `<!-- if ${name} -->`;
		} else if (isEnd) {
			if (condition?.parent !== top()) report(line, 'This “end” ends no “if” beside it.');
			condition = null;
			kept = '<!-- end -->';
		}
		top().inside += kept + '\n'.repeat(breaksOf(comment));
	});
	parser.on('cdata', () => report(parser.line, 'CDATA isn’t taken here.'));
	parser.on('doctype', () => report(parser.line, 'A document type isn’t taken here.'));
	parser.on('processinginstruction', () => report(parser.line, 'Instructions (<? … ?>) aren’t taken here.'));
	parser.on('error', (error) => {
		const said = error.message.replace(/^\d+:\d+: /, '');
		// What is open at the end is told below, with the line where it was opened.
		if (said.startsWith('unclosed tag')) return;
		if (said === 'unexpected close tag.') return report(last.line, unclosed(last.tag));
		const [, tag] = /^unmatched closing tag: (.+)\.$/.exec(said) ?? [];
		report(parser.line, tag ? `</${tag}> closes nothing.` : inWords(said));
	});
	const withAmpersands = source.split('\n').map((text, index) =>
		text.replace(/&(?!(#\d+|#x[\da-f]+|\w+);)/gi, () => {
			report(index + 1, 'Write &amp; for “&”.');
			return '&amp;';
		})
	);
	parser.write(withAmpersands.join('\n')).close();

	for (const open of stack.slice(1)) report(open.line, unclosed(open.tag));
	const waiting = condition as { name: string; line: number } | null;
	if (waiting) report(waiting.line, `“if ${waiting.name}” has no “end”.`);
	for (const name of required) {
		if (!used.has(name))
			report(
				1,
				`{{${name}}} is missing: without it the message is of no use. It has to stand outside an “if”.`
			);
	}
	return { problems: problems.toSorted((one, other) => one.line - other.line), mjml: root.inside };
}

/** An element as MJML: a part takes the place of its tag. Line breaks stay as many as they were. */
function write(open: Open, parts: ReadonlyMap<string, string>): string {
	const { tag, inside, breaks } = open;
	const part = parts.get(tag);
	if (part === undefined) {
		const whole = empty.has(tag)
			? `<${tag}${open.attributes} />`
			: `<${tag}${open.attributes}>${inside}</${tag}>`;
		return whole + '\n'.repeat(breaks);
	}
	const values: Record<string, string> = { href: open.href, content: inside };
	const written = part
		.replaceAll('\n', '')
		.replace(/\[\[(\w+)\]\]/g, (_, name: string) => values[name] ?? '');
	return written + '\n'.repeat(Math.max(0, breaks + breaksOf(inside) - breaksOf(written)));
}

const unclosed = (tag: string) =>
	empty.has(tag) ? `<${tag}> isn’t closed: write <${tag} />.` : `<${tag}> isn’t closed by </${tag}>.`;

function unknown(name: string, variables: ReadonlyMap<string, VariableKind>): string {
	return `This message has no {{${name}}}. It has ${[...variables.keys()].join(', ')}.`;
}

function misplaced(tag: string, parent: string): string {
	if (tag === 'mj-include') return '<mj-include> isn’t taken: a message reads no files.';
	if (!parent) return `<${tag}> can’t stand here. Use ${Object.keys(contents).join(', ')}.`;
	return `<${tag}> can’t stand inside <${parent}>.`;
}

function inWords(said: string): string {
	if (said.includes('entity')) return 'There is no such entity. Write &amp; for “&”.';
	if (said.includes('disallowed character'))
		return 'There is a character here that can’t be read. Write &lt; for “<”.';
	if (said === 'unexpected end.') return 'The text ends inside a tag.';
	return `This can’t be read: ${said}`;
}
