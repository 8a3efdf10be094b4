import { once } from 'node:events';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export type Smtp = Awaited<ReturnType<typeof startSmtp>>;

/** A real SMTP receiver on a free port of this machine that keeps every message it was given, parsed. */
export async function startSmtp() {
	const messages: ParsedMail[] = [];
	const waiting = new Set<(message: ParsedMail) => void>();
	let isPaused = false;

	const server = new SMTPServer({
		authOptional: true,
		disabledCommands: ['AUTH', 'STARTTLS'],
		disableReverseLookup: true,
		onMailFrom(_address, _session, callback) {
			if (!isPaused) return callback();
			callback(Object.assign(new Error('Try again later'), { responseCode: 451 }));
		},
		onData(stream, _session, callback) {
			simpleParser(stream).then(
				(message) => {
					messages.push(message);
					for (const tell of waiting) tell(message);
					callback();
				},
				(error: Error) => callback(error)
			);
		}
	});
	// A client that is killed in the middle of a message is part of some tests, not a reason to end them.
	server.on('error', () => undefined);
	const listener = server.listen(0, '127.0.0.1');
	await once(listener, 'listening');
	const address = listener.address();
	if (!address || typeof address === 'string') throw new Error('The SMTP receiver has no port');

	/** The first message that fits, already here or still to come. */
	function waitFor(predicate: (message: ParsedMail) => boolean, timeoutMs = 15_000): Promise<ParsedMail> {
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
		messages,
		waitFor,
		/** Refuses every message with 451, "try again later", until `resume`. */
		pause: () => void (isPaused = true),
		resume: () => void (isPaused = false),
		stop: () => new Promise<void>((resolve) => server.close(() => resolve()))
	};
}

/** The plain addresses that a message is for. */
export function getRecipients(message: ParsedMail): string[] {
	const fields = [message.to ?? []].flat();
	return fields.flatMap((field) => field.value).map((one) => one.address ?? '');
}
