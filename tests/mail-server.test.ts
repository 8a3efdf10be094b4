import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTRPCClient, httpBatchStreamLink } from '@trpc/client';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Step } from '#lib/mail-server.ts';
import type { AppRouter } from '../src/router.ts';
import {
	adminPassword,
	refusal,
	startPortal,
	unique,
	uniqueEmail,
	type Portal,
	type Visitor
} from './factories.ts';
import { getRecipients, sendQueued, startSmtp, type Smtp } from './smtp.ts';

/** A portal whose mail server is set in "Settings" > "E-mail", not by its environment. */

const login = { user: 'portico', pass: 'smtp-password-8472' };
const certify = () =>
	generate([{ name: 'commonName', value: 'localhost' }], {
		extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }]
	});
/** The portal trusts the first one. */
const [tls, unknown] = await Promise.all([certify(), certify()]);
let portal: Portal;
let receiver: Smtp;
/** The values of a form that a right mail server was typed into. */
let right: Parameters<Portal['admin']['api']['mailServers']['update']['mutate']>[0];

beforeAll(async () => {
	const authority = join(tmpdir(), `portico-authority-${process.pid}.pem`);
	await writeFile(authority, tls.cert);
	receiver = await startSmtp({ tls: { key: tls.private, cert: tls.cert }, login });
	right = {
		host: 'localhost',
		port: receiver.port,
		security: 'starttls',
		username: login.user,
		password: login.pass,
		fromAddress: 'portal@provider.example'
	};
	portal = await startPortal({
		SMTP_URL: '',
		MAIL_GATHER_SECONDS: '600',
		NODE_EXTRA_CA_CERTS: authority
	});
});
afterAll(async () => {
	await portal.stop();
	await receiver.stop();
});

/** The steps that a test e-mail shows, and how often the answer came in more than one piece. */
async function tryOut(values: typeof right): Promise<Step[]> {
	const client = createTRPCClient<AppRouter>({
		links: [
			httpBatchStreamLink({
				url: `${portal.server.origin}/trpc`,
				fetch: (url, init) => portal.admin.request(url as string, init as RequestInit)
			})
		]
	});
	const steps: Step[] = [];
	for await (const step of await client.mailServers.test.mutate(values)) steps.push(step);
	return steps;
}
const shortly = (steps: Step[]) => steps.map(({ name, state }) => `${name} ${state}`);
const update = (values: typeof right) => portal.admin.api.mailServers.update.mutate(values);

test('a test e-mail shows each step with what the server says, before anything is saved', async () => {
	const steps = await tryOut(right);
	expect(shortly(steps)).toEqual(['connect done', 'tls done', 'login done', 'send done']);
	expect(steps.map(({ text }) => text)).toEqual([
		expect.stringMatching(/^220 /),
		expect.stringMatching(/^TLSv1\.\d, certificate of localhost$/),
		expect.stringMatching(/^235 /),
		expect.stringMatching(/^250 /)
	]);
	const mail = await receiver.waitFor(({ subject }) => subject === 'Test e-mail of Portico');
	expect(getRecipients(mail)).toEqual(['admin@example.test']);
	expect(mail.from?.value[0]?.address).toBe('portal@provider.example');
	expect((await portal.admin.api.mailServers.get.query({})).mailServer.host).toBe('');
});

test('a test e-mail that does not get through says where it stopped and why, and no more than that', async () => {
	const last = async (values: typeof right) => {
		const steps = await tryOut({ ...right, ...values });
		return { ...steps.at(-1), before: shortly(steps.slice(0, -1)) };
	};
	expect(await last({ password: 'wrong-password-1' })).toMatchObject({
		name: 'login',
		state: 'failed',
		text: expect.stringMatching(/^535 .*Wrong user or password/)
	});
	// The name in the certificate is another one.
	expect(await last({ host: '127.0.0.1' })).toMatchObject({
		name: 'tls',
		state: 'failed',
		before: ['connect done']
	});
	receiver.fail({ at: 'greeting', code: 554 });
	expect(await last({})).toMatchObject({
		name: 'connect',
		state: 'failed',
		text: expect.stringMatching(/^554 /)
	});
	receiver.fail({ at: 'recipient', code: 550 });
	expect(await last({})).toMatchObject({
		name: 'send',
		state: 'failed',
		text: expect.stringMatching(/^550 /)
	});
	receiver.fail('drop');
	expect(await last({})).toMatchObject({
		name: 'send',
		state: 'failed',
		text: 'Connection closed unexpectedly'
	});
	receiver.fail();

	const bare = await startSmtp({ tls: { key: unknown.private, cert: unknown.cert } });
	const selfSigned = { port: bare.port, username: '', password: '' };
	expect(await last(selfSigned)).toMatchObject({
		name: 'tls',
		state: 'failed',
		text: expect.stringMatching(/certificate/)
	});
	expect(shortly(await tryOut({ ...right, ...selfSigned, security: 'none' }))).toEqual([
		'connect done',
		'tls skipped',
		'login skipped',
		'send done'
	]);
	await bare.stop();
	expect(await last(selfSigned)).toMatchObject({
		name: 'connect',
		text: expect.stringContaining('ECONNREFUSED')
	});

	// Something that is no mail server says nothing to whoever asks.
	const other = createServer((socket) =>
		socket.end('HTTP/1.1 200 OK\r\n\r\n250 secret of the inside\r\n')
	).listen(0);
	const { port } = other.address() as AddressInfo;
	expect(await last({ port })).toMatchObject({
		name: 'connect',
		state: 'failed',
		text: 'What answers there is no mail server.'
	});
	other.close();
});

