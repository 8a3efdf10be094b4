import { sql, type KyselyPlugin } from 'kysely';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database, type Db } from '../src/database/database.ts';
import { readEnv, type Env } from '../src/env.ts';
import { startBoss } from '../src/jobs.ts';
import { createOutbox } from '../src/mail/outbox.ts';
import { createCaller } from '../src/router.ts';
import { findSession } from '../src/identity/sessions.ts';
import { openVault } from '../src/vault/vault.ts';
import { getPortal, type Company, type Person, type Portal } from './factories.ts';

/** What touches many rows takes a fixed number of statements, and holds up nobody who has nothing to do with it. */

let portal: Portal;
let database: Database;
let boss: Awaited<ReturnType<typeof startBoss>>;
let env: Env;
let statements = 0;
beforeAll(async () => {
	portal = await getPortal();
	const { databaseUrl = '', dataFolder, origin } = portal.server;
	env = readEnv({ DATABASE_URL: databaseUrl ?? '', DATA_FOLDER: dataFolder, ORIGIN: origin });
	database = await openDatabase(env);
	boss = await startBoss(database.source, pino({ level: 'silent' }));
});
afterAll(async () => {
	await boss.stop({ graceful: false });
	await database.close();
	await portal.stop();
});

const counter: KyselyPlugin = {
	transformQuery: ({ node }) => node,
	// Not where they are built, which is done once for those that are asked often.
	async transformResult({ result }) {
		// A share of somebody's budget is taken when the one before is spent, or a minute over: with whichever call that is.
		const isShare = result.rows.some((row) => 'share' in row && 'wait' in row);
		if (!isShare) statements += 1;
		return result;
	}
};

/** The procedures of this process, whose statements count, as called by that person. */
async function callerFor(db: Db, person: Pick<Person, 'jar'>) {
	const token = person.jar.get('portico') ?? '';
	const vault = openVault(env);
	return createCaller({
		db,
		config: env,
		vault,
		outbox: createOutbox(boss, vault, { ORIGIN: env.ORIGIN, MAIL_GATHER_SECONDS: 0 }),
		log: pino({ level: 'silent' }),
		requestId: 'test',
		address: '10.0.0.1',
		session: await findSession(db, token, null),
		device: { label: 'A test', token: null },
		setSessionToken: () => undefined,
		drawnFor: null,
		setDeviceToken: () => undefined
	});
}

async function counting<Result>(
	person: Pick<Person, 'jar'>,
	run: (api: Awaited<ReturnType<typeof callerFor>>) => Promise<Result>
) {
	const api = await callerFor(database.db.withPlugin(counter), person);
	statements = 0;
	const result = await run(api);
	return { result, count: statements };
}

/** So many people more in the organization, and as many invitations of its owner. */
async function fill(company: Company, count: number) {
	const { db } = database;
	await sql`
		with people as (
			insert into account (email, password_hash, first_name, last_name, email_verified_at)
			select gen_random_uuid() || '@many.test', 'none', 'Many', 'No ' || i, now()
			from generate_series(1, ${sql.lit(count)}) i
			returning id
		)
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select ${company.id}::uuid, id, 'Many', 'People', 'super_admin' from people`.execute(db);
	await sql`
		insert into invitation
			(organization_id, email, first_name, last_name, role, token_hash, invited_by, expires_at)
		select ${company.id}::uuid, gen_random_uuid() || '@invited.test', 'In', 'Vitee', 'team_member',
			gen_random_uuid()::text, ${company.owner.userId}::uuid, now() + interval '1 day'
		from generate_series(1, ${sql.lit(count)})`.execute(db);
}

async function companyOf(count: number) {
	const company = await portal.company({ admin: portal.admin });
	await fill(company, count);
	return company;
}

const messagesOf = async (template: string) => {
	const rows = await database.db
		.selectFrom('message')
		.select('recipient')
		.where('template', '=', template)
		.execute();
	return new Set(rows.map(({ recipient }) => recipient));
};

test('one who does without e-mails of a topic gets none among many, and every other one does', async () => {
	const company = await companyOf(3);
	const member = await portal.member(company);
	await member.api.preferences.update.mutate({ topic: 'suspensions', isWanted: false });
	await counting(portal.admin, (api) => api.organizations.suspend({ organizationId: company.id }));
	const written = await messagesOf('organization-suspended');
	expect([written.has(member.email), written.has(company.owner.email)]).toEqual([false, true]);
});

