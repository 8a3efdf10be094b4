import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import { alarms } from '#lib/alarms.ts';
import { createVault } from '../src/vault/vault.ts';
import { password, refusal, startPortal, uniqueEmail, type Portal } from './factories.ts';
import { getRecipients, sendQueued } from './smtp.ts';

/** What goes wrong while nobody waits for it: it holds up nothing else, is logged, and is told to who can mend it. */

const keys = {
	ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
	LOOKUP_KEY: Buffer.alloc(32, 8).toString('base64')
};
const vault = createVault([keys.ENCRYPTION_KEY], [keys.LOOKUP_KEY]);

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal(keys);
});
afterAll(() => portal.stop());
afterEach(() => portal.smtp.fail());

const listed = () => portal.admin.api.alarms.list.query({});

/** Runs the tidying once: it does when a process starts. */
async function sabotage(...statements: string[]) {
	await portal.inDatabase(async (db) => {
		for (const statement of statements) await sql.raw(statement).execute(db);
	});
	if (portal.server.databaseUrl) await portal.server.restart();
}

/** Asks again with each word of an admin's page until it holds. */
async function until(holds: () => Promise<boolean>, what: string) {
	const page = await portal.admin.listen();
	await page.hears('settings');
	for (;;) {
		const heard = page.words.length;
		if (await holds()) break;
		await page.until(() => page.words.length > heard, what, 200_000);
	}
	page.socket.disconnect();
}

test('a step of the tidying that fails keeps no later one from running, and is an alarm until it gets on again', async () => {
	const company = await portal.company({ admin: portal.admin });
	const application = await portal.application(company);
	await portal.inDatabase((db) =>
		db
			.updateTable('credential')
			.set({ createdAt: new Date(Date.now() - 86_400_000), expiresAt: new Date(Date.now() + 3_600_000) })
			.where('applicationId', '=', application.id)
			.execute()
	);
	await sabotage(
		`create function refuse_tidying() returns trigger language plpgsql as $$
		begin raise exception 'not today' using detail = 'words of the database'; end $$`,
		`create trigger refuse_tidying before delete on session
		for each statement execute function refuse_tidying()`
	);
	// The last step runs all the same.
	await portal.smtp.waitFor(
		(mail) => mail.subject?.startsWith(`A credential of ${application.name} ends on`) === true
	);
	await until(async () => (await listed()).length > 0, 'the alarm');
	const [alarm, ...others] = await listed();
	expect([alarm?.kind, alarm?.detail, others]).toEqual(['tidy-sessions', '', []]);
	await portal.server.waitForLog(/a step of the tidying failed/);
	expect(portal.server.logs).not.toContain('words of the database');
	// Dismissed, it stays away while it goes on; over, it is gone.
	await portal.admin.api.alarms.dismiss.mutate({ kind: 'tidy-sessions' });
	expect(await listed()).toEqual([]);
	await sabotage('drop trigger refuse_tidying on session');
	await until(async () => {
		const rows = await portal.inDatabase((db) => db.selectFrom('alarm').selectAll().execute());
		return rows.length === 0;
	}, 'the end of the alarm');
});

test('an alarm is heard on open pages, counts, and a dismissed one comes back with other news', async () => {
	const page = await portal.admin.listen();
	await page.hears('settings');
	const raise = (detail: string) =>
		portal.inDatabase(async (db) => {
			const { raiseAlarm } = await import('../src/news/alarms.ts');
			await raiseAlarm(db, 'forwarded-header', detail);
			await raiseAlarm(db, 'forwarded-header', detail);
		});
	await raise('');
	if (portal.server.databaseUrl) await page.hears('alarms');
	expect(await listed()).toMatchObject([{ kind: 'forwarded-header', count: 2 }]);
	expect(alarms['forwarded-header']).toMatch(/TRUSTED_PROXIES is 0/);
	await portal.admin.api.alarms.dismiss.mutate({ kind: 'forwarded-header' });
	await raise('');
	expect(await listed()).toEqual([]);
	await raise('Seen from another network.');
	expect(await listed()).toMatchObject([{ count: 6, detail: 'Seen from another network.' }]);
	const nobody = portal.visitor().api.alarms.dismiss.mutate({ kind: 'forwarded-header' });
	expect(await refusal(nobody)).toMatchObject({ status: 401 });
	await portal.admin.api.alarms.dismiss.mutate({ kind: 'forwarded-header' });
	page.socket.disconnect();
});

async function register(): Promise<string> {
	const email = uniqueEmail();
	const person = { email, firstName: 'Dev', lastName: 'Eloper', password };
	await portal.visitor().api.accounts.register.mutate(person);
	return email;
}
const rowOf = async (email: string) =>
	(await portal.admin.api.messages.list.query({ search: email })).messages[0];

const sealed = (content: unknown) => vault.encrypt(JSON.stringify(content), 'message');
/** Secret words that stand in no log line and in no mailbox. */
const words = 'words-of-its-reader-alone';
/** What can be wrong with a message that waits. */
const odd: Record<
	string,
	{ content?: string | null; template?: string; draft?: string; gatherKey?: string }
> = {
	junk: { content: 'junk' },
	nothing: { content: null },
	'of another place': { content: vault.encrypt('{}', 'elsewhere') },
	'not JSON': { content: vault.encrypt(words, 'message') },
	'not texts': { content: sealed({ firstName: { [words]: 1 } }) },
	'without its values': { content: sealed({ secret: words }) },
	'no such e-mail': { template: 'no-such-email' },
	'a text that is not right': { draft: '<mj-nothing>{{nothing}}' }
};

