import { randomBytes } from 'node:crypto';
import { createTRPCClient, httpLink } from '@trpc/client';
import { sql } from 'kysely';
import { openDatabase, type Db } from '../../src/database/database.ts';
import type { AppRouter } from '../../src/router.ts';
import { createDatabase, startServer } from '../harness.ts';
import { insertMember, insertPerson } from '../people.ts';

/** The company that calls are measured in, on Portico and on the floor beside it. */

export const password = 'a password for measuring';
/** Each of the callers is invited by so many organizations. */
export const offers = 60;
export const names = (n: number) => ({
	email: `p${n}@example.test`,
	firstName: 'Person',
	lastName: `No ${n}`
});

export interface Team {
	organizationId: string;
	member: { memberId: string; firstName: string; lastName: string };
}

export type Scene = Awaited<ReturnType<typeof setScene>>;

/** @param callers who ask at the same time. @param members of the company that all of them belong to. */
export async function setScene(callers: number, members: number) {
	const { url, drop } = await createDatabase();
	const keys = {
		ENCRYPTION_KEY: randomBytes(32).toString('base64'),
		LOOKUP_KEY: randomBytes(32).toString('base64')
	};
	const gatewayToken = randomBytes(24).toString('hex');
	const profiles = process.env.BENCH_PROFILE;
	const env = { DATABASE_URL: url, ...keys, GATEWAY_TOKEN: gatewayToken, LOG_LEVEL: 'warn', SMTP_URL: '' };
	const server = await startServer({
		database: 'postgres',
		env: { ...env, ...(profiles && { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` }) }
	});
	const database = await openDatabase({ DATABASE_URL: url, DATA_FOLDER: '' });
	const { db } = database;
	const apiOf = (cookie: string) =>
		createTRPCClient<AppRouter>({
			links: [httpLink({ url: `${server.origin}/trpc`, headers: { origin: server.origin, cookie } })]
		});

	const owner = await insertPerson(db, names(0), password, '10.0.0.1');
	const cookieOf = (cookies: typeof owner.cookies) => cookies.map((pair) => pair.join('=')).join('; ');
	const cookies = [cookieOf(owner.cookies)];
	const api = apiOf(cookies[0] ?? '');
	const { id, slug } = await api.organizations.request.mutate({ name: 'Northwind' });
	await sql`update organization set status = 'approved', decided_at = now() where id = ${id}`.execute(db);
	for (let n = 1; n < members; n++) {
		const person = { ...names(n), role: 'team_member' } as const;
		cookies.push(cookieOf((await insertMember(db, { id, owner }, person, password, '10.0.0.2')).cookies));
	}
	const application = await api.applications.create.mutate({ organizationId: id, name: 'Tracking' });
	const { secret } = await api.credentials.reveal.mutate({
		organizationId: id,
		applicationId: application.id,
		credentialId: application.credentials[0]?.id ?? ''
	});

	// The limits are as wide as the settings let them be.
	await sql`
		update portal set
			changes_per_person = 100000, changes_per_organization = 100000, invitations_per_inviter = 10000,
			invitations_per_day = 10000, max_open_invitations = 10000, max_applications = 10000, max_members = 10000,
			credential_per_second = 1000000, credential_per_month = 2000000000,
			application_per_second = 1000000, application_per_month = 2000000000`.execute(db);
	const teams: Team[] = [];
	for (let n = 0; n < callers; n++) teams.push(await makeTeam(db, n, callers));
	const offered = await makeOffers(db, callers);
	const credentials = [];
	for (const [caller, { organizationId }] of teams.entries()) {
		const own = apiOf(cookies[caller] ?? '');
		const made = await own.applications.create.mutate({ organizationId, name: 'First' });
		credentials.push({
			organizationId,
			applicationId: made.id,
			credentialId: made.credentials[0]?.id ?? ''
		});
	}
	await sql`analyze`.execute(db);

	return {
		server,
		/** What the portal was started with, but for what profiles it. */
		env,
		members,
		keys,
		url,
		slug,
		cookies,
		gatewayToken,
		secret,
		teams,
		/** Ids of the invitations that wait for each caller. */
		offered,
		/** A credential of each caller's team. */
		credentials,
		/** Has all offers wait again. */
		async offerAgain() {
			await sql`
				delete from membership using organization
				where organization.id = organization_id and slug like 'offer-%' and user_id <> requested_by`.execute(db);
			await sql`
				update invitation set state = 'pending' from organization
				where organization.id = organization_id and slug like 'offer-%'`.execute(db);
		},
		async end() {
			await database.close();
			await server.dispose();
			await drop();
		}
	};
}

/** A team for each caller, so that none waits for another's lock. */
async function makeTeam(db: Db, n: number, callers: number): Promise<Team> {
	const team = await sql<{ id: string }>`
		insert into organization (slug, name, name_key, status, requested_by)
		select ${`team-${n}`}, ${`Team ${n}`}, ${`team ${n}`}, 'approved', id from account where email = ${names(n).email}
		returning id`.execute(db);
	const organizationId = team.rows[0]?.id ?? '';
	const { email, firstName, lastName } = names(n + callers);
	const people = await sql<{ id: string }>`
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select ${organizationId}, id, first_name, last_name,
			case email when ${names(n).email} then 'super_admin' else 'team_member' end
		from account where email in (${names(n).email}, ${email}) order by email = ${names(n).email}
		returning id`.execute(db);
	return { organizationId, member: { memberId: people.rows[0]?.id ?? '', firstName, lastName } };
}

async function makeOffers(db: Db, callers: number): Promise<string[][]> {
	await sql`
		insert into organization (slug, name, name_key, status, requested_by)
		select 'offer-' || n, 'Offer ' || n, 'offer ' || n, 'approved', (select id from account where email = ${names(50).email})
		from generate_series(1, ${offers}) as n`.execute(db);
	await sql`
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select organization.id, account.id, account.first_name, account.last_name, 'super_admin'
		from organization join account on account.id = requested_by where slug like 'offer-%'`.execute(db);
	const emails = Array.from({ length: callers }, (_, n) => names(n).email);
	await sql`
		insert into invitation (organization_id, email, first_name, last_name, role, token_hash, invited_by, expires_at)
		select organization.id, email, first_name, last_name, 'team_member', slug || email, requested_by, now() + interval '7 days'
		from organization, account
		where slug like 'offer-%' and email = any(${emails})`.execute(db);
	const { rows } = await sql<{ email: string; ids: string[] }>`
		select email, array_agg(invitation.id) as ids from invitation join organization on organization.id = organization_id
		where slug like 'offer-%' group by email`.execute(db);
	return emails.map((email) => rows.find((row) => row.email === email)?.ids ?? []);
}
