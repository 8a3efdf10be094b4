import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { openDatabase, type Db } from '../../src/database/database.ts';
import { createDatabase, startServer, type Database, type Server } from '../harness.ts';
import { hashPassword } from '../../src/identity/passwords.ts';
import { seedOrganizations } from './seed.ts';
import { admin, measure, printHead, printRow, signIn, type Client } from './timing.ts';

/**
 * What API products cost with 1,000 of them and 100,000 accesses, beside what they cost with 10 and 100, through HTTP: the
 * lists of everybody, and what gateways ask.
 */

const organizations = 10_000;
const few = { products: 10, accesses: 100 };
const many = { products: 1000, accesses: 100_000 };
/** So many calls, each for another key that no process knows yet. */
const keys = 18;
const member = { email: 'person1@company1.test', password: admin.password };

/** Products up to so many, with two plans each, and accesses up to so many, each by a request; some wait, some were rejected. */
async function seedProducts(db: Db, { products, accesses }: typeof few): Promise<void> {
	const actor = sql`jsonb_build_object('id', null, 'name', 'Portico', 'kind', 'system')`;
	await sql`
		insert into product (slug, name, summary, status, visibility, created_by, created_at, published_at)
		select 'product-' || i, 'Product ' || i, 'Says something about it.', 'published',
			(array['everyone', 'developers', 'organizations'])[1 + i % 3], ${actor},
			now() - make_interval(mins => i), now() - make_interval(mins => i)
		from generate_series(1, ${sql.lit(products)}) i
		on conflict do nothing`.execute(db);
	await sql`
		insert into plan (product_id, name, per_second, per_month, approval, position)
		select product.id, given.name, 0, 0, 'automatic', given.position
		from product cross join (values ('Trial', 0), ('Business', 1)) given (name, position)
		on conflict do nothing`.execute(db);
	await sql`
		insert into product_organization (product_id, organization_id)
		select product.id, organization.id
		from product join organization on organization.slug in ('company-1', 'company-2', 'company-4')
		where product.visibility = 'organizations'
		on conflict do nothing`.execute(db);
	// Each application has five, of products that lie apart from each other.
	await sql`
		create temporary table given as
		with numbered as (
			select application.id, application.organization_id,
				row_number() over (order by organization.requested_at desc, application.name) - 1 as n
			from application join organization on organization.id = application.organization_id
			where organization.slug like 'company-%'
		)
		select numbered.id as application_id, numbered.organization_id, product.id as product_id, plan.id as plan_id,
			numbered.n * 5 + one as n
		from numbered cross join generate_series(0, 4) one
		join product on product.slug = 'product-' || (1 + (numbered.n * 7 + one * 2) % ${sql.lit(products)})
		join plan on plan.product_id = product.id and plan.position = 0
		where numbered.n * 5 + one < ${sql.lit(accesses)}`.execute(db);
	await sql`
		insert into access (organization_id, application_id, product_id, plan_id, granted_at)
		select organization_id, application_id, product_id, plan_id, now() - make_interval(mins => n::int) from given
		on conflict do nothing`.execute(db);
	await sql`
		insert into access_request (organization_id, application_id, product_id, plan_id, message, status, requested_by,
			requested_at, decided_by, decided_at)
		select organization_id, application_id, product_id, plan_id, 'We would like to.', 'approved', ${actor},
			now() - make_interval(mins => n::int + 60), ${actor}, now() - make_interval(mins => n::int)
		from given`.execute(db);
	// The same number of these in both cases, of those who asked first.
	await sql`
		insert into access_request (organization_id, application_id, product_id, plan_id, status, requested_by, requested_at,
			decided_by, decided_at)
		select organization_id, application_id, product_id, plan_id, kind, ${actor}, now() - interval '400 days',
			case kind when 'pending' then null else ${actor} end,
			case kind when 'pending' then null else now() - interval '399 days' end
		from given cross join (values ('pending'), ('rejected')) kinds (kind)
		where n < 50
		on conflict do nothing`.execute(db);
	await sql`drop table given`.execute(db);
}

interface Asked {
	nobody: (path: string) => Promise<unknown>;
	member: Client;
	provider: Client;
	organizationId: string;
	productId: string;
	/** As a gateway asks about a key for the product. */
	check: (key: string) => Promise<void>;
	keys: string[];
}

const trpc = (path: string, input: object) =>
	`/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`;

