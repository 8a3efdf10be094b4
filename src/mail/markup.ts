import { SaxesParser, type SaxesTagPlain } from 'saxes';
import {
	escape,
	readAttributes,
	readVariables,
	unknown,
	variablePattern,
	type Place,
	type VariableKind
} from './markup-values.ts';

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

const deepest = 20;
const maxProblems = 100;
/** An e-mail has some dozens; MJML takes its time for each. */
const maxElements = 400;
const names = { nbsp: '\u00a0', ndash: '–', mdash: '—', hellip: '…', copy: '©', euro: '€', bull: '•' };

const breaksOf = (text: string) => text.split('\n').length - 1;

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

/** How far a text has been read. */
interface Reading {
	place: Place;
	problems: Problem[];
	root: Open;
	/** What is open, the body itself first. */
	stack: Open[];
	/** What was closed last. */
	last: Open;
	used: Set<string>;
	condition: { name: string; line: number; parent: Open } | null;
	/** Where the tag begins that is being read. */
	tagLine: number;
	elements: number;
	parts: ReadonlyMap<string, string>;
}

function begin(variables: Place['variables'], parts: Reading['parts']): Reading {
	const problems: Problem[] = [];
	const told = new Set<string>();
	const root: Open = { tag: '', line: 1, attributes: '', href: '', inside: '', breaks: 0 };
	const reading: Reading = {
		problems,
		root,
		stack: [root],
		last: root,
		used: new Set(),
		condition: null,
		tagLine: 1,
		elements: 0,
		parts,
		place: {
			variables,
			report(line, message) {
				// Nobody reads on behind these, and a text may be wrong in each of its letters.
				if (problems.length >= maxProblems || told.has(`${line} ${message}`)) return;
				told.add(`${line} ${message}`);
				problems.push({ line, message });
			},
			// What is there only with a value may be missing.
			use: (name) => void (reading.condition || reading.used.add(name))
		}
	};
	return reading;
}

const topOf = ({ stack, root }: Reading) => stack.at(-1) ?? root;

function openTag(reading: Reading, { name: tag, attributes: given }: SaxesTagPlain, line: number): void {
	const { stack, place, tagLine } = reading;
	const { report } = place;
	const parent = topOf(reading).tag;
	const allowed = parent ? (contents[stack[1]?.tag ?? ''] ?? []) : Object.keys(contents);
	if (!allowed.includes(tag)) report(tagLine, misplaced(tag, parent));
	if (stack.length > deepest) report(tagLine, 'Here is more inside each other than mail programs show.');
	reading.elements += 1;
	if (reading.elements > maxElements) report(1, `The text has more than ${maxElements} elements.`);
	if (tag === 'part-button' && !given.href) report(tagLine, '<part-button> needs an href.');
	stack.push({
		tag,
		line: tagLine,
		attributes: readAttributes(place, tag, given, tagLine),
		href: escape((given.href ?? '').trim().replace(variablePattern, '{{$1}}')),
		inside: '',
		breaks: line - tagLine
	});
}

function closeTag(reading: Reading): void {
	const open = reading.stack.pop();
	if (!open || open === reading.root) return;
	// What is wrong anyhow isn't written: each part around it would have to copy it once more.
	if (reading.problems.length === 0) topOf(reading).inside += write(open, reading.parts);
	reading.last = open;
}

/** @param endLine where the text ends. */
function readText(reading: Reading, text: string, endLine: number): void {
	const { report } = reading.place;
	const line = endLine - breaksOf(text);
	if (!topOf(reading).tag && text.trim())
		report(line + breaksOf(text.slice(0, text.search(/\S/))), 'Text belongs into <mj-text>.');
	for (const [index, piece] of text.split('\n').entries()) {
		if (/:\/\/|\bwww\./i.test(piece))
			report(line + index, 'Addresses are written with variables, such as {{portalUrl}}.');
	}
	topOf(reading).inside += escape(readVariables(reading.place, text, line));
}

/** Comments are kept where they begin or end a passage. */
function readComment(reading: Reading, comment: string, endLine: number): void {
	const { variables, report } = reading.place;
	const line = endLine - breaksOf(comment);
	const parent = topOf(reading);
	const [, name] = /^\s*if (\w+)\s*$/.exec(comment) ?? [];
	let kept = '';
	if (name !== undefined) {
		if (reading.condition) report(line, 'An “if” can’t stand inside another one.');
		if (!variables.has(name)) report(line, unknown(name, variables));
		reading.condition = { name, line, parent };
		kept = `<!-- if ${name} -->`;
	} else if (comment.trim() === 'end') {
		if (reading.condition?.parent !== parent) report(line, 'This “end” ends no “if” beside it.');
		reading.condition = null;
		kept = '<!-- end -->';
	}
	parent.inside += kept + '\n'.repeat(breaksOf(comment));
}

function readError({ last, place: { report } }: Reading, message: string, line: number): void {
	const said = message.replace(/^\d+:\d+: /, '');
	// What is open at the end is told there, with the line where it was opened.
	if (said.startsWith('unclosed tag')) return;
	if (said === 'unexpected close tag.') return report(last.line, unclosed(last.tag));
	const [, tag] = /^unmatched closing tag: (.+)\.$/.exec(said) ?? [];
	report(line, tag ? `</${tag}> closes nothing.` : inWords(said));
}

/** The text as XML has it; an ampersand that stands for itself is a problem. */
function writeAmpersands(source: string, { report }: Place): string {
	const lines = source.split('\n').map((text, index) =>
		text.replace(/&(?!(#\d+|#x[\da-f]+|\w+);)/gi, () => {
			report(index + 1, 'Write &amp; for “&”.');
			return '&amp;';
		})
	);
	return lines.join('\n');
}

/** What is still open, and what is missing. */
function finish({ stack, condition, used, place: { report } }: Reading, required: readonly string[]): void {
	for (const open of stack.slice(1)) report(open.line, unclosed(open.tag));
	if (condition) report(condition.line, `“if ${condition.name}” has no “end”.`);
	for (const name of required) {
		if (used.has(name)) continue;
		report(
			1,
			`{{${name}}} is missing: without it the message is of no use. It has to stand outside an “if”.`
		);
	}
}

/** @throws never: what can’t be understood is a problem with its line. */
export function readMarkup(
	source: string,
	variables: ReadonlyMap<string, VariableKind>,
	required: readonly string[],
	parts: ReadonlyMap<string, string>
): Markup {
	const reading = begin(variables, parts);
	const { report } = reading.place;
	const parser = new SaxesParser({ fragment: true, position: true, xmlns: false });
	Object.assign(parser.ENTITIES, names);
	parser.on('opentagstart', () => (reading.tagLine = parser.line));
	parser.on('opentag', (tag) => openTag(reading, tag, parser.line));
	parser.on('closetag', () => closeTag(reading));
	parser.on('text', (text) => readText(reading, text, parser.line));
	parser.on('comment', (comment) => readComment(reading, comment, parser.line));
	parser.on('cdata', () => report(parser.line, 'CDATA isn’t taken here.'));
	parser.on('doctype', () => report(parser.line, 'A document type isn’t taken here.'));
	parser.on('processinginstruction', () => report(parser.line, 'Instructions (<? … ?>) aren’t taken here.'));
	parser.on('error', ({ message }) => readError(reading, message, parser.line));
	parser.write(writeAmpersands(source, reading.place)).close();
	finish(reading, required);
	const problems = reading.problems.toSorted((one, other) => one.line - other.line);
	return { problems, mjml: reading.root.inside };
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
