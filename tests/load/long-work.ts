import { setTimeout as sleep } from 'node:timers/promises';
import { createTRPCClient, httpLink } from '@trpc/client';
import { sql } from 'kysely';
import pino from 'pino';
import { openDatabase, type Db } from '../../src/database/database.ts';
import { readEnv } from '../../src/env.ts';
import { startBoss } from '../../src/jobs.ts';
import { createOutbox } from '../../src/mail/outbox.ts';
import { sweepEvents } from '../../src/procedures/activity/activity.ts';
import { deleteDueOrganizations } from '../../src/procedures/organizations/deletions.ts';
import type { AppRouter } from '../../src/router.ts';
import { openVault } from '../../src/vault/vault.ts';
import {
	measure,
	middleOf,
	printCells,
	printRow,
	rowOf,
	timeAll,
	type Probe,
	type Row,
	type Work
} from './probes.ts';
import { createDatabase, startServer, type Server } from '../harness.ts';
import { insertMember, insertPerson } from '../people.ts';
import { startPostgres } from '../setup/postgres.ts';
import { startSmtp } from '../smtp.ts';

/**
 * `npm run bench:long-work`: on PostgreSQL, how long what touches many rows takes, and how much longer than at rest
 * somebody else's registration and a change in another organization take while it is under way.
 */

const members = 1001;
const events = 200_000;
const invitations = 500;
const runs = 3;
const password = 'a password for measuring';
/** How many calls one busy organization makes at once, and for how long somebody else holds its row, in milliseconds. */
const busy = { calls: 40, heldFor: 3000, lists: 16, invitees: 100 };

let visitors = 0;
/** Somebody with these cookies, and a network address of their own. */
function visitor(server: Server, cookies: readonly (readonly [string, string])[] = []) {
	const jar = new Map(cookies);
	const n = ++visitors;
	const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
	return createTRPCClient<AppRouter>({
		links: [
			httpLink({
				url: `${server.origin}/trpc`,
				async fetch(url, init) {
					const headers = new Headers(init?.headers as HeadersInit);
					headers.set('origin', server.origin);
					headers.set('x-forwarded-for', address);
					headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '));
					const answer = await fetch(url as string, { ...(init as RequestInit), headers });
					for (const line of answer.headers.getSetCookie()) {
						const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
						jar.set(name, value);
					}
					return answer;
				}
			})
		]
	});
}

/** Members without a session, and open invitations by one of them. */
async function fill(
	db: Db,
	organizationId: string,
	count: { members?: number; invitations?: number },
	by: string
) {
	await sql`
		with people as (
			insert into account (email, password_hash, first_name, last_name, email_verified_at)
			select gen_random_uuid() || '@many.test', 'none', 'Many', 'No ' || i, now()
			from generate_series(1, ${sql.lit(count.members ?? 0)}) i
			returning id
		)
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select ${organizationId}::uuid, id, 'Many', 'People', 'team_member' from people`.execute(db);
	await sql`
		insert into invitation
			(organization_id, email, first_name, last_name, role, token_hash, invited_by, expires_at)
		select ${organizationId}::uuid, gen_random_uuid() || '@invited.test', 'In', 'Vitee', 'team_member',
			gen_random_uuid()::text, ${by}::uuid, now() + interval '1 day'
		from generate_series(1, ${sql.lit(count.invitations ?? 0)})`.execute(db);
}

/** What happened in it, so often. */
async function fillEvents(db: Db, organizationId: string, count: number) {
	const share = 10_000;
	for (let told = 0; told < count; told += share) {
		await sql`
			select count(*) from publish_events(${organizationId}::uuid, (
				select jsonb_agg('{
					"name": "credential.revealed", "actor": {"id": null, "name": "Many", "kind": "system"},
					"payload": {}, "isForOrganization": true, "isForPortal": false
				}'::jsonb) from generate_series(1, ${sql.lit(share)}))
			)`.execute(db);
	}
}

