import { readdir, readFile } from 'node:fs/promises';
import { convert } from 'html-to-text';
import { lightenFor } from '#lib/colors.ts';
import { isolate } from '#lib/direction.ts';
import { catalogue, isEmailName, type EmailName } from '../../emails/catalogue.ts';
import { readMarkup, type Markup, type Problem } from './markup.ts';
import type { VariableKind } from './markup-values.ts';
import { makeHtml } from './mjml.ts';
import { remember } from '#lib/remembered.ts';

const folder = new URL('../../emails/', import.meta.url);

/** How all e-mails look. */
export interface Look {
	accentColor: string;
	/** Lines below every message. */
	footer: string;
	/** `data` in base64; `width` as it is shown. */
	logo: { type: string; data: string; width: number } | null;
}

export const defaultLook: Look = { accentColor: '#4f46e5', footer: '', logo: null };

/** What a template may use besides its own props. */
export interface MailPortal {
	name: string;
	/** Whom people may write to; empty when nobody is named. */
	supportEmail: string;
	/** The configured origin: links are never built from what a request says. */
	origin: string;
	look?: Look;
}

/** What a portal admin can change of an e-mail. */
export interface Template {
	subject: string;
	body: string;
}

const builtIn = new Map<EmailName, Promise<Template>>();

/** The e-mail as Portico brings it. */
export function getBuiltIn(name: EmailName): Promise<Template> {
	return remember(builtIn, name, async () => ({
		subject: catalogue[name].subject,
		body: await readFile(new URL(`${name}.mjml`, folder), 'utf8')
	}));
}

const read = new Map<'parts', Promise<ReadonlyMap<string, string>>>();

/** `part-button` → what stands in its place. */
function getParts(): Promise<ReadonlyMap<string, string>> {
	return remember(read, 'parts', async () => {
		const files = await readdir(new URL('parts/', folder));
		const parts = files.map(async (file): Promise<[string, string]> => [
			`part-${file.replace('.mjml', '')}`,
			(await readFile(new URL(`parts/${file}`, folder), 'utf8')).trimEnd()
		]);
		return new Map(await Promise.all(parts));
	});
}

const commonVariables = ['portalName', 'portalUrl', 'supportEmail'];
/** Links to places that people also find without the message. Every other link is what the message is for. */
const findable = new Set([
	'applicationUrl',
	'organizationUrl',
	'profileUrl',
	'reviewUrl',
	'signInUrl',
	'usersUrl',
	'portalUrl'
]);

/** The variables of an e-mail; what a name ends with says where it may stand. */
export function variablesOf(name: EmailName): Map<string, VariableKind> {
	const own = [...Object.keys(catalogue[name].props.shape), ...commonVariables];
	return new Map(
		own.map((one) => [one, one.endsWith('Url') ? 'url' : one.endsWith('Email') ? 'email' : 'text'])
	);
}

/** The variables without which the e-mail must not be saved. */
export function requiredOf(name: EmailName): string[] {
	return Object.keys(catalogue[name].props.shape).filter((one) => one.endsWith('Url') && !findable.has(one));
}

interface Compiled {
	problems: Problem[];
	/** With its {{variables}} still in it, so that no value is ever read as MJML. */
	html: string;
}

const compiled = new Map<string, Promise<Compiled>>();
const compiledAtMost = 100;

/** Compiles the text once for each look. */
export function compile(name: EmailName, body: string, look: Look): Promise<Compiled> {
	const key = JSON.stringify([name, body, look.accentColor, look.logo?.width]);
	if (!compiled.has(key) && compiled.size >= compiledAtMost)
		compiled.delete(compiled.keys().next().value ?? '');
	return remember(compiled, key, () => compileAnew(name, body, look));
}

async function compileAnew(name: EmailName, body: string, look: Look): Promise<Compiled> {
	const parts = await getParts();
	const markup: Markup = readMarkup(body, variablesOf(name), requiredOf(name), parts);
	if (markup.problems.length > 0) return { problems: markup.problems, html: '' };
	const fields: Record<string, string> = {
		accent: look.accentColor,
		accentOnDark: lightenFor(look.accentColor, '#18181b'),
		width: String(look.logo?.width ?? 0)
	};
	const put = (text: string) =>
		text.replace(/\[\[(\w+)\]\]/g, (whole, field: string) => fields[field] ?? whole);
	const layout = put(parts.get('part-layout') ?? '').replace('[[brand]]', () =>
		put(parts.get(look.logo ? 'part-logo' : 'part-name') ?? '')
	);
	const linesBefore = layout.split('[[content]]')[0]?.split('\n').length ?? 1;
	const { html, errors } = await makeHtml(layout.replace('[[content]]', () => markup.mjml));
	const lines = body.split('\n').length;
	const problems = errors.map(({ line, message }) => ({
		line: Math.min(Math.max(1, line - linesBefore + 1), lines),
		message
	}));
	return { problems, html };
}

