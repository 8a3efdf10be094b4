import type { Selectable } from 'kysely';
import { sayNumber } from '#lib/numbers.ts';
import { emailLabel } from '#lib/views.ts';
import { catalogue, isEmailName, type EmailName } from '../../emails/catalogue.ts';
import { sampleUrl } from '../../emails/variables.ts';
import type { Db } from '../database/database.ts';
import { compile, defaultLook, getBuiltIn, oneLine, renderEmail, variablesOf } from './compose.ts';
import type { MailPortal, Look, Template } from './compose.ts';
import type { Problem } from './markup.ts';
import type { Tables } from '../database/tables.ts';

/** What portal admins have made of the e-mails: their versions, and how all of them look. */

/** The newest version of an e-mail's text, where there is one; see {@link templateOf}. */
export const selectNewest = (db: Db, name: string) =>
	db
		.selectFrom('emailTemplate')
		.select(['version', 'subject', 'body'])
		.where('name', '=', name)
		.orderBy('version', 'desc')
		.limit(1);
type Version = Awaited<ReturnType<ReturnType<typeof selectNewest>['executeTakeFirst']>>;

/** The text of a version: the newest, or the one with this number. Version 0 is the text that Portico brings. */
export async function getTemplate(db: Db, name: EmailName, version?: number) {
	const newest = selectNewest(db, name);
	const asked = version === undefined ? newest : newest.where('version', '=', version);
	return templateOf(name, version === 0 ? undefined : await asked.executeTakeFirst());
}

/** The text of a version that was found. */
export async function templateOf(
	name: EmailName,
	row: Version
): Promise<Template & { version: number; isDefault: boolean }> {
	if (row?.subject != null && row.body !== null) {
		return { version: row.version, subject: row.subject, body: row.body, isDefault: false };
	}
	return { version: row?.version ?? 0, ...(await getBuiltIn(name)), isDefault: true };
}

/** How high and wide a logo is shown at most, in pixels. */
const logoBox = { width: 240, height: 48 };

export type BrandRow = Selectable<Tables['brand']>;

export async function getMailLook(db: Db): Promise<Look> {
	return lookOf(await db.selectFrom('brand').selectAll().executeTakeFirstOrThrow());
}

export function lookOf(row: BrandRow): Look {
	const { accentColor, footer, logo, logoType, logoWidth, logoHeight } = row;
	if (!logo || !logoType || !logoWidth || !logoHeight) return { accentColor, footer, logo: null };
	const scale = Math.min(1, logoBox.width / logoWidth, logoBox.height / logoHeight);
	const width = Math.max(1, Math.round(logoWidth * scale));
	return { accentColor, footer, logo: { type: logoType, data: logo, width } };
}

interface Queued {
	template: string;
	templateVersion: number;
	subject: string;
	draft: string | null;
}

/** The text of a queued message: the version that was in force when it was queued, or what it tries. */
export async function findMessageTemplate(db: Db, message: Queued): Promise<Template | null> {
	const { template: name, templateVersion, subject, draft } = message;
	if (draft !== null) return { subject, body: draft };
	return isEmailName(name) ? getTemplate(db, name, templateVersion) : null;
}

/** A queued message as it goes out. @throws {Error} when its text and its values don't fit together. */
export async function renderMessage(
	{ template: name, draft }: Queued,
	template: Template | null,
	props: object,
	portal: MailPortal
) {
	if (!isEmailName(name) || !template) throw new Error(`There is no e-mail ${name}.`);
	return renderEmail(name, props, portal, template, draft === null ? '' : testNoteOf(name));
}

/** The values that a preview and a test show; their links are of this portal, and lead to nothing. */
export function sampleOf(name: EmailName, origin: string): Record<string, string> {
	return Object.fromEntries(
		Object.entries(catalogue[name].sample).map(([key, value]) => [key, value.replace(sampleUrl, origin)])
	);
}

export const longestBody = 50_000;
const longestSubject = 200;
/** Gmail cuts a message off at 102 kB. */
const longestHtml = 100_000;

/** What is wrong with the text of an e-mail, as words for the place where it is. */
export interface Check {
	subject: string | null;
	problems: Problem[];
}

/** Whether the e-mail can be saved with this text: it is rendered as it would be sent. */
export async function checkTemplate(name: EmailName, template: Template, portal: MailPortal): Promise<Check> {
	const subject = checkSubject(name, template.subject);
	if (template.body.length > longestBody) {
		const message = `The text has more than ${sayNumber(longestBody)} characters.`;
		return { subject, problems: [{ line: 1, message }] };
	}
	if (!template.body.trim()) {
		return { subject, problems: [{ line: 1, message: 'The text is missing.' }] };
	}
	const { problems, html } = await compile(name, template.body, portal.look ?? defaultLook);
	if (problems.length > 0 || Buffer.byteLength(html) <= longestHtml) return { subject, problems };
	const message = `The message would have ${Math.round(html.length / 1000)} kB: mail programs cut it off at 100.`;
	return { subject, problems: [{ line: 1, message }] };
}

function checkSubject(name: EmailName, subject: string): string | null {
	if (!subject.trim()) return 'The subject is missing.';
	if (subject.length > longestSubject) return `The subject has more than ${longestSubject} characters.`;
	if (oneLine(subject) !== subject.trim()) return 'The subject has characters that can’t be seen.';
	if (/:\/\/|\bwww\./i.test(subject)) return 'The subject can’t hold a web address.';
	const variables = variablesOf(name);
	for (const [, variable = ''] of subject.matchAll(/\{\{(\w*)\}\}/g)) {
		// A subject is shown in lists and kept after sending: no place for a link that is a secret.
		if (variables.get(variable) === 'url') return `{{${variable}}} is a link: it can’t stand in the subject.`;
		if (!variables.has(variable))
			return `This message has no {{${variable}}}. It has ${[...variables.keys()].join(', ')}.`;
	}
	const rest = subject.replace(/\{\{\w+\}\}/g, '');
	return /\{\{|\}\}/.test(rest) ? 'Two braces begin and end a variable, such as {{portalName}}.' : null;
}

/** What a test says above the message. */
export const testNoteOf = (name: EmailName) =>
	`This is a test of the e-mail “${emailLabel(name)}” with sample values. Its links lead nowhere.`;
