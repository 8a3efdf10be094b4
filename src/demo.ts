import { sql } from 'kysely';
import type { Role } from '#lib/views.ts';
import type { Parts } from './http/context.ts';
import { hashPassword } from './identity/passwords.ts';
import { createAccount } from './procedures/accounts/accounts.ts';
import { addMember } from './procedures/members/members.ts';
import { createCaller } from './router.ts';
import type { Session } from './identity/sessions.ts';

/**
 * Sample companies, people and applications for `npm run demo`. Everything after the accounts is done through the
 * procedures, so that numbers, activity and e-mails are what they would be.
 */

const password = 'portico demo';

const people = {
	admin: { firstName: 'Ada', lastName: 'Moreau', email: 'ada@provider.example', isPortalAdmin: true },
	grace: { firstName: 'Grace', lastName: 'Okafor', email: 'grace@northwind.example' },
	linus: { firstName: 'Linus', lastName: 'Berg', email: 'linus@northwind.example' },
	mei: { firstName: 'Mei', lastName: 'Tanaka', email: 'mei@northwind.example' },
	omar: { firstName: 'Omar', lastName: 'Haddad', email: 'omar@lumen.example' },
	ines: { firstName: 'Inês', lastName: 'Carvalho', email: 'ines@atlas.example' }
} as const;

type Name = keyof typeof people;

/** Fills an empty database; leaves one with accounts as it is. Says who can sign in. */
export async function seedDemo(parts: Parts): Promise<void> {
	const known = await parts.db.selectFrom('account').select('email').orderBy('createdAt').executeTakeFirst();
	if (!known) await seed(parts);
	else if (known.email !== people.admin.email) {
		throw new Error('This DATA_FOLDER holds a portal of your own. The demo needs an empty one.');
	}
	console.log(
		'\nThis is the demo: sample data in a folder of its own. Sign in with the password “portico demo” as'
	);
	for (const { firstName, lastName, email } of Object.values(people)) {
		console.log(`  ${email.padEnd(26)} ${firstName} ${lastName}`);
	}
}

async function seed(parts: Parts): Promise<void> {
	const passwordHash = await hashPassword(password);
	const sessions = new Map<Name, Session>();
	for (const [name, person] of Object.entries(people)) {
		const account = await parts.db
			.transaction()
			.execute((db) => createAccount(db, { ...person, passwordHash, emailVerifiedAt: new Date() }));
		const user = { ...account, isEmailVerified: true };
		sessions.set(name as Name, { id: `demo ${name}`, user });
	}
	const as = (name: Name) =>
		createCaller({
			...parts,
			config: parts.env,
			requestId: 'demo',
			address: 'demo',
			session: sessions.get(name) ?? null,
			device: { label: 'Demo', token: null },
			setSessionToken: () => {},
			drawnFor: null,
			setDeviceToken: () => {}
		});

	const northwind = await as('grace').organizations.request({ name: 'Northwind Logistics' });
	await as('admin').organizations.approve({ organizationId: northwind.id });
	const lumen = await as('omar').organizations.request({ name: 'Lumen Energy' });
	await as('admin').organizations.approve({ organizationId: lumen.id });

	await join(parts, northwind.id, sessions.get('linus'), 'team_member');
	await join(parts, northwind.id, sessions.get('mei'), 'super_admin');
	const tracking = await as('grace').applications.create({
		organizationId: northwind.id,
		name: 'Parcel tracking',
		description: 'Shows customers where their parcel is.'
	});
	await as('linus').applications.create({
		organizationId: northwind.id,
		name: 'Warehouse robots',
		description: 'Asks for the next pick list every second.'
	});
	await as('mei').credentials.create({
		organizationId: northwind.id,
		applicationId: tracking.id,
		label: 'Staging'
	});
	await as('omar').applications.create({
		organizationId: lumen.id,
		name: 'Tariff calculator',
		description: ''
	});
	await as('grace').invitations.create({
		organizationId: northwind.id,
		firstName: 'Noor',
		lastName: 'Aziz',
		email: 'noor@northwind.example',
		role: 'team_member'
	});
	await as('ines').organizations.request({ name: 'Atlas Freight' });

	const admin = as('admin').organizations;
	await admin.create({
		name: 'Borealis Shipping',
		firstName: 'Sana',
		lastName: 'Virtanen',
		email: 'sana@borealis.example'
	});
	const kestrel = await as('omar').organizations.request({ name: 'Kestrel Air' });
	await admin.reject({
		organizationId: kestrel.id,
		reason: 'We could not find the company under this name. Please give the full legal name.'
	});
	const harbour = await as('mei').organizations.request({ name: 'Harbour Tools' });
	await admin.approve({ organizationId: harbour.id });
	await admin.suspend({ organizationId: harbour.id });
	await spreadOverWeeks(parts);
}

/** A portal on which everything began a second ago shows nothing: some of it gets older dates. */
async function spreadOverWeeks({ db }: Parts): Promise<void> {
	for (const [table, column] of [
		['organization', 'requested_at'],
		['membership', 'joined_at'],
		['credential', 'created_at']
	] as const) {
		await sql`
			update ${sql.table(table)} set ${sql.ref(column)} = older.at from (
				select id, ${sql.ref(column)} - make_interval(days => (row_number() over (order by id desc))::int * 5 % 29) as at
				from ${sql.table(table)}
			) older
			where older.id = ${sql.table(table)}.id ${table === 'organization' ? sql`and status <> 'pending'` : sql``}`.execute(
			db
		);
	}
}

/** As accepting an invitation ends, without the link that only its e-mail has. */
async function join(
	parts: Parts,
	organizationId: string,
	session: Session | undefined,
	role: Role
): Promise<void> {
	if (!session) throw new Error('The demo has no such person.');
	await parts.db
		.transaction()
		.execute((db) => addMember(db, { id: organizationId, isPersonal: false }, { ...session.user, role }));
}
