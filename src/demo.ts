import { sql } from 'kysely';
import type { Role } from '#lib/views.ts';
import type { Parts } from './http/context.ts';
import { hashPassword } from './identity/passwords.ts';
import { createAccount } from './procedures/accounts/accounts.ts';
import { addMember } from './people/members.ts';
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
	const robots = await as('linus').applications.create({
		organizationId: northwind.id,
		name: 'Warehouse robots',
		description: 'Asks for the next pick list every second.'
	});
	const organizationId = northwind.id;
	const trial = await as('linus').credentials.create({
		organizationId,
		applicationId: tracking.id,
		label: 'Trial'
	});
	await as('linus').credentials.revoke({
		organizationId,
		applicationId: tracking.id,
		credentialId: trial.id
	});
	const forgotten = await as('linus').credentials.create({
		organizationId,
		applicationId: robots.id,
		label: 'Conveyor test'
	});
	await as('linus').credentials.rotate({
		organizationId,
		applicationId: robots.id,
		credentialId: robots.credentials[0]?.id ?? '',
		overlapSeconds: 604_800
	});
	await as('mei').credentials.create({
		organizationId: northwind.id,
		applicationId: tracking.id,
		label: 'Staging'
	});
	const tariffs = await as('omar').applications.create({
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
	await offerProducts(as('admin'), [northwind.id]);
	const ask = async (
		name: Name,
		organizationId: string,
		applicationId: string,
		wanted: [string, string, string]
	) => {
		const [product, planName, message] = wanted;
		const { plans } = await as(name).accesses.getOffer({ product });
		const planId = plans.find((plan) => plan.name === planName)?.id ?? '';
		const place = { organizationId, applicationId };
		const { request } = await as(name).accesses.request({ ...place, product, planId, message });
		return { requestId: request?.id ?? '' };
	};
	const { accesses } = as('admin');
	const wanted = ['parcels', 'Standard', 'About 4,000 parcels a day.'] as [string, string, string];
	await accesses.approve(await ask('grace', northwind.id, tracking.id, wanted));
	await ask('linus', northwind.id, robots.id, ['customs', 'Partner', 'Pick lists for parcels abroad.']);
	await accesses.reject({
		...(await ask('omar', lumen.id, tariffs.id, ['parcels', 'Standard', ''])),
		reason: 'Please try it with the plan Free first.'
	});
	await spreadOverWeeks(parts);
	await useCredentials(parts, forgotten.id);
}

/** One for everybody, one for developers and one for chosen organizations. */
async function offerProducts(
	{ products, plans }: ReturnType<typeof createCaller>,
	chosen: string[]
): Promise<void> {
	const contact = 'apis@provider.example';
	const parcels = await products.create({
		name: 'Parcel API',
		slug: 'parcels',
		summary: 'Where a parcel is, and when it arrives.',
		description: parcelDescription,
		contact,
		visibility: 'everyone'
	});
	const plan = { text: '', perSecond: 0, perMonth: 0, approval: 'automatic' as const, credentialDays: 0 };
	await plans.create({
		...plan,
		productId: parcels.id,
		name: 'Free',
		text: 'To try it out.',
		perSecond: 2,
		perMonth: 10_000
	});
	await plans.create({
		...plan,
		productId: parcels.id,
		name: 'Standard',
		text: 'For applications that customers rely on.',
		perSecond: 20,
		perMonth: 500_000,
		approval: 'manual',
		credentialDays: 365
	});
	const rates = await products.create({
		name: 'Rates API',
		slug: 'rates',
		summary: 'What a shipment costs, before it is booked.',
		description: 'Prices by weight, size and destination, **as of today**.',
		contact,
		visibility: 'developers'
	});
	await plans.create({ ...plan, productId: rates.id, name: 'Standard', perSecond: 5, perMonth: 100_000 });
	const customs = await products.create({
		name: 'Customs API',
		slug: 'customs',
		summary: 'Declarations for shipments that cross a border.',
		description: 'For partners that declare shipments themselves.',
		contact,
		visibility: 'organizations'
	});
	await plans.create({ ...plan, productId: customs.id, name: 'Partner', approval: 'manual' });
	for (const organizationId of chosen)
		await products.choose({ productId: customs.id, organizationId, isChosen: true });
	for (const { id: productId } of [parcels, rates, customs]) await products.publish({ productId });
}

const parcelDescription = `Follow parcels from the first scan to the door.

## How one begins

1. Choose a plan and get access for an application.
2. Send its key as \`X-API-Key\`.

\`\`\`sh
curl -H "X-API-Key: …" https://api.provider.example/parcels/JD0002
\`\`\`

| Answer | What it means         |
| ------ | --------------------- |
| 200    | The parcel as it is   |
| 404    | No such parcel        |
`;

/** For how many days somebody was counting, by the hour and by the day. */
const [countedDays, watchedDays] = [35, 120];

/**
 * Some weeks of requests: more by day than by night and on weekdays than on others, by each credential since it was
 * made; refused where it was revoked. One was forgotten long ago.
 */
async function useCredentials({ db }: Parts, forgottenId: string): Promise<void> {
	await sql`
		update credential set created_at = now() - make_interval(days => ${watchedDays - 5})
		where id = ${forgottenId}`.execute(db);
	await sql`update credential set replaced_at = now() - interval '3 days' where is_replaced`.execute(db);
	await sql`
		update application set created_at = first.at from (
			select application_id, min(created_at) as at from credential group by application_id
		) as first
		where first.application_id = application.id and first.at < application.created_at`.execute(db);
	const watched = [
		['minute', 2],
		['hour', countedDays],
		['day', watchedDays]
	] as const;
	// From the first of them on the process watches too.
	for (const [span, days] of watched) {
		await sql`
			insert into usage_watch (span, at)
			select ${span}, at from generate_series(
				date_trunc(${span}, now() - make_interval(days => ${days}), 'UTC'), now(), ${`1 ${span}`}::interval
			) as at
			on conflict do nothing`.execute(db);
	}
	const [recent, earlier] = [
		sql`date_trunc('hour', now() - interval '1 hour', 'UTC')`,
		sql`date_trunc('hour', now() - make_interval(days => ${countedDays}), 'UTC')`
	];
	// Up to 500 an hour, with the hour of the day, the day of the week and a little chance.
	const perHour = sql`
		case when credential.revoked_at is null then 500 else 12 end
		* (0.15 + 0.85 * greatest(0, sin((extract(hour from at at time zone 'UTC') - 5) * pi() / 14)))
		* case when extract(isodow from at at time zone 'UTC') > 5 then 0.35 else 1 end
		* (0.6 + 0.8 * abs(hashtext(credential.id::text || at::text)::bigint % 100) / 100)
		* (0.3 + 0.7 * abs(hashtext(credential.id::text)::bigint % 100) / 100)`;
	const fill = (span: string, from: typeof recent, to: typeof recent, share: number) =>
		sql`
			insert into usage_count (credential_id, span, at, answer, count)
			select
				credential.id, ${span}, at,
				case when credential.revoked_at is null then 'allowed' else 'revoked' end,
				greatest(1, round((${perHour}) * ${share}::float8))::bigint
			from credential, generate_series(${from}, ${to}, ${`1 ${span}`}::interval) as at
			where credential.id <> ${forgottenId} and at >= credential.created_at`.execute(db);
	await fill('hour', earlier, sql`${recent} - interval '1 hour'`, 1);
	await fill('minute', recent, sql`now()`, 1 / 60);
	for (const [from, to] of [
		['minute', 'hour'],
		['hour', 'day']
	] as const) {
		await sql`
			insert into usage_count (credential_id, span, at, answer, count)
			select credential_id, ${to}, date_trunc(${to}, at, 'UTC'), answer, sum(count)
			from usage_count where span = ${from} group by 1, 3, 4`.execute(db);
	}
	await sql`
		insert into access_use (access_id, began_at, count)
		select access.id, date_trunc('month', usage_count.at, 'UTC'), sum(usage_count.count)
		from access
		join credential on credential.application_id = access.application_id
		join usage_count on usage_count.credential_id = credential.id
		where usage_count.span = 'day' and usage_count.answer = 'allowed'
		group by 1, 2`.execute(db);
	await sql`
		insert into credential_use (credential_id, used_at, refused_at, late_at)
		select
			credential_id, max(usage_count.at) filter (where answer = 'allowed'),
			max(usage_count.at) filter (where answer <> 'allowed'),
			max(usage_count.at) filter (where credential.replaced_at < usage_count.at)
		from usage_count join credential on credential.id = credential_id
		group by credential_id`.execute(db);
	await sql`
		insert into credential_use (credential_id, used_at)
		values (${forgottenId}, now() - make_interval(days => ${watchedDays - 15}))`.execute(db);
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
