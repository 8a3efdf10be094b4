import { once } from 'node:events';
import { sql } from 'kysely';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Db } from '../src/database/database.ts';

export type Smtp = Awaited<ReturnType<typeof startSmtp>>;

/** What goes wrong, and where; `null` for nothing. It holds for every message until it is set anew. */
export type Fault =
	| null
	/** The server answers there with this code. */
	| { at: 'greeting' | 'sender' | 'recipient' | 'content'; code: number }
	/** It accepts the connection and says nothing. */
	| 'hang'
	/** It has read the whole message, and the connection breaks before its answer. */
	| 'drop';

/**
 * A real SMTP receiver on a free port of this machine that keeps every message it was given, parsed. `tls` makes it offer
 * STARTTLS with a certificate, `login` makes it ask for one.
 */
export async function startSmtp(
	options: {
		tls?: Pick<SMTPServerOptions, 'key' | 'cert'>;
		/** TLS from the first byte instead. */
		isSecure?: boolean;
		login?: { user: string; pass: string };
		port?: number;
	} = {}
) {
	const { tls, isSecure = false, login } = options;
	const messages: ParsedMail[] = [];
	const waiting = new Set<(message: ParsedMail) => void>();
	let fault: Fault = null;
	let isSlowWith: (message: ParsedMail) => boolean = () => false;
	/** Takes the messages that are held. */
	const held = new Set<() => void>();
	/** How often a message was handed over, also those that were not taken. */
	let attempts = 0;

	type Callback = (error?: Error | null) => void;
	const refuse = (callback: Callback, code: number) =>
		callback(Object.assign(new Error(code < 500 ? 'Try again later' : 'Not here'), { responseCode: code }));
	const failAt = (place: 'greeting' | 'sender' | 'recipient' | 'content') => (callback: Callback) => {
		if (fault === null || typeof fault === 'string' || fault.at !== place) return callback();
		refuse(callback, fault.code);
	};

	const server = new SMTPServer({
		...tls,
		secure: isSecure,
		authOptional: !login,
		disabledCommands: [...(login ? [] : ['AUTH']), ...(tls && !isSecure ? [] : ['STARTTLS'])],
		allowInsecureAuth: true,
		disableReverseLookup: true,
		onAuth(auth, _session, callback) {
			if (auth.username === login?.user && auth.password === login?.pass) {
				return callback(null, { user: auth.username });
			}
			callback(Object.assign(new Error('5.7.8 Wrong user or password'), { responseCode: 535 }));
		},
		onConnect(_session, callback) {
			if (fault !== 'hang') failAt('greeting')(callback);
		},
		onMailFrom: (_address, _session, callback) => failAt('sender')(callback),
		onRcptTo: (_address, _session, callback) => failAt('recipient')(callback),
		onData(stream, session, callback) {
			attempts += 1;
			simpleParser(stream).then(
				(message) => {
					if (fault === 'drop') {
						const broken = [...server.connections].find(({ id }) => id === session.id);
						broken?._socket.destroy();
						return;
					}
					const take = () =>
						failAt('content')((error) => {
							if (error) return callback(error);
							messages.push(message);
							for (const tell of waiting) tell(message);
							callback();
						});
					if (isSlowWith(message)) held.add(take);
					else take();
				},
				(error: Error) => callback(error)
			);
		}
	});
	// A client that is killed in the middle of a message is part of some tests, not a reason to end them.
	server.on('error', () => undefined);
	const listener = server.listen(options.port ?? 0, '127.0.0.1');
	await once(listener, 'listening');
	const address = listener.address();
	if (!address || typeof address === 'string') throw new Error('The SMTP receiver has no port');

	/** The first message that fits, already here or still to come. */
	function waitFor(predicate: (message: ParsedMail) => boolean, timeoutMs = 240_000): Promise<ParsedMail> {
		const here = messages.find(predicate);
		if (here) return Promise.resolve(here);
		return new Promise((resolve, reject) => {
			const look = (message: ParsedMail) => {
				if (!predicate(message)) return;
				settle();
				resolve(message);
			};
			const timer = setTimeout(() => {
				settle();
				const subjects = messages
					.slice(-20)
					.map((message) => `“${message.subject}” to ${getRecipients(message)}`);
				const arrived = subjects.length ? subjects.join(', ') : 'nothing';
				reject(new Error(`The expected e-mail did not arrive in ${timeoutMs} ms. Arrived last: ${arrived}.`));
			}, timeoutMs);
			const settle = () => {
				clearTimeout(timer);
				waiting.delete(look);
			};
			waiting.add(look);
		});
	}

	return {
		url: `smtp://127.0.0.1:${address.port}`,
		port: address.port,
		messages,
		get attempts() {
			return attempts;
		},
		waitFor,
		/** From now on this goes wrong; without an argument nothing does. */
		fail: (next: Fault = null) => void (fault = next),
		/** Reads messages that fit and says nothing about them, until `release`. */
		hold: (fits: (message: ParsedMail) => boolean) => void (isSlowWith = fits),
		get held() {
			return held.size;
		},
		release() {
			isSlowWith = () => false;
			for (const take of held) take();
			held.clear();
		},
		/** Refuses every message with 451, "try again later", until `resume`. */
		pause: () => void (fault = { at: 'sender', code: 451 }),
		resume: () => void (fault = null),
		stop: () => new Promise<void>((resolve) => server.close(() => resolve()))
	};
}

/** Has what waits in the queue, for its like or for the next attempt, be sent now. */
export async function sendQueued(db: Db): Promise<void> {
	await sql`update pgboss.job set start_after = now() where name = 'mail' and state < 'active'`.execute(db);
}

/** The plain addresses that a message is for. */
export function getRecipients(message: ParsedMail): string[] {
	const fields = [message.to ?? []].flat();
	return fields.flatMap((field) => field.value).map((one) => one.address ?? '');
}
