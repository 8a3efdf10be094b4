import type { ParsedMail } from 'mailparser';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { password, refusal, startPortal, uniqueEmail, type Portal } from './factories.ts';
import { getRecipients, startSmtp } from './smtp.ts';

/** What becomes of messages when the mail server refuses, breaks or is away. */

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());
afterEach(() => portal.smtp.fail());

/** Somebody registers, which writes one message. */
async function register(email = uniqueEmail()): Promise<string> {
	const person = { email, firstName: 'Dev', lastName: 'Eloper', password };
	await portal.visitor().api.accounts.register.mutate(person);
	return email;
}
const rowOf = async (email: string) =>
	(await portal.admin.api.messages.list.query({ search: email })).messages[0];

/** The row of the mailbox once it is as wanted; looks again with each word that it has changed. */
async function until(email: string, holds: (row: NonNullable<Awaited<ReturnType<typeof rowOf>>>) => boolean) {
	const page = await portal.admin.listen();
	await page.hears('settings');
	for (;;) {
		const heard = page.words.length;
		const row = await rowOf(email);
		if (row && holds(row)) return row;
		await page.until(() => page.words.length > heard, `a change of the message to ${email}`);
	}
}
const arrived = (email: string) => (mail: ParsedMail) => getRecipients(mail).includes(email);

test('451: tried again until it is taken, under the same Message-ID, and the mailbox says how it stands', async () => {
	portal.smtp.fail({ at: 'content', code: 451 });
	const before = portal.smtp.attempts;
	const email = await register();
	const waiting = await until(email, ({ attempts }) => attempts >= 2);
	expect(waiting).toMatchObject({ state: 'queued', error: expect.stringMatching(/^451 .*Try again later/) });
	expect(Date.parse(waiting.nextTryAt ?? '')).toBeGreaterThan(Date.parse(waiting.createdAt));
	expect(await portal.admin.api.messages.count.query({})).toMatchObject({
		oldestQueuedAt: waiting.createdAt
	});
	portal.smtp.fail();
	await portal.smtp.waitFor(arrived(email));
	const sent = await until(email, ({ state }) => state === 'sent');
	expect(sent).toMatchObject({ error: null, nextTryAt: null, answer: expect.stringMatching(/^250 /) });
	expect(sent.attempts).toBe(portal.smtp.attempts - before);
	const mails = portal.smtp.messages.filter(arrived(email));
	expect(mails.map(({ messageId }) => messageId)).toEqual([`<${sent.id}@localhost>`]);
});

test('a connection that breaks after the message: again, under the same Message-ID', async () => {
	portal.smtp.fail('drop');
	const email = await register();
	await until(email, ({ attempts }) => attempts >= 1);
	portal.smtp.fail();
	const mail = await portal.smtp.waitFor(arrived(email));
	const { id } = await until(email, ({ state }) => state === 'sent');
	expect(mail.messageId).toBe(`<${id}@localhost>`);
});

test('the mail server away while 200 messages queue, the process killed twice: all arrive, a repeat under its own id', async () => {
	const own = await startPortal();
	const { port } = own.smtp;
	const company = await own.company({ admin: own.admin });
	const limits = {
		invitationsPerInviter: 500,
		invitationsPerDay: 500,
		maxOpenInvitations: 500,
		maxMembers: 500
	};
	await own.admin.api.settings.update.mutate(limits);
	await own.smtp.stop();
	const emails = Array.from({ length: 200 }, uniqueEmail);
	// At once, since every attempt that comes to nothing has the next one wait for longer.
	for (const from of [0, 100]) {
		const rows = emails
			.slice(from, from + 100)
			.map((email) => ({ email, firstName: 'Dev', lastName: 'Eloper', role: 'team_member' as const }));
		const { answers } = await company.owner.api.invitations.createMany.mutate({
			organizationId: company.id,
			rows
		});
		expect(answers.map(({ outcome }) => outcome)).toEqual(Array(100).fill('sent'));
	}
	await own.server.waitForLog(/a message was not sent/);
	await own.server.kill();
	const back = await startSmtp({ port });
	const toThem = () =>
		back.messages.filter((mail) => getRecipients(mail).some((one) => emails.includes(one)));
	await own.server.restart();
	// In the middle of it, with one on its way.
	await back.waitFor(() => toThem().length >= 60);
	await own.server.kill();
	await own.server.restart();
	const readers = () => new Set(toThem().flatMap(getRecipients));
	await back.waitFor(() => readers().size === 200, 240_000);
	expect([...readers()].sort()).toEqual([...emails].sort());
	for (const email of emails) {
		const ids = back.messages.filter(arrived(email)).map(({ messageId }) => messageId);
		expect(new Set(ids).size).toBe(1);
	}
	expect(new Set(toThem().map(({ messageId }) => messageId)).size).toBe(200);
	await own.stop();
	await back.stop();
});

