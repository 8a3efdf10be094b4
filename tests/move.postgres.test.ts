import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTRPCClient, httpLink } from '@trpc/client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, movingSchema } from '../src/database/database.ts';
import type { AppRouter } from '../src/router.ts';
import { password, uniqueEmail } from './factories.ts';
import { createDatabase, startServer, type Server } from './harness.ts';
import { beginProgram, runProgram } from './commands.ts';
import { getRecipients, startSmtp } from './smtp.ts';

/** `npm run move-to-postgres`, as an operator runs it, on the sample data and what came after it. */

let folder: string;
let own: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'portico-move-'));
	own = await createDatabase();
});
afterAll(async () => {
	await own.drop();
	await rm(folder, { recursive: true, force: true });
});

const gatewayToken = 'a-token-of-a-gateway-long-enough-to-be-one';
const away = { SMTP_URL: 'smtp://127.0.0.1:1', MAIL_RETRY_SECONDS: '1', GATEWAY_TOKEN: gatewayToken };

const move = 'src/programs/move.ts';
const begin = (env: Record<string, string>) => beginProgram(move, { DATA_FOLDER: folder, ...env });
const run = (env: Record<string, string>, script = move) =>
	runProgram(script, { DATA_FOLDER: folder, ...env });

/** Somebody of the demo at a portal. */
async function signIn({ origin }: Server, email: string) {
	let cookie = '';
	const api = createTRPCClient<AppRouter>({
		links: [
			httpLink({
				url: `${origin}/trpc`,
				async fetch(url, init) {
					const response = await fetch(url as string, {
						...(init as RequestInit),
						headers: { ...(init?.headers as Record<string, string>), origin, cookie }
					});
					const given = response.headers.getSetCookie().map((line) => line.split(';', 1)[0]);
					if (given.length > 0) cookie = given.join('; ');
					return response;
				}
			})
		]
	});
	if (email) await api.sessions.create.mutate({ email, password: 'portico demo' });
	return api;
}

/** What people see who look at it: the same before and after. */
async function look(server: Server) {
	const grace = await signIn(server, 'grace@northwind.example');
	const admin = await signIn(server, 'ada@provider.example');
	const { organizations } = await grace.sessions.get.query({});
	const slug = organizations.find(({ name }) => name === 'Northwind Logistics')?.slug ?? '';
	const { snapshot } = await grace.organizations.open.query({ slug });
	const { events } = await admin.activity.listPortal.query({});
	return {
		grace,
		snapshot,
		seen: {
			applications: snapshot.applications,
			invitations: snapshot.invitations.map(({ id, email }) => ({ id, email })),
			members: snapshot.members.map(({ id, email, role }) => ({ id, email, role })),
			seq: snapshot.seq,
			// Signing in leaves no entry.
			events
		}
	};
}

async function isActive({ origin }: Server, secret: string): Promise<boolean> {
	const response = await fetch(`${origin}/api/introspect`, {
		method: 'POST',
		body: new URLSearchParams({ token: secret }),
		headers: { authorization: `Bearer ${gatewayToken}` }
	});
	return ((await response.json()) as { active: boolean }).active;
}