test('a mail server that says nothing is given up within ten seconds', async () => {
	receiver.fail('hang');
	expect(await tryOut(right)).toEqual([
		{ name: 'connect', state: 'failed', text: 'No answer within ten seconds.' }
	]);
	receiver.fail();
});

test('what is saved is in force for the next message, told to the other admins, and its secrets never come back', async () => {
	const kept = { owner: await portal.person({ isVerified: false }) };
	const { messages } = await portal.admin.api.messages.list.query({ search: kept.owner.email });
	expect(messages).toMatchObject([{ state: 'kept' }]);

	const watching = await portal.admin.listen();
	await watching.hears('settings');
	const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const dkimKey = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
	const answer = await update({
		...right,
		fromName: 'Acme Developers',
		replyTo: 'Help@Provider.example',
		dkimDomain: 'provider.example',
		dkimSelector: 'portico',
		dkimKey
	});
	expect(answer).toMatchObject({ hasPassword: true, hasDkimKey: true, replyTo: 'help@provider.example' });
	await watching.hears('mailServer.updated');
	expect(watching.latest('mailServer.updated')).toMatchObject({
		actor: { name: 'Portal Admin' },
		payload: { changed: expect.arrayContaining(['host', 'hasPassword', 'hasDkimKey']) }
	});

	const email = uniqueEmail();
	await portal.visitor().api.accounts.register.mutate({
		email,
		firstName: 'Dev',
		lastName: 'Eloper',
		password: adminPassword
	});
	const mail = await receiver.waitFor((one) => getRecipients(one).includes(email));
	expect(mail.from?.value).toEqual([{ name: 'Acme Developers', address: 'portal@provider.example' }]);
	expect(mail.replyTo?.value[0]?.address).toBe('help@provider.example');
	expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
	expect(mail.headers.get('x-auto-response-suppress')).toBe('All');
	expect(mail.headerLines.find(({ key }) => key === 'list-id')?.line).toBe('List-ID: <account.localhost>');
	// Nobody can do without this one.
	expect(mail.headers.has('list-unsubscribe')).toBe(false);

	// DKIM as a receiver checks it (RFC 6376, relaxed): the signature over the headers that it names.
	const signature = mail.headerLines.find(({ key }) => key === 'dkim-signature')?.line ?? '';
	const tag = (name: string) =>
		new RegExp(`[;\\s]${name}=([^;]*)`).exec(signature.replace(/\s+/g, ' '))?.[1]?.replace(/\s/g, '') ?? '';
	expect([tag('d'), tag('s')]).toEqual(['provider.example', 'portico']);
	const relax = (line: string) => {
		const [name = '', ...rest] = line.split(':');
		return `${name.trim().toLowerCase()}:${rest.join(':').replace(/\s+/g, ' ').trim()}`;
	};
	const signed = tag('h')
		.split(':')
		.flatMap((name) => mail.headerLines.findLast(({ key }) => key === name.toLowerCase())?.line ?? []);
	const unsigned = relax(signature.replace(/([;\s]b=)[^;]*/, '$1'));
	const data = [...signed.map(relax), unsigned].join('\r\n');
	expect(verify('sha256', Buffer.from(data), publicKey, Buffer.from(tag('b'), 'base64'))).toBe(true);
	expect(signed.length).toBeGreaterThan(3);

	const { mailServer, dkimRecord, changes } = await portal.admin.api.mailServers.get.query({});
	const published = Buffer.from(/p=(.*)$/.exec(dkimRecord?.value ?? '')?.[1] ?? '', 'base64');
	const key = createPublicKey({ key: published, format: 'der', type: 'spki' });
	const fingerprint = (one: typeof key) =>
		createHash('sha256')
			.update(one.export({ type: 'spki', format: 'der' }))
			.digest('hex');
	expect(fingerprint(key)).toBe(fingerprint(publicKey));
	const told = await portal.admin.api.activity.listPortal.query({});
	const stored = await portal.inDatabase((db) => db.selectFrom('mailServer').selectAll().execute());
	const everywhere =
		JSON.stringify([answer, mailServer, changes, told, watching.events, stored]) + portal.server.logs;
	expect(everywhere).toContain('portal@provider.example');
	for (const secret of [login.pass, dkimKey.split('\n')[1] ?? '', 'wrong-password-1'])
		expect(everywhere).not.toContain(secret);

	// What was kept till now can be sent; its link is as good as it was.
	const [waiting] = messages;
	expect(await portal.admin.api.messages.resend.mutate({ messageId: waiting?.id ?? '' })).toEqual({
		state: 'queued'
	});
	await receiver.waitFor((one) => getRecipients(one).includes(kept.owner.email));
});