const entities: Record<string, string> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
	'\n': '<br />'
};
/** Control characters and those that turn the direction around are never part of what somebody means to say. */
const unseen = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const escapeHtml = (text: string) =>
	text.replace(unseen, '').replace(/[&<>"'\n]/g, (one) => entities[one] ?? one);

type Values = ReadonlyMap<string, string>;

/**
 * One pass: what a value contains is never filled in again. What is empty takes the space before it along, so that
 * whoever has given no name is greeted with “Hello,”.
 */
const fill = (template: string, values: Values, write: (text: string) => string) =>
	template.replace(/( ?)\{\{(\w+)\}\}/g, (_, space: string, name: string) => {
		const value = values.get(name) ?? '';
		return value ? space + write(value) : '';
	});

const eachLine = (keepApart: (line: string) => string) => (html: string) =>
	html.split('<br />').map(keepApart).join('<br />');
const isolateLines = eachLine(isolate);
const markLines = eachLine((line) => `<bdi>${line}</bdi>`);

/** What is in a tag or in the title, where no element can stand. */
const withoutElements = /<title>.*?<\/title>|<[^<>]*>/gs;

/** As `fill`; texts are isolated, so that a name that is read from right to left moves nothing beside it. */
function fillHtml(template: string, name: EmailName, values: Values, inText: (html: string) => string) {
	const kinds = variablesOf(name);
	const texts = new Map(
		[...values].map(([variable, value]) => {
			const written = escapeHtml(value);
			const isText = (kinds.get(variable) ?? 'text') === 'text' && written !== '';
			return [variable, isText ? inText(written) : written];
		})
	);
	let at = 0;
	let html = '';
	for (const { 0: tag, index } of template.matchAll(withoutElements)) {
		html += fill(template.slice(at, index), texts, String) + fill(tag, values, escapeHtml);
		at = index + tag.length;
	}
	return html + fill(template.slice(at), texts, String);
}

/** Leaves out the parts between `if name` and `end` whose value is empty. */
const dropEmpty = (html: string, values: Values) =>
	html.replace(/<!-- if (\w+) -->([\s\S]*?)<!-- end -->/g, (_, name: string, part: string) =>
		values.get(name) ? part : ''
	);

const valuesOf = (name: EmailName, props: object, portal: MailPortal): Values =>
	new Map<string, string>([
		...Object.entries(catalogue[name].props.parse(props) as Record<string, string>),
		['portalName', portal.name],
		['portalUrl', portal.origin],
		['supportEmail', portal.supportEmail]
	]);

/** A header line: nothing in it can begin another one. */
export const oneLine = (text: string) =>
	text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu, ' ').trim();

/**
 * The subject alone, of the default or of the given one.
 * @throws {ZodError} when the props are not those of the e-mail.
 */
export function renderSubject(
	name: EmailName,
	props: object,
	portal: MailPortal,
	subject: string = catalogue[name].subject
): string {
	const line = (text: string) => isolate(oneLine(text));
	return fill(oneLine(subject), valuesOf(name, props, portal), line)
		.slice(0, 200)
		.trim();
}

/** A picture that travels with the message: no mail program has to load it from anywhere. */
export interface Attachment {
	cid: string;
	filename: string;
	contentType: string;
	content: Buffer;
	contentDisposition: 'inline';
}

const logoCid = 'logo@portico';

interface Rendered {
	subject: string;
	html: string;
	text: string;
	attachments: Attachment[];
}

/**
 * The e-mail in both forms: the default, or the given text.
 * @param testNote stands above a message that was sent to try it.
 * @throws {ZodError} when the props are not those of the e-mail.
 * @throws {Error} when there is no such e-mail, or its template is not right.
 */
export async function renderEmail(
	name: string,
	props: object,
	portal: MailPortal,
	template?: Template,
	testNote = ''
): Promise<Rendered> {
	if (!isEmailName(name)) throw new Error(`There is no e-mail ${name}.`);
	const { subject, body } = template ?? (await getBuiltIn(name));
	const look = portal.look ?? defaultLook;
	const { html: source, problems } = await compile(name, body, look);
	const [problem] = problems;
	if (problem) throw new Error(`The e-mail ${name} is not right in line ${problem.line}: ${problem.message}`);
	const values = new Map([...valuesOf(name, props, portal), ['footer', look.footer], ['testNote', testNote]]);
	const filled = dropEmpty(source, values);
	const html = fillHtml(filled, name, values, markLines);
	const text = convert(fillHtml(filled, name, values, isolateLines), {
		wordwrap: 78,
		selectors: [
			// The address follows the button's text here anyhow.
			{ selector: '.fallback', format: 'skip' },
			// No brackets: some mail programs take the closing one for a part of the address.
			{ selector: 'a', options: { hideLinkHrefIfSameAsText: true, noAnchorUrl: true, linkBrackets: false } },
			{ selector: 'img', format: 'skip' },
			{ selector: '*', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } }
		]
	});
	return {
		subject: renderSubject(name, props, portal, subject),
		html,
		text: text.replace(/\n{3,}/g, '\n\n').trim(),
		attachments: look.logo
			? [
					{
						cid: logoCid,
						filename: look.logo.type === 'image/png' ? 'logo.png' : 'logo.jpg',
						contentType: look.logo.type,
						content: Buffer.from(look.logo.data, 'base64'),
						contentDisposition: 'inline'
					}
				]
			: []
	};
}

/** For a page that shows a message: with the pictures that it would bring along. */
export function showAttachments(html: string, attachments: readonly Attachment[]): string {
	return attachments.reduce(
		(shown, { cid, contentType, content }) =>
			shown.replaceAll(`src="cid:${cid}"`, `src="data:${contentType};base64,${content.toString('base64')}"`),
		html
	);
}
