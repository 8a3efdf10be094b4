import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, unique, uniqueEmail, type Company, type Portal } from './factories.ts';
import { startPostgres } from './setup/postgres.ts';

/**
 * How many connections are ended; by hand `CONNECTIONS_ENDED=1000` for the long form; see
 * docs/benchmarks.md.
 */
const toEnd = Number(process.env.CONNECTIONS_ENDED ?? 100);

/** What a portal makes of connections that break at any moment, and of a PostgreSQL that is started again. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let portal: Portal;
let companies: Company[];
/** Outside of the portal: ends its connections, and sees what was written. */
let watcher: pg.Client;

async function connect() {
	watcher = new pg.Client(portal.server.databaseUrl ?? '');
	watcher.on('error', () => undefined);
	await watcher.connect();
}

beforeAll(async () => {
	postgres = await startPostgres();
	portal = await startPortal({ DATABASE_URL: postgres.url });
	await portal.admin.api.settings.update.mutate({
		maxMembers: 10_000,
		maxOpenInvitations: 10_000,
		invitationsPerDay: 10_000,
		invitationsPerInviter: 10_000
	});
	companies = await Promise.all(Array.from({ length: 3 }, () => portal.company({ admin: portal.admin })));
	await connect();
});
afterAll(async () => {
	await watcher.end().catch(() => undefined);
	await portal.stop();
	await postgres.stop();
});

/** Members of each company invite people, one after the other, until they are stopped; who was answered is kept. */
function writeAll() {
	const answered: string[] = [];
	const refused: number[] = [];
	let isOver = false;
	const write = async (company: Company) => {
		while (!isOver) {
			const email = uniqueEmail();
			const invitee = { firstName: 'In', lastName: unique('Vitee'), email, role: 'team_member' as const };
			try {
				await company.owner.api.invitations.create.mutate({ organizationId: company.id, ...invitee });
				answered.push(email);
			} catch (error) {
				const { data } = error as { data?: { httpStatus?: number } };
				refused.push(data?.httpStatus ?? 0);
				// As a person would, who tries again.
				await sleep(20);
			}
		}
	};
	const writing = companies.flatMap((company) => [write(company), write(company)]);
	return {
		answered,
		refused,
		async stop() {
			isOver = true;
			await Promise.all(writing);
		}
	};
}

/** Each answered call has its row, its event and its message; each stream is without a gap and in the order of time. */
async function expectWhole(answered: string[]) {
	const { rows } = await watcher.query<{ email: string }>(
		`select given.email from unnest($1::text[]) as given(email)
		where not exists (select from invitation where invitation.email = given.email)
			or not exists (
				select from event
				where name = 'invitation.created' and payload->'invitation'->>'email' = given.email
			)
			or not exists (select from message where recipient = given.email)`,
		[answered]
	);
	expect(rows).toEqual([]);
	const { rows: broken } = await watcher.query(
		`select organization_id, seq from (
			select organization_id, seq, at,
				lag(seq, 1, 0::bigint) over stream as seq_before,
				lag(at, 1, '-infinity') over stream as at_before
			from event where seq is not null window stream as (partition by organization_id order by seq)
		) as numbered where seq <> seq_before + 1 or at < at_before`
	);
	expect(broken).toEqual([]);
}

test('connections that end in transactions end their calls and nothing else', async () => {
	const { pid } = portal.server;
	const writing = writeAll();
	let ended = 0;
	// One of several, and the next one when another call has been answered: what is whole has to be told from what is not.
	while (ended < toEnd) {
		const answered = writing.answered.length;
		const { rowCount } = await watcher.query(
			`select pg_terminate_backend(pid) from (
				select pid from pg_stat_activity
				where application_name = 'portico' and xact_start is not null and pid <> pg_backend_pid()
				order by random() limit 1
			) as one`
		);
		ended += rowCount ?? 0;
		while (rowCount && writing.answered.length === answered) await sleep(1);
	}
	const before = writing.answered.length;
	// It goes on without them being ended.
	while (writing.answered.length < before + 20) await sleep(5);
	await writing.stop();
	expect(portal.server.isRunning && portal.server.pid).toBe(pid);
	expect(new Set(writing.refused)).toEqual(new Set([503]));
	console.log(
		`${ended} connections ended: ${writing.answered.length} calls answered, ${writing.refused.length} not`
	);
	await expectWhole(writing.answered);
}, 3_000_000);

test('a PostgreSQL that is started again under load costs no answered call, and pages hear what comes after', async () => {
	const { pid } = portal.server;
	const [company] = companies as [Company];
	const page = await company.owner.listen();
	await page.hears('online');
	const writing = writeAll();
	while (writing.answered.length < 50) await sleep(5);
	await postgres.restart();
	await watcher.end().catch(() => undefined);
	await connect();
	const before = writing.answered.length;
	while (writing.answered.length < before + 50) await sleep(5);
	await writing.stop();
	expect(portal.server.isRunning && portal.server.pid).toBe(pid);
	await expectWhole(writing.answered);
	// Whatever the page has missed it was told to ask for; what comes now it hears.
	const { id } = await portal.application(company);
	await page.until(
		() =>
			page.events.some(
				(event) => event.name === 'application.created' && event.payload.application.id === id
			),
		'the news after the restart'
	);
	expect(page.words).toContain('resync');
	for (const email of writing.answered) {
		await portal.smtp.waitFor((mail) => JSON.stringify(mail.to).includes(email));
	}
});
