import { PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { createTransport as createMailer, type Transporter } from 'nodemailer';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection, { type SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';
import type { Security, Step } from '#lib/mail-server.ts';
import { oneLine, type Attachment } from './compose.ts';

/** How messages leave the house. */
export interface Route {
	options: SMTPConnectionOptions;
	auth?: { user: string; pass: string };
	dkim?: { domainName: string; keySelector: string; privateKey: string };
}

/** The way that the settings name. */
export function routeOf(server: {
	host: string;
	port: number;
	security: Security;
	username: string;
	password: string | null;
}): Route {
	const { host, port, security, username, password } = server;
	return {
		options: {
			host,
			port,
			secure: security === 'tls',
			requireTLS: security === 'starttls',
			ignoreTLS: security === 'none'
		},
		...(username && { auth: { user: username, pass: password ?? '' } })
	};
}

/** @param url as nodemailer reads it: smtp://user:password@host:587, smtps:// for TLS from the first byte. */
export function routeOfUrl(url: string): Route {
	const { auth, ...options } = parseConnectionUrl(url);
	const hasLogin = auth?.user !== undefined;
	return {
		options: options as SMTPConnectionOptions,
		...(hasLogin && { auth: { user: auth.user ?? '', pass: auth.pass ?? '' } })
	};
}

export interface Envelope {
	/** The message's own id: the same message sent twice is recognised by it. */
	id: string;
	from: { name: string; address: string };
	to: { name: string; address: string };
	replyTo?: string;
	subject: string;
	html: string;
	text: string;
	attachments?: Attachment[];
	date: Date;
	origin: string;
	/** What the message is about, by which mail programs and people sort: see `topic` in the catalogue. */
	topic?: string;
	/** Where a person ends such messages, on a page or by one press in the mail program. */
	unsubscribeUrl?: string;
}

/** Names come from people: an object, never a line that is parsed. */
export function toAddress(name: string, address: string): { name: string; address: string } {
	return { name: oneLine(name), address };
}

function optionsOf({ id, origin, topic, unsubscribeUrl, replyTo, ...message }: Envelope) {
	const { hostname } = new URL(origin);
	return {
		...message,
		...(replyTo && { replyTo: { name: '', address: replyTo } }),
		messageId: `<${id}@${hostname}>`,
		headers: {
			'Auto-Submitted': 'auto-generated',
			// Microsoft's servers don't all heed the header above: no holiday notes, no receipts.
			'X-Auto-Response-Suppress': 'All',
			// RFC 2919
			'List-Id': { prepared: true, value: `<${topic ?? 'account'}.${hostname}>` },
			...(unsubscribeUrl && {
				// RFC 8058. Prepared: nodemailer would break the address into lines of 76 characters.
				'List-Unsubscribe': { prepared: true, value: `<${unsubscribeUrl}>` },
				'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click'
			})
		},
		disableFileAccess: true,
		disableUrlAccess: true
	};
}

/** In milliseconds: a mail server that hangs must not hold the worker. */
const timeouts = {
	connectionTimeout: 10_000,
	greetingTimeout: 10_000,
	socketTimeout: 30_000,
	dnsTimeout: 10_000
};

export function createTransport({ options, auth, dkim }: Route): Transporter {
	const pool = { pool: true, maxConnections: 1, maxRequeues: 1 } as const;
	return createMailer({ ...options, ...(auth && { auth }), ...(dkim && { dkim }), ...pool, ...timeouts });
}

/**
 * What the mail server said when it took the message.
 * @throws the mail server's refusal: see `answerOf` and `isFinal`.
 */
export async function sendEmail(transport: Transporter, message: Envelope): Promise<string> {
	const { response } = (await transport.sendMail(optionsOf(message))) as { response?: string };
	return linesOf(response ?? '');
}

/** The message as it travels (RFC 5322). */
export async function composeSource(message: Envelope, dkim?: Route['dkim']): Promise<string> {
	const mailer = createMailer({ streamTransport: true, buffer: true, ...(dkim && { dkim }) });
	const { message: source } = await mailer.sendMail(optionsOf(message));
	return source.toString();
}

interface SmtpError extends Error {
	code?: string;
	originalCode?: string;
	command?: string;
	response?: string;
	responseCode?: number;
}

/** A server that is none could answer anything: of an answer only lines as SMTP has them (RFC 5321) are shown. */
function linesOf(response: string): string {
	const lines = response.split(/\r?\n/).filter((line, index) => index === 0 || line !== '');
	if (!/^[2-5]\d\d([ -]|$)/.test(lines[0] ?? '')) return 'What answers there is no mail server.';
	return oneLine(lines.filter((line) => /^[2-5]\d\d([ -]|$)/.test(line)).join(' ')).slice(0, 400);
}

/** Why a message was not taken, in the server's own words where it has said any. */
export function answerOf(error: unknown): string {
	if (!(error instanceof Error)) return 'unknown error';
	const { response, message } = error as SmtpError;
	return response ? linesOf(response) : oneLine(message).slice(0, 400);
}

/**
 * Whether the server has refused this message for good. A refused login, greeting or certificate says nothing about the
 * message: that is mended in the settings, and the message goes out afterwards.
 */
export function isFinal(error: unknown): boolean {
	const { responseCode = 0, command = '' } = error as SmtpError;
	return responseCode >= 500 && responseCode < 600 && ['MAIL FROM', 'RCPT TO', 'DATA'].includes(command);
}

const isAboutTls = ({ code, originalCode, command }: SmtpError) =>
	code === 'ETLS' || command === 'STARTTLS' || /CERT|SSL|TLS|SIGN/.test(originalCode ?? '');

/** How long a test takes at most, in milliseconds: the answer is there within ten seconds. */
const testPatience = 9_500;

/** Hands one message over, step by step, and tells each step as it is done. */
export async function* converse(route: Route, message: Envelope): AsyncGenerator<Step, void> {
	const source = await composeSource(message, route.dkim);
	const steps = new PassThrough({ objectMode: true });
	let name: Step['name'] = 'connect';
	const tell = (state: Step['state'], text: string) => steps.write({ name, state, text } satisfies Step);

	const connection = new SMTPConnection({
		...route.options,
		...timeouts,
		transactionLog: true,
		logger: { ...quiet, debug: hear }
	});
	/** The greeting is the first thing that a server says. */
	function hear(entry: unknown, text: unknown): void {
		const { tnx } = entry as { tnx?: string };
		if (name !== 'connect' || tnx !== 'server' || !String(text).startsWith('220')) return;
		tell('done', linesOf(String(text)));
		name = 'tls';
	}
	const { promise: broken, reject } = Promise.withResolvers<never>();
	connection.on('error', reject);
	const timer = setTimeout(() => reject(new Error('No answer within ten seconds.')), testPatience);
	const inTime = <Result>(start: (done: (error?: Error | null, result?: Result) => void) => void) => {
		const doing = new Promise<Result | undefined>((resolve, refuse) =>
			start((error, result) => (error ? refuse(error) : resolve(result)))
		);
		return Promise.race([doing, broken]);
	};

	async function run(): Promise<void> {
		await inTime((done) => connection.connect(done));
		name = 'tls';
		const socket: unknown = connection._socket;
		if (socket instanceof TLSSocket) {
			const { CN } = socket.getPeerCertificate().subject ?? {};
			tell('done', `${socket.getProtocol() ?? 'TLS'}${CN ? `, certificate of ${oneLine(String(CN))}` : ''}`);
		} else tell('skipped', 'Not encrypted.');
		name = 'login';
		if (route.auth) {
			const { user, pass } = route.auth;
			await inTime((done) => connection.login({ user, pass }, done));
			tell('done', linesOf(connection.lastServerResponse || ''));
		} else tell('skipped', 'No user is named.');
		name = 'send';
		const envelope = { from: message.from.address, to: [message.to.address] };
		const sent = await inTime<{ response: string }>((done) => connection.send(envelope, source, done));
		tell('done', linesOf(sent?.response ?? ''));
		connection.quit();
	}
	run()
		.catch((error: unknown) => {
			if (isAboutTls(error as SmtpError) && name === 'connect') {
				tell('done', 'Connected.');
				name = 'tls';
			}
			tell('failed', answerOf(error));
		})
		.finally(() => {
			clearTimeout(timer);
			steps.end();
		});
	// Nobody may be waiting any more when it breaks.
	broken.catch(() => undefined);
	try {
		yield* steps as AsyncIterable<Step>;
	} finally {
		connection.close();
	}
}

const silent = () => undefined;
const quiet = {
	level: silent,
	trace: silent,
	debug: silent,
	info: silent,
	warn: silent,
	error: silent,
	fatal: silent
};
