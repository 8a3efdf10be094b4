import { text, z } from './schema.ts';
import { email, orEmpty, senderName, wholeNumber } from './fields.ts';
import { trimUnseen } from './unseen.ts';

/** The mail server as "Settings" > "E-mail" names it. */

export const securities = ['starttls', 'tls', 'none'] as const;
export type Security = (typeof securities)[number];
export const securityLabels: Record<Security, string> = {
	starttls: 'STARTTLS, refused without it',
	tls: 'TLS from the first byte',
	none: 'None: nothing is encrypted'
};

/** What a page may know: of secrets only whether they are set. An empty text is not set. */
export const mailServerView = z.object({
	host: z.string(),
	port: z.number(),
	security: z.enum(securities),
	username: z.string(),
	hasPassword: z.boolean(),
	fromName: z.string(),
	fromAddress: z.string(),
	replyTo: z.string(),
	/** Who is written to about requests besides the portal admins, such as a shared mailbox. */
	adminRecipients: z.array(z.string()),
	/** How many messages are handed over within a minute at most; null for no limit. */
	perMinute: z.number().nullable(),
	dkimDomain: z.string(),
	dkimSelector: z.string(),
	hasDkimKey: z.boolean()
});
export type MailServer = z.infer<typeof mailServerView>;

export const mailServerLabels: Record<keyof MailServer, string> = {
	host: 'Host',
	port: 'Port',
	security: 'Encryption',
	username: 'User',
	hasPassword: 'Password',
	fromName: 'From name',
	fromAddress: 'From address',
	replyTo: 'Reply to',
	adminRecipients: 'Also told about requests',
	perMinute: 'Messages a minute',
	dkimDomain: 'DKIM domain',
	dkimSelector: 'DKIM selector',
	hasDkimKey: 'DKIM private key'
};

export type MailServerChange = { mailServer: MailServer; changed: (keyof MailServer)[] };

/** The sentence of "Activity" about a change, of secrets only that there is a new one. */
export function sayMailServerChange({ mailServer, changed }: MailServerChange): string {
	const said = changed.map((name) => {
		const [label, value] = [`“${mailServerLabels[name]}”`, mailServer[name]];
		if (typeof value === 'boolean') return `${value ? 'set' : 'cleared'} ${label}`;
		const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
		return text === '' ? `cleared ${label}` : `set ${label} to ${text}`;
	});
	return said.join(', ');
}

const isHostName = (text: string) =>
	text.length <= 253 &&
	text
		.split('.')
		.every((label) => /^[a-z\d-]+$/i.test(label) && !label.startsWith('-') && !label.endsWith('-'));
const line = (label: string, max: number) =>
	text(max, { long: `${label} has more than ${max} characters.` }).refine(
		(text) => !/\p{Cc}/u.test(text),
		`${label} has characters that can't be seen.`
	);
const host = text(300).overwrite((text) => trimUnseen(text));
/** A part of the DNS. */
const domain = host.toLowerCase();

/** What the form sends. A secret that is not given stays as it is, and an empty one is cleared. */
export const mailServerInput = {
	host: host.refine(
		(text) => text === '' || isHostName(text) || URL.canParse(`smtp://[${text}]`),
		'This is not the name or the address of a host.'
	),
	port: wholeNumber('The port', 1, 65_535),
	security: z.enum(securities),
	username: line('The user', 200),
	password: line('The password', 500).optional(),
	fromName: orEmpty(senderName),
	fromAddress: orEmpty(email),
	replyTo: orEmpty(email),
	adminRecipients: z.array(email).max(10, 'Ten addresses at most.'),
	perMinute: wholeNumber('The limit', 1, 10_000).nullable(),
	dkimDomain: orEmpty(domain.refine(isHostName, 'This is not a domain.')),
	dkimSelector: orEmpty(domain.refine(isHostName, 'This is not a selector.')),
	dkimKey: text(10_000, { long: 'This is not a private key.' }).optional()
};

/** One step of a conversation with a mail server, as a test shows it. */
export interface Step {
	name: 'connect' | 'tls' | 'login' | 'send';
	state: 'done' | 'skipped' | 'failed';
	/** What the server said, or why it came to nothing. */
	text: string;
}

export const messageStates = ['queued', 'sent', 'kept', 'failed', 'outdated'] as const;
export const messageState = z.enum(messageStates);
export type MessageState = z.infer<typeof messageState>;