// By our code alone, whichever database it is.
if (inject('database') === 'postgres') {
	test('550: final at once and counted; the text is for its reader alone; sent again by hand it arrives', async () => {
		portal.smtp.fail({ at: 'recipient', code: 550 });
		const email = await register();
		const failed = await until(email, ({ state }) => state === 'failed');
		expect(failed).toMatchObject({ attempts: 1, error: expect.stringMatching(/^550 /), nextTryAt: null });
		expect((await portal.admin.api.messages.count.query({})).failed).toBe(1);
		const opened = await portal.admin.api.messages.get.query({ messageId: failed.id });
		expect(opened).toMatchObject({
			state: 'failed',
			error: failed.error,
			html: null,
			text: null,
			source: null
		});
		portal.smtp.fail();
		expect(await portal.admin.api.messages.resend.mutate({ messageId: failed.id })).toEqual({
			state: 'queued'
		});
		const mail = await portal.smtp.waitFor(arrived(email));
		expect(mail.messageId).toBe(`<${failed.id}@localhost>`);
		await until(email, ({ state }) => state === 'sent');
		const again = portal.admin.api.messages.resend.mutate({ messageId: failed.id });
		expect(await refusal(again)).toMatchObject({ status: 409, message: 'This message is sent already.' });
		// What brought a link is empty once it is out.
		const contents = await portal.inDatabase((db) =>
			db.selectFrom('message').select('content').where('state', '=', 'sent').execute()
		);
		expect(contents.filter(({ content }) => content !== null)).toEqual([]);
	});

	test('all that failed at once; a message whose link was replaced or revoked meanwhile is not sent, and says so', async () => {
		const company = await portal.company({ admin: portal.admin });
		const person = await portal.person({ isVerified: false });
		await until(person.email, ({ state }) => state === 'sent');
		portal.smtp.fail({ at: 'sender', code: 550 });
		const good = await Promise.all([register(), register()]);
		const revoked = uniqueEmail();
		const invitation = await company.owner.api.invitations.create.mutate({
			organizationId: company.id,
			firstName: 'In',
			lastName: 'Vitee',
			email: revoked,
			role: 'team_member'
		});
		await company.owner.api.invitations.revoke.mutate({
			organizationId: company.id,
			invitationId: invitation.id
		});
		await person.api.accounts.resendVerification.mutate({});
		await until(person.email, ({ state }) => state === 'failed');
		portal.smtp.fail();
		// The newer link makes the failed one worthless.
		await person.api.accounts.resendVerification.mutate({});
		for (const email of [...good, revoked]) await until(email, ({ state }) => state !== 'queued');
		const { failed } = await portal.admin.api.messages.count.query({});
		const answer = await portal.admin.api.messages.resendFailed.mutate({});
		expect(answer.queued + answer.outdated).toBe(failed);
		expect(answer.remaining).toBe(0);
		for (const email of good) await portal.smtp.waitFor(arrived(email));
		const over = await until(revoked, ({ state }) => state === 'outdated');
		expect(over.error).toContain('the link in it is over');
		const { messages } = await portal.admin.api.messages.list.query({
			search: person.email,
			state: 'outdated'
		});
		expect(messages).toHaveLength(1);
		expect(portal.smtp.messages.some(arrived(revoked))).toBe(false);
	});

	test('no more in a minute than the limit; one that is raised counts at once', async () => {
		await portal.admin.api.mailServers.update.mutate({ perMinute: 3 });
		const emails: string[] = [];
		for (let each = 0; each < 6; each++) emails.push(await register());
		const isOurs = (mail: ParsedMail) => emails.some((email) => arrived(email)(mail));
		const ours = () => portal.smtp.messages.filter(isOurs).length;
		const queued = async () => (await portal.admin.api.messages.count.query({})).queued;
		// Which of them go first is open: several are sent side by side.
		await expect.poll(queued).toBe(3);
		expect(ours()).toBe(3);
		await portal.admin.api.mailServers.update.mutate({ perMinute: 4 });
		await expect.poll(queued).toBe(2);
		expect(ours()).toBe(4);
		await portal.admin.api.mailServers.update.mutate({ perMinute: null });
		for (const email of emails) await portal.smtp.waitFor(arrived(email));
	});

	test('the list goes on page by page, and finds by reader, subject and state', async () => {
		const [first = '', second = ''] = [await register(), await register()];
		for (const email of [first, second]) await until(email, ({ state }) => state === 'sent');
		const all = [];
		let after = null;
		do {
			const page: Awaited<ReturnType<typeof portal.admin.api.messages.list.query>> =
				await portal.admin.api.messages.list.query({ after });
			all.push(...page.messages);
			after = page.next;
		} while (after);
		expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
		expect(all.slice(0, 2).map(({ recipient }) => recipient)).toEqual([second, first]);
		const { messages } = await portal.admin.api.messages.list.query({ search: second.toUpperCase() });
		expect(messages.map(({ recipient }) => recipient)).toEqual([second]);
		const failed = await portal.admin.api.messages.list.query({ search: second, state: 'failed' });
		expect(failed.messages).toEqual([]);
		const nothing = await portal.admin.api.messages.list.query({ search: '%_%' });
		expect(nothing.messages).toEqual([]);
	});

	test('what the environment sets can be read, and changed by nobody', async () => {
		const { mailServer, fixed } = await portal.admin.api.mailServers.get.query({});
		expect(mailServer).toMatchObject({ host: '127.0.0.1', port: portal.smtp.port, hasPassword: false });
		expect(fixed).toEqual(['host', 'port', 'security', 'username', 'hasPassword']);
		for (const values of [{ host: 'smtp.evil.example' }, { password: 'x' }, { port: 25 }]) {
			const refused = await refusal(portal.admin.api.mailServers.update.mutate(values));
			expect(Object.values(refused.fields)).toEqual(['This is set by the environment of the server.']);
		}
	});
}