const measures: [string, (asked: Asked) => Promise<unknown>][] = [
	['catalogue, signed out', ({ nobody }) => nobody(trpc('products.catalogue', {}))],
	['catalogue, of a member', ({ member: { api } }) => api.products.catalogue.query({})],
	[
		'catalogue, search “product 1”',
		({ member: { api } }) => api.products.catalogue.query({ search: 'product 1' })
	],
	[
		'catalogue, search without a find',
		({ member: { api } }) => api.products.catalogue.query({ search: 'zzz' })
	],
	['a product', ({ member: { api } }) => api.products.open.query({ slug: 'product-1' })],
	['provider’s list', ({ provider: { api } }) => api.products.list.query({})],
	['provider’s list, retired', ({ provider: { api } }) => api.products.list.query({ status: 'retired' })],
	['requests that wait', ({ provider: { api } }) => api.accesses.list.query({})],
	['requests, approved', ({ provider: { api } }) => api.accesses.list.query({ status: 'approved' })],
	['requests, rejected', ({ provider: { api } }) => api.accesses.list.query({ status: 'rejected' })],
	['requests, withdrawn (none)', ({ provider: { api } }) => api.accesses.list.query({ status: 'withdrawn' })],
	[
		'requests, approved, of a product',
		({ provider: { api }, productId }) => api.accesses.list.query({ status: 'approved', productId })
	],
	[
		'requests, approved, of an organization',
		({ provider: { api }, organizationId }) => api.accesses.list.query({ status: 'approved', organizationId })
	],
	[
		'requests, approved, search',
		({ provider: { api } }) => api.accesses.list.query({ status: 'approved', search: 'company 1' })
	],
	[
		'requests, approved, search without a find',
		({ provider: { api } }) => api.accesses.list.query({ status: 'approved', search: 'zzz' })
	],
	[
		'an organization with its accesses',
		({ member: { api } }) => api.organizations.open.query({ slug: 'company-1' })
	],
	[
		'where access can be asked for',
		({ member: { api } }) => api.accesses.getOffer.query({ product: 'product-1' })
	],
	['a check of a key, from memory', ({ check, keys: [key = ''] }) => check(key)],
	['the first check of a key', ({ check, keys: known }) => check(known.pop() ?? '')]
];

/** A gateway that serves the product, and keys of the member's company that open it. */
async function prepare(server: Server): Promise<Asked> {
	const [provider, own] = [await signIn(server), await signIn(server, member)];
	const { product } = await own.api.products.open.query({ slug: 'product-1' });
	const { gateway, token } = await provider.api.gateways.create.mutate({
		name: `Gateway ${crypto.randomUUID()}`,
		kind: 'other',
		hasBearer: true,
		hasApiKey: true,
		headerName: '',
		queryName: ''
	});
	await provider.api.products.serve.mutate({ productId: product.id, gatewayId: gateway.id, isServing: true });
	const { organization } = (await own.api.organizations.open.query({ slug: 'company-1' })).snapshot;
	const organizationId = organization.id;
	const application = await own.api.applications.create.mutate({
		organizationId,
		name: `Application ${crypto.randomUUID()}`,
		description: ''
	});
	const place = { organizationId, applicationId: application.id };
	const planId = product.plans[0]?.id ?? '';
	await own.api.accesses.request.mutate({ ...place, product: product.slug, planId });
	const made: string[] = [];
	for (let one = 0; one < keys; one++) {
		const { id } = await own.api.credentials.create.mutate({ ...place, label: `Key ${one}` });
		made.push((await own.api.credentials.reveal.mutate({ ...place, credentialId: id })).secret);
	}
	return {
		nobody: async (path) => (await fetch(new URL(path, server.origin))).text(),
		member: own,
		provider,
		organizationId,
		productId: product.id,
		async check(key) {
			const headers = { authorization: `Bearer ${key}`, 'x-portico-gateway-token': token };
			const answer = await fetch(new URL('/api/forward-auth', server.origin), { headers });
			await answer.text();
			if (!answer.ok) throw new Error(`A key was refused: ${answer.status}`);
		},
		keys: made
	};
}

export async function benchProducts(database: Database): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), 'portico-bench-'));
	const own = database === 'postgres' ? await createDatabase() : null;
	const env = { DATA_FOLDER: folder, ...(own && { DATABASE_URL: own.url }) };
	const results: string[][] = [];
	try {
		for (const size of [few, many]) {
			const opened = await openDatabase(env);
			if (size === few) {
				await seedOrganizations(opened.db, organizations);
				const passwordHash = await hashPassword(member.password);
				await opened.db
					.updateTable('account')
					.set({ passwordHash })
					.where('email', '=', member.email)
					.execute();
			}
			// One connection, for its own table.
			await opened.db.connection().execute(async (db) => {
				await sql`set statement_timeout = 0`.execute(db);
				await seedProducts(db, size);
			});
			// As autovacuum does by itself; the embedded database has none and goes without.
			if (own) await sql`vacuum analyze`.execute(opened.db);
			await opened.close();
			await using server = await startServer({
				database,
				env: {
					...env,
					PORTAL_ADMIN_EMAIL: admin.email,
					PORTAL_ADMIN_PASSWORD: admin.password,
					LOG_LEVEL: 'warn'
				}
			});
			const asked = await prepare(server);
			const measured: string[] = [];
			for (const [, work] of measures) measured.push(await measure(() => work(asked)));
			results.push(measured);
		}
		const say = ({ products, accesses }: typeof few) =>
			`${products.toLocaleString('en')}, ${accesses.toLocaleString('en')}`;
		printHead(
			`${own ? 'PostgreSQL' : 'PGlite'}: API products, accesses, of ${organizations.toLocaleString('en')} organizations`,
			[`  ${say(few)}`, `  ${say(many)}`, '']
		);
		for (const [index, [name]] of measures.entries())
			printRow(name, results[0]?.[index] ?? '', results[1]?.[index] ?? '');
	} finally {
		await own?.drop();
		await rm(folder, { recursive: true, force: true });
	}
}