test('a message that can’t be opened, filled in or rendered fails with words and a log line, each by itself', async () => {
	portal.smtp.fail({ at: 'content', code: 451 });
	const emails = new Map<string, string>();
	for (const name of Object.keys(odd)) emails.set(name, await register());
	const good = await register();
	for (const email of [...emails.values(), good])
		await until(async () => ((await rowOf(email))?.attempts ?? 0) > 0, `a first attempt for ${email}`);
	await portal.inDatabase(async (db) => {
		// Between two attempts: one that is under way has read its message already.
		await vi.waitFor(
			async () => {
				await sql`update pgboss.job set start_after = '2100-01-01' where name = 'mail' and state < 'active'`.execute(
					db
				);
				const { rows } = await sql<{ busy: number }>`
					select count(*)::int as busy from pgboss.job
					where name = 'mail' and (state = 'active' or state < 'active' and start_after < '2100-01-01')`.execute(db);
				expect(rows[0]?.busy).toBe(0);
			},
			{ timeout: 240_000 }
		);
		for (const [name, values] of Object.entries(odd))
			await db
				.updateTable('message')
				.set(values)
				.where('recipient', '=', emails.get(name) ?? '')
				.execute();
		portal.smtp.fail();
		await sendQueued(db);
	});
	await portal.smtp.waitFor((mail) => getRecipients(mail).includes(good));
	for (const [name, email] of emails) {
		await until(async () => (await rowOf(email))?.state === 'failed', `the end of ${name}`);
		const row = await rowOf(email);
		expect(row?.error, name).toMatch(/^Not sent: /);
		expect(portal.server.logs, name).toMatch(new RegExp(`"messageId":"${row?.id}".*can’t be sent: Not sent`));
	}
	expect(portal.server.logs).not.toContain(words);

	// Sent again together with one that is good: that one goes, and the page comes to an end.
	portal.smtp.fail({ at: 'recipient', code: 550 });
	const refused = await register();
	await until(async () => (await rowOf(refused))?.state === 'failed', 'a refusal');
	portal.smtp.fail();
	const answer = await portal.admin.api.messages.resendFailed.mutate({});
	expect(answer.queued).toBeGreaterThan(0);
	await portal.smtp.waitFor((mail) => getRecipients(mail).includes(refused));
	const junk = await rowOf(emails.get('junk') ?? '');
	const alone = await portal.admin.api.messages.resend.mutate({ messageId: junk?.id ?? '' });
	expect(alone).toEqual({ state: 'failed' });
});

test('requests that gather: one that can’t be read fails, the others arrive together', async () => {
	const slow = await startPortal({ ...keys, MAIL_GATHER_SECONDS: '600' });
	try {
		const names: string[] = [];
		for (let each = 0; each < 3; each++) names.push((await slow.company()).name);
		await slow.inDatabase(async (db) => {
			await db
				.updateTable('message')
				.set({ content: 'junk' })
				.where('subject', 'like', `%${names[0]}%`)
				.where('state', '=', 'queued')
				.execute();
			await sendQueued(db);
		});
		const mail = await slow.smtp.waitFor(
			({ text }) => text?.includes(names[1] ?? '') === true && text.includes(names[2] ?? '')
		);
		expect(mail.text).not.toContain(names[0]);
		const page = await slow.admin.listen();
		await page.hears('settings');
		for (;;) {
			const heard = page.words.length;
			const { messages } = await slow.admin.api.messages.list.query({ search: names[0] ?? '' });
			if (messages[0]?.state === 'failed') break;
			await page.until(() => page.words.length > heard, 'the end of the unreadable one');
		}
	} finally {
		await slow.stop();
	}
});

test('a message in the mailbox that can’t be read says so in place of its text', async () => {
	const keeping = await startPortal({ ...keys, SMTP_URL: '' });
	try {
		const { email } = await keeping.person({ isVerified: false });
		const page = await keeping.admin.listen();
		await page.hears('settings');
		const find = async () => (await keeping.admin.api.messages.list.query({ search: email })).messages[0];
		while ((await find())?.state !== 'kept') {
			const heard = page.words.length;
			if ((await find())?.state === 'kept') break;
			await page.until(() => page.words.length > heard, 'the message');
		}
		await keeping.inDatabase((db) => db.updateTable('message').set({ content: 'junk' }).execute());
		const messageId = (await find())?.id ?? '';
		const message = await keeping.admin.api.messages.get.query({ messageId });
		expect(message).toMatchObject({ html: null, text: null, error: expect.stringMatching(/^Not sent: /) });
	} finally {
		await keeping.stop();
	}
});

test('a queue that an older version has made gets the options of this one', async () => {
	const read = () =>
		portal.inDatabase(async (db) => {
			const { rows } = await sql<object>`
				select name, retry_limit, retry_backoff, expire_seconds, heartbeat_seconds, notify
				from pgboss.queue where name in ('mail', 'tidy') order by name`.execute(db);
			return rows;
		});
	const fresh = await read();
	await portal.inDatabase((db) =>
		sql`
			update pgboss.queue set retry_limit = 1, retry_backoff = false, expire_seconds = 7, heartbeat_seconds = null
			where name in ('mail', 'tidy')`.execute(db)
	);
	await portal.server.restart();
	expect(await read()).toEqual(fresh);
});

test.runIf(inject('database') === 'postgres')(
	'a connection of the job queue that ends is logged without the key of its backend',
	async () => {
		await portal.inDatabase((db) =>
			sql`
				select pg_terminate_backend(pid) from pg_stat_activity
				where application_name = 'pgboss' and datname = current_database() and pid <> pg_backend_pid()`.execute(db)
		);
		await portal.server.waitForLog(/the job queue reports an error/);
		expect(portal.server.logs).toMatch(/"err":\{[^\n]*"stack"/);
		expect(portal.server.logs).not.toMatch(/secretKey|processID|connectionParameters|backendKey/i);
	}
);
