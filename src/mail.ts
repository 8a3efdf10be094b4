import { readFile } from 'node:fs/promises';
import { convert } from 'html-to-text';
import mjml from 'mjml';
import { catalogue, isEmailName, type EmailName } from '../emails/catalogue.ts';

const folder = new URL('../emails/', import.meta.url);

/** What a template may use besides its own props. */
export interface Brand {
	name: string;
	/** Whom people may write to; empty when nobody is named. */
	supportEmail: string;
	/** The configured origin: links are never built from what a request says. */
	origin: string;
}

const compiled = new Map<EmailName, Promise<string>>();

/** The e-mail as HTML with its {{variables}} still in it, so that no value is ever read as MJML. */
function compile(name: EmailName): Promise<string> {
	const known = compiled.get(name) ?? compileOnce(name);
	compiled.set(name, known);
	return known;
}

async function compileOnce(name: EmailName): Promise<string> {
	const [layout, body] = await Promise.all(
		['parts/layout', name].map((file) => readFile(new URL(`${file}.mjml`, folder), 'utf8'))
	);
	const source = (layout ?? '').replace('<!-- body -->', () => body ?? '');
	const { html } = await mjml(source, {
		validationLevel: 'strict',
		// By itself MJML has known fonts loaded from Google, who would hear of everybody who opens a message.
		fonts: {},
		ignoreIncludes: true,
		keepComments: true
	});
	const common = ['portalName', 'portalUrl', 'supportEmail'];
	const allowed = new Set([...Object.keys(catalogue[name].props.shape), ...common]);
	for (const [, variable = ''] of html.matchAll(/\{\{(\w*)\}\}/g)) {
		if (!allowed.has(variable)) throw new Error(`The e-mail ${name} uses {{${variable}}}, which it has not.`);
	}
	return html;
}

const entities: Record<string, string> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;'
};
const escapeHtml = (text: string) =>
	text.replace(/[&<>"']/g, (one) => entities[one] ?? one).replace(/\r?\n/g, '<br />');

type Values = ReadonlyMap<string, string>;

/** One pass: what a value contains is never filled in again. */
const fill = (template: string, values: Values, write: (text: string) => string) =>
	template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => write(values.get(name) ?? ''));

/** Leaves out the parts between `if name` and `end` whose value is empty. */
const dropEmpty = (html: string, values: Values) =>
	html.replace(/<!-- if (\w+) -->([\s\S]*?)<!-- end -->/g, (_, name: string, part: string) =>
		values.get(name) ? part : ''
	);

const valuesOf = (name: EmailName, props: object, portal: Brand): Values =>
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
 * The subject alone.
 * @throws {ZodError} when the props are not those of the e-mail.
 */
export function renderSubject(name: EmailName, props: object, portal: Brand): string {
	return oneLine(fill(catalogue[name].subject, valuesOf(name, props, portal), String)).slice(0, 200);
}

/**
 * The e-mail in both forms.
 * @throws {ZodError} when the props are not those of the e-mail.
 * @throws {Error} when there is no such e-mail, or its template is not right.
 */
export async function renderEmail(
	name: string,
	props: object,
	portal: Brand
): Promise<{ subject: string; html: string; text: string }> {
	if (!isEmailName(name)) throw new Error(`There is no e-mail ${name}.`);
	const values = valuesOf(name, props, portal);
	const html = fill(dropEmpty(await compile(name), values), values, escapeHtml);
	const text = convert(html, {
		wordwrap: 78,
		selectors: [
			// No brackets: some mail programs take the closing one for a part of the address.
			{ selector: 'a', options: { hideLinkHrefIfSameAsText: true, noAnchorUrl: true, linkBrackets: false } },
			{ selector: 'img', format: 'skip' },
			{ selector: '*', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } }
		]
	});
	return {
		subject: renderSubject(name, props, portal),
		html,
		text: text.replace(/\n{3,}/g, '\n\n').trim()
	};
}