test('the stored password is for the server that it was saved for, and for no other', async () => {
	await update(right);
	const elsewhere: (typeof right)[] = [
		{ host: 'evil.example' },
		{ port: 2525 },
		{ security: 'none' },
		{ username: 'somebody' }
	];
	for (const values of elsewhere) {
		const calls = [() => update(values), () => portal.admin.api.mailServers.test.mutate(values)];
		for (const call of calls) {
			const refused = await refusal(call() as Promise<unknown>);
			expect(refused, JSON.stringify(values)).toMatchObject({ status: 400 });
			expect(Object.keys(refused.fields)).toEqual(['password']);
		}
	}
	expect((await portal.admin.api.mailServers.get.query({})).mailServer).toMatchObject({ host: 'localhost' });
	expect(shortly(await tryOut({})).at(-1)).toBe('send done');
	expect(await update({ password: '' })).toMatchObject({ hasPassword: false });
	await update(right);
});

test('what makes no sense is refused at its field', async () => {
	const wrong: [typeof right, string][] = [
		[{ host: 'smtp.example.com/path' }, 'host'],
		[{ host: 'a b' }, 'host'],
		[{ port: 0 }, 'port'],
		[{ port: 1.5 }, 'port'],
		[{ username: 'x\r\nRCPT TO' }, 'username'],
		[{ fromName: 'See www.evil.example' }, 'fromName'],
		[{ fromAddress: 'Eve" <victim@example.com>' }, 'fromAddress'],
		[{ fromAddress: '' }, 'fromAddress'],
		[{ replyTo: 'a@b.example\r\nBcc: victim@example.com' }, 'replyTo'],
		[{ replyTo: 'a＠b.example' }, 'replyTo'],
		[{ adminRecipients: ['a@b.example, c@d.example'] }, 'adminRecipients.0'],
		[{ perMinute: 0 }, 'perMinute'],
		[{ dkimKey: 'not a key' }, 'dkimKey'],
		[{ dkimDomain: '' }, 'dkimDomain']
	];
	for (const [values, field] of wrong) {
		const refused = await refusal(update(values));
		expect([refused.status, Object.keys(refused.fields)], JSON.stringify(values)).toEqual([400, [field]]);
	}
	const more = update({ hasPassword: false } as typeof right);
	expect((await refusal(more)).status).toBe(400);
});

test('requests within a few seconds become one mail to each admin and to a shared mailbox; a lone one reads as ever', async () => {
	await update({ ...right, adminRecipients: ['team@provider.example', 'admin@example.test'] });
	const people: Visitor[] = [];
	for (let each = 0; each < 4; each++) {
		const visitor = portal.visitor();
		const email = uniqueEmail();
		await visitor.api.accounts.register.mutate({
			email,
			firstName: 'Dev',
			lastName: 'Eloper',
			password: adminPassword
		});
		await visitor.api.sessions.create.mutate({ email, password: adminPassword });
		const mail = await receiver.waitFor((one) => getRecipients(one).includes(email));
		const token = /verify-email\/([\w-]{43})/.exec(mail.text ?? '')?.[1] ?? '';
		await visitor.api.accounts.verifyEmail.mutate({ token });
		people.push(visitor);
	}
	const names = people.map(() => unique('Gathered'));
	const request = (index: number) =>
		people[index]?.api.organizations.request.mutate({ name: names[index] ?? '' });
	await Promise.all([0, 1, 2].map(request));
	await portal.inDatabase(sendQueued);
	const subject = '3 organizations ask to join';
	const both = [];
	for (const address of ['admin@example.test', 'team@provider.example']) {
		both.push(
			await receiver.waitFor((mail) => mail.subject === subject && getRecipients(mail).includes(address))
		);
	}
	for (const mail of both) {
		const lines = mail.text?.split('\n').map((line) => line.trim()) ?? [];
		for (const name of names.slice(0, 3)) {
			expect(lines.filter((line) => line.startsWith(`${name} – Dev Eloper (`))).toHaveLength(1);
		}
	}
	// An admin can do without from the mail program; a mailbox that is nobody's account is in the settings.
	expect(both.map((mail) => mail.headers.has('list'))).toEqual([true, true]);
	expect(both.map((mail) => mail.headerLines.some(({ key }) => key === 'list-unsubscribe'))).toEqual([
		true,
		false
	]);
	await request(3);
	await portal.inDatabase(sendQueued);
	await receiver.waitFor(
		(mail) =>
			mail.subject === `${names[3]} asks to join` && getRecipients(mail).includes('team@provider.example')
	);
	const told = receiver.messages.filter(({ subject }) => /asks? to join/.test(subject ?? ''));
	expect(told.filter((mail) => getRecipients(mail).includes('team@provider.example'))).toHaveLength(2);
});