test('the demo goes from the embedded database to PostgreSQL as a whole, also after a kill -9, and goes on there', async () => {
	const demo = await startServer({ database: 'pglite', env: { DATA_FOLDER: folder }, args: ['--demo'] });
	await demo.stop();
	const before = await startServer({ database: 'pglite', env: { DATA_FOLDER: folder, ...away } });
	const { grace, snapshot, seen } = await look(before);
	const tracking = snapshot.applications.find(({ name }) => name === 'Parcel tracking');
	const credentialId = tracking?.credentials.find(({ revokedAt }) => !revokedAt)?.id ?? '';
	const place = { organizationId: snapshot.organization.id, applicationId: tracking?.id ?? '' };
	const { secret } = await grace.credentials.reveal.mutate({ ...place, credentialId });
	expect(await isActive(before, secret)).toBe(true);
	const reader = uniqueEmail();
	const nobody = await signIn(before, '');
	await nobody.accounts.register.mutate({ email: reader, firstName: 'Wai', lastName: 'Ting', password });
	const last = (await look(before)).seen;
	expect(last.events.length).toBeGreaterThan(seen.events.length - 1);

	const there = { DATABASE_URL: own.url };
	const busy = await run(there);
	expect(busy).toMatchObject({
		code: 1,
		errors: expect.stringContaining('Nothing was moved. Portico is running')
	});
	await before.stop();
	expect((await run({})).errors).toContain('Name the empty PostgreSQL in DATABASE_URL');
	const unreachable = await run({ DATABASE_URL: 'postgres://portico@127.0.0.1:1/portico' });
	expect(unreachable).toMatchObject({
		code: 1,
		errors: expect.stringMatching(
			/^Nothing was moved\. The PostgreSQL of DATABASE_URL can’t be reached: .*ECONNREFUSED/
		)
	});
	const full = await createDatabase({ isPrepared: true });
	const refused = await run({ DATABASE_URL: full.url });
	expect(refused).toMatchObject({ code: 1, errors: expect.stringContaining('isn’t empty: it holds') });
	await full.drop();

	// Killed in the midst of the rows: nothing of them is there, and no portal takes the place for an empty one.
	const broken = begin(there);
	let said = '';
	for await (const part of broken.program.stdout) {
		said += String(part);
		if (/\d {2}application/.test(said)) break;
	}
	broken.program.kill('SIGKILL');
	await broken.ended;
	const early = await startServer({ database: 'postgres', env: { DATA_FOLDER: folder, ...there } }).then(
		(server) => server.dispose().then(() => 'It started.'),
		String
	);
	expect(early).toContain('A portal is being moved into this database');
	const looking = await connect({ ...there, DATA_FOLDER: '' });
	expect(await looking.db.selectFrom('account').select('id').execute()).toEqual([]);

	// Killed between its last two steps, where it waits for a transaction that holds the mark.
	let output = '';
	await looking.db.transaction().execute(async (trx) => {
		await sql`create table ${sql.ref(movingSchema)}.held ()`.execute(trx);
		const nearly = begin(there);
		nearly.program.stdout.on('data', (part) => (output += String(part)));
		await expect.poll(() => existsSync(join(folder, 'database-moved')), { interval: 20 }).toBe(true);
		nearly.program.kill('SIGKILL');
		await nearly.ended;
		await sql`
			select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid() and query like 'drop schema%'`.execute(trx);
		await sql`drop table ${sql.ref(movingSchema)}.held`.execute(trx);
	});
	expect(output).toContain('begun anew');
	expect(output).toMatch(/^ +7 {2}account$/m);
	expect(output).toMatch(/^ +[1-9]\d* {2}e-mails that wait$/m);
	expect(output).toMatch(/entries in \d+ streams are as they were written/);
	expect(existsSync(join(folder, 'database'))).toBe(false);
	const done = await run(there);
	expect(done).toMatchObject({
		code: 0,
		errors: '',
		output: expect.stringContaining('Everything is in PostgreSQL')
	});
	const today = new Date().toISOString().slice(0, 10);
	expect(await run(there)).toMatchObject({
		code: 1,
		errors: expect.stringContaining(
			`Nothing was moved. This portal was moved to PostgreSQL already, on ${today}`
		)
	});
	// A start that has forgotten where to makes no second portal beside the first, and neither does any other program.
	const forgotten = `This portal was moved to PostgreSQL on ${today}: set DATABASE_URL to that database. To go back to what was here until then, rename ${join(folder, 'database-moved')} to database.`;
	const started = await startServer({ database: 'pglite', env: { DATA_FOLDER: folder } }).then(
		(server) => server.dispose().then(() => 'It started.'),
		String
	);
	expect(started).toContain(`Portico could not start.\n${forgotten}\n`);
	for (const [script, words] of [
		['src/programs/verify.ts', 'The activity could not be verified. '],
		['src/programs/rotate.ts', 'The keys were not replaced. '],
		['src/programs/backup.ts', 'No copy was made. ']
	] as const)
		expect(await run({}, script)).toMatchObject({ code: 1, errors: `${words}${forgotten}\n` });
	expect(existsSync(join(folder, 'database'))).toBe(false);
	const { rows: lacking } = await sql`
		select conname from pg_constraint where contype = 'f' and not convalidated
		union all select tgname from pg_trigger where not tgisinternal and tgenabled <> 'O'`.execute(looking.db);
	expect(lacking).toEqual([]);
	const { rows: keys } = await sql<{ count: number }>`
		select count(*)::int as count from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`.execute(
		looking.db
	);
	const template = await createDatabase({ isPrepared: true });
	const fresh = await connect({ DATABASE_URL: template.url, DATA_FOLDER: '' });
	const { rows: right } = await sql<{ count: number }>`
		select count(*)::int as count from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`.execute(
		fresh.db
	);
	expect(keys).toEqual(right);
	await fresh.close();
	await template.drop();
	await looking.close();

	const smtp = await startSmtp();
	const after = await startServer({
		database: 'postgres',
		env: { DATA_FOLDER: folder, ...there, ...away, SMTP_URL: smtp.url }
	});
	const now = await look(after);
	const { events, seq, ...rest } = now.seen;
	const { events: known, seq: lastSeq, ...lastRest } = last;
	expect(rest).toEqual(lastRest);
	// What has gone out since then is noted behind what was there.
	expect(seq).toBeGreaterThanOrEqual(lastSeq);
	expect(events).toEqual(expect.arrayContaining(known));
	expect(await isActive(after, secret)).toBe(true);
	const again = await now.grace.credentials.reveal.mutate({ ...place, credentialId });
	expect(again.secret).toBe(secret);
	const mail = await smtp.waitFor((one) => getRecipients(one).includes(reader));
	expect(mail.text).toContain(`${before.origin}/verify-email/`);
	// Numbers go on behind the last one.
	await now.grace.applications.create.mutate({
		...{ organizationId: place.organizationId },
		name: 'Later',
		description: ''
	});
	expect(await run(there, 'src/programs/verify.ts')).toMatchObject({ code: 0, errors: '' });
	await after.dispose();
	await smtp.stop();
});