async function bench(url: string): Promise<void> {
	const smtp = await startSmtp();
	const admin = { email: 'admin@example.test', password };
	await using server = await startServer({
		database: 'postgres',
		env: {
			DATABASE_URL: url,
			SMTP_URL: smtp.url,
			PORTAL_ADMIN_EMAIL: admin.email,
			PORTAL_ADMIN_PASSWORD: admin.password,
			TRUSTED_PROXIES: '1',
			LOG_LEVEL: 'warn'
		}
	});
	const env = readEnv({ DATABASE_URL: url, DATA_FOLDER: server.dataFolder, ORIGIN: server.origin });
	const database = await openDatabase(env);
	const { db } = database;
	const log = pino({ level: 'silent' });
	const boss = await startBoss(database.source, log);
	try {
		const governor = visitor(server);
		await governor.sessions.create.mutate(admin);
		await governor.settings.update.mutate({ changesPerPerson: 100_000, changesPerOrganization: 100_000 });
		const many = { maxOpenInvitations: 10_000, invitationsPerDay: 10_000, invitationsPerInviter: 10_000 };
		await governor.settings.update.mutate({ ...many, maxMembers: 10_000 });

		let names = 0;
		const nameOf = (word: string) => `${word} ${++names}`;
		const named = (word: string) => ({
			email: `${word}${++names}@people.test`,
			firstName: 'Some',
			lastName: nameOf('Body')
		});
		const company = async () => {
			const person = named('owner');
			const { userId, cookies } = await insertPerson(db, person, password, '10.0.0.1');
			const owner = visitor(server, cookies);
			const name = nameOf('Company');
			const { id } = await owner.organizations.request.mutate({ name });
			await governor.organizations.approve.mutate({ organizationId: id });
			return { id, name, owner: { api: owner, userId, ...person } };
		};
		/** A Super admin with open invitations, in a company that has another one. */
		const inviter = async () => {
			const { id, owner } = await company();
			const names = named('inviter');
			const person = { ...names, role: 'super_admin' as const };
			const { userId, memberId } = await insertMember(db, { id, owner }, person, password, '10.0.0.1');
			await fill(db, id, { invitations }, userId);
			const { firstName, lastName } = names;
			return { owner: owner.api, userId, member: { organizationId: id, memberId, firstName, lastName } };
		};

		const large = await company();
		await fill(db, large.id, { members: members - 1 }, large.owner.userId);
		const other = await company();
		const application = { organizationId: other.id, name: 'Application', description: '' };
		const { id: applicationId } = await other.owner.api.applications.create.mutate(application);
		const inviters = [];
		for (let run = 0; run < 2 * runs; run++) inviters.push(await inviter());
		await fillEvents(db, large.id, events);
		await sql`vacuum analyze`.execute(db);

		const probes: Probe[] = [
			{
				name: 'registration',
				work: () => visitor(server).accounts.register.mutate({ ...named('new'), password }),
				atRest: 0
			},
			{
				name: 'another change',
				work: () =>
					other.owner.api.applications.update.mutate({
						...application,
						applicationId,
						description: nameOf('Text')
					}),
				atRest: 0
			}
		];
		probes.push({
			name: 'the check /readyz',
			work: async () => (await fetch(`${server.origin}/readyz`)).text(),
			atRest: 0
		});
		let isOver = false;
		const resting = probes.map(({ work }) => timeAll(work, () => isOver));
		setTimeout(() => (isOver = true), 3000);
		for (const [index, times] of (await Promise.all(resting)).entries()) {
			Object.assign(probes[index] ?? {}, { atRest: middleOf(times) });
		}
		printCells('at rest, ms', ['', '', ...probes.map(({ atRest }) => String(Math.round(atRest)))]);
		printCells('ms', ['median', 'longest', ...probes.map(({ name }) => `+ ${name}`)]);
		/** Each with the messages of the one before out of the way: sending them is work of its own. */
		const measureAll = async (...rows: [Row, Work[]][]) => {
			const longest = Math.max(...rows.map(([, works]) => works.length));
			for (let run = 0; run < longest; run++) {
				for (const [row, works] of rows) {
					await sql`delete from pgboss.job where name = 'mail' and state = 'created'`.execute(db);
					const work = works[run];
					if (work) await measure(row, work, probes);
				}
			}
			for (const [row] of rows) printRow(row);
		};

		const crowded = await company();
		const createApplication = () =>
			crowded.owner.api.applications.create.mutate({
				organizationId: crowded.id,
				name: nameOf('Application'),
				description: ''
			});
		/** Somebody else holds the row that all of these calls wait for. */
		const crowd = async () => {
			const isHeld = Promise.withResolvers<void>();
			const holding = db.transaction().execute(async (trx) => {
				await sql`select from organization where id = ${crowded.id} for update`.execute(trx);
				isHeld.resolve();
				await sleep(busy.heldFor);
			});
			await isHeld.promise;
			await Promise.all([holding, ...Array.from({ length: busy.calls }, createApplication)]);
		};
		const rowsOf = () =>
			Array.from({ length: busy.invitees }, () => ({ ...named('invitee'), role: 'team_member' as const }));
		// Who waits for ten seconds is told to come back.
		const inviteCrowds = () =>
			Promise.allSettled(
				Array.from({ length: busy.lists }, () =>
					crowded.owner.api.invitations.createMany.mutate({ organizationId: crowded.id, rows: rowsOf() })
				)
			);
		await measureAll([rowOf(`${busy.calls} calls for a row that is held`, null), [crowd]]);
		await measureAll([
			rowOf(`${busy.lists} × ${busy.invitees} invitations of one company`, null),
			[inviteCrowds]
		]);

		const organizationId = large.id;
		const repeated = (work: Work) => Array<Work>(runs).fill(work);
		await measureAll(
			[
				rowOf(`suspending ${members} members`),
				repeated(() => governor.organizations.suspend.mutate({ organizationId }))
			],
			[
				rowOf(`restoring ${members} members`),
				repeated(() => governor.organizations.restore.mutate({ organizationId }))
			]
		);
		await measureAll([
			rowOf(`demoting who has ${invitations} open invitations`),
			inviters.slice(0, runs).map(
				({ owner, member }) =>
					() =>
						owner.members.update.mutate({ ...member, role: 'team_member' })
			)
		]);
		await measureAll([
			rowOf(`deleting an account with ${invitations} of them`),
			inviters.slice(runs).map(
				({ userId }) =>
					() =>
						governor.accounts.delete.mutate({ accountId: userId })
			)
		]);
		await db
			.updateTable('organization')
			.set({ deletesAt: new Date(Date.now() - 1000) })
			.where('id', '=', organizationId)
			.execute();
		const outbox = createOutbox(boss, openVault(env), { ORIGIN: env.ORIGIN, MAIL_GATHER_SECONDS: 0 });
		await measureAll([
			rowOf(`deleting an organization of ${members} members`),
			[() => deleteDueOrganizations({ db, log, outbox, config: env })]
		]);
		await measureAll([rowOf(`its ${events} events, after it and by and by`, null), [() => sweepEvents(db)]]);
	} finally {
		await boss.stop({ graceful: false });
		await database.close();
		await smtp.stop();
	}
}

const given = process.env.TEST_DATABASE_URL;
const postgres = given ? null : await startPostgres();
if (postgres) process.env.TEST_DATABASE_URL = postgres.url;
try {
	const { url, drop } = await createDatabase();
	try {
		await bench(url);
	} finally {
		await drop();
	}
} finally {
	await postgres?.stop();
}