test('demoting somebody with 60 open invitations takes as many statements as with 3; the chain holds, pages hear each', async () => {
	const counts: number[] = [];
	const companies: string[] = [];
	for (const count of [3, 60]) {
		const company = await companyOf(count);
		const other = await portal.member(company, 'super_admin');
		const page = await other.listen();
		await page.hears('online');
		const { snapshot } = await other.api.organizations.open.query({ slug: company.slug });
		const { owner, id: organizationId } = company;
		companies.push(organizationId);
		const memberId = snapshot.members.find(({ userId }) => userId === owner.userId)?.id ?? '';
		const { firstName, lastName } = owner;
		const done = await counting(other, (api) =>
			api.members.update({ organizationId, memberId, firstName, lastName, role: 'team_member' })
		);
		counts.push(done.count);
		const revoked = () => page.events.filter(({ name }) => name === 'invitation.revoked');
		await page.until(() => revoked().length === count, `${count} revocations`);
		expect(new Set(revoked().map(({ seq }) => seq)).size).toBe(count);
		page.socket.disconnect();
	}
	expect(counts[1]).toBe(counts[0]);
	const { rows } = await sql<{ wrong: number; all: number }>`
		select count(*) filter (where is_wrong)::int as wrong, count(*)::int as all from (
			select hash <> event_hash(
				coalesce(lag(hash) over (partition by organization_id order by seq), ''), organization_id::text, seq,
				organization_id, name, actor, payload, at
			) as is_wrong
			from event where seq is not null and organization_id in (${sql.join(companies.map((id) => sql`${id}::uuid`))})
		) events`.execute(database.db);
	expect(rows).toMatchObject([{ wrong: 0 }]);
	expect(rows[0]?.all).toBeGreaterThan(60);
});

test('who registers is not held up by a suspension that still has to write to its members', async () => {
	const company = await companyOf(5);
	const blocking = Promise.withResolvers<void>();
	const held = Promise.withResolvers<void>();
	// What a suspension reads before it writes, and registering doesn't.
	const holding = database.db.transaction().execute(async (trx) => {
		await sql`lock table mail_opt_out in access exclusive mode`.execute(trx);
		held.resolve();
		await blocking.promise;
	});
	await held.promise;
	const suspending = portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
	try {
		for (;;) {
			const { rows } = await sql<object>`
				select from pg_locks where not granted and relation = 'mail_opt_out'::regclass`.execute(database.db);
			if (rows.length > 0) break;
		}
		const person = await portal.person();
		expect(person.userId).not.toBe('');
	} finally {
		blocking.resolve();
		await holding;
	}
	expect((await suspending).status).toBe('suspended');
});

test('an organization of many events goes at once, and its events after it, some thousand at a time', async () => {
	const company = await companyOf(3);
	await sql`
		select publish_events(${company.id}::uuid, (
			select jsonb_agg('{
				"name": "credential.revealed", "actor": {"id": null, "name": "Many", "kind": "system"},
				"payload": {}, "isForOrganization": true, "isForPortal": false
			}'::jsonb) from generate_series(1, 4500))
		)`.execute(database.db);
	await database.db
		.updateTable('organization')
		.set({ deletesAt: new Date(Date.now() - 1000) })
		.where('id', '=', company.id)
		.execute();
	await portal.server.restart();
	const left = async () => {
		const rows = await database.db
			.selectFrom('event')
			.select(['portalSeq', 'name'])
			.where('organizationId', '=', company.id)
			.execute();
		const gone = await database.db.selectFrom('goneStream').selectAll().execute();
		return {
			own: rows.filter(({ portalSeq }) => portalSeq === null).length,
			all: rows.length,
			gone: gone.length
		};
	};
	await portal.smtp.waitFor(({ subject }) => subject === `${company.name} has been deleted`);
	await expect.poll(left).toMatchObject({ own: 0, gone: 0 });
	expect((await left()).all).toBeGreaterThan(0);
});

// The last: what it writes is still on its way.
test('deciding about an organization of 60 takes as many statements as about one of 3, and writes to all', async () => {
	const [small, large] = [await companyOf(2), await companyOf(59)];
	for (const name of ['suspend', 'restore', 'scheduleDeletionAsPortal', 'cancelDeletionAsPortal'] as const) {
		const run = ({ id: organizationId, name: typed }: Company) =>
			counting(portal.admin, (api) =>
				name === 'scheduleDeletionAsPortal'
					? api.organizations.scheduleDeletionAsPortal({ organizationId, name: typed })
					: api.organizations[name]({ organizationId })
			);
		const [few, many] = [await run(small), await run(large)];
		expect(many.count, name).toBe(few.count);
	}
	const members = await database.db
		.selectFrom('membership')
		.innerJoin('account', 'account.id', 'membership.userId')
		.select('account.email')
		.where('organizationId', '=', large.id)
		.execute();
	const written = await messagesOf('organization-suspended');
	expect(members.filter(({ email }) => !written.has(email))).toEqual([]);
});
