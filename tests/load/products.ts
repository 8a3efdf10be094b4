import { randomBytes } from 'node:crypto';
import { createTRPCClient, httpLink } from '@trpc/client';
import { sql } from 'kysely';
import { openDatabase, type Db } from '../../src/database/database.ts';
import type { AppRouter } from '../../src/router.ts';
import { createKey, createVault } from '../../src/vault/vault.ts';
import { createDatabase, startServer } from '../harness.ts';
import { insertPerson } from '../people.ts';
import { startPostgres } from '../setup/postgres.ts';
import { middleOf } from './probes.ts';
import { seedOrganizations } from './seed.ts';
import { findScans } from './scans.ts';

/**
 * `npm run bench:products`: what lists of API products and of access cost, and what a gateway waits for an answer about a
 * product, with 1,000 products and 100,000 accesses beside a twentieth of it. Two portals, asked in turns, so that both
 * are measured on the same machine at the same time; and how many rows of a table are read in a call without an index.
 */

const sizes = { few: 50, many: 1000 };
const runs = 25;
/** Each application has this many; each organization has two applications. */
const accessesEach = 5;
/** Each is asked about once when nobody knows it yet, and then once more. */
const keyCount = 200;

/** Products of three plans each; the applications have each its own five, asked for and approved; each tenth waits for one more. */
async function seedProducts(db: Db, count: number): Promise<void> {
	const many = sql.lit(count);
	const by = sql`'{"id":null,"name":"Portico","kind":"system"}'::jsonb`;
	await sql`
		insert into product (slug, name, summary, status, visibility, created_by, created_at, published_at)
		select 'product-' || i, 'Product ' || i, 'Says what the product with the number ' || i || ' is for.', 'published',
			(array['everyone', 'developers', 'organizations'])[1 + i % 3], ${by}, now() - make_interval(mins => i), now()
		from generate_series(0, ${many} - 1) i`.execute(db);
	await sql`
		insert into product_organization (product_id, organization_id)
		select product.id, organization.id from generate_series(0, ${many} - 1) i
		join product on product.slug = 'product-' || i and product.visibility = 'organizations'
		join organization on organization.slug in ('company-1', 'company-' || (1 + i))`.execute(db);
	await sql`
		insert into plan (product_id, name, position, approval)
		select id, 'Plan ' || n, n, 'manual' from product cross join generate_series(1, 3) n`.execute(db);
	await sql`
		insert into product_document
			(product_id, number, content, format, spec_version, title, api_version, changes, uploaded_by, created_at)
		select id, n, '{}', 'json', '3.1.0', name, '1.' || n, null, ${by}, now() - make_interval(days => 200 - n)
		from product cross join generate_series(1, 200) n where slug = 'product-7'`.execute(db);
	const given = sql`
		with held as (
			select id, organization_id, row_number() over (order by organization_id, id) as n from application
		), pair as (
			select held.id as application_id, held.organization_id, product.id as product_id, plan.id as plan_id, k, n
			from held cross join generate_series(0, ${sql.lit(accessesEach)}) k
			join product on product.slug = 'product-' || (n * 7 + k) % ${many}
			join plan on plan.product_id = product.id and plan.position = 1 + (n + k) % 3
		)`;
	await sql`
		${given} insert into access (organization_id, application_id, product_id, plan_id, granted_at)
		select organization_id, application_id, product_id, plan_id, now() - make_interval(mins => n::int)
		from pair where k < ${sql.lit(accessesEach)}`.execute(db);
	await sql`
		${given} insert into access_request
			(organization_id, application_id, product_id, plan_id, status, requested_by, requested_at, decided_by, decided_at)
		select organization_id, application_id, product_id, plan_id,
			case when k < ${sql.lit(accessesEach)} then 'approved' else 'pending' end,
			${by}, now() - make_interval(mins => n::int + 1),
			case when k < ${sql.lit(accessesEach)} then ${by} end,
			case when k < ${sql.lit(accessesEach)} then now() - make_interval(mins => n::int) end
		from pair where k < ${sql.lit(accessesEach)} or n % 10 = 1`.execute(db);
}

async function setScene(products: number) {
	const { url, drop } = await createDatabase();
	const gatewayToken = randomBytes(24).toString('hex');
	const [encryption, lookup] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
	const opened = await openDatabase({ DATABASE_URL: url, DATA_FOLDER: '' });
	const { db } = opened;
	await seedOrganizations(db, products * 10);
	await seedProducts(db, products);
	const names = { email: 'admin@example.test', firstName: 'Ad', lastName: 'Min' };
	const person = await insertPerson(db, names, 'a password for measuring', '10.0.0.1');
	await sql`update account set is_portal_admin = true where id = ${person.userId}`.execute(db);
	const memberNames = { email: 'member@example.test', firstName: 'Mem', lastName: 'Ber' };
	const member = await insertPerson(db, memberNames, 'a password for measuring', '10.0.0.2');
	await sql`
		insert into membership (organization_id, user_id, first_name, last_name, role)
		select id, ${member.userId}, 'Mem', 'Ber', 'super_admin' from organization where slug = 'company-1'`.execute(
		db
	);
	// Keys of applications of organizations that work, each with the address of one product that it opens.
	const vault = createVault([encryption], [lookup]);
	const { rows: held } = await sql<{ id: string; slug: string }>`
		select application.id, min(product.slug) as slug
		from application join organization on organization.id = organization_id and organization.status = 'approved'
		join access on access.application_id = application.id join product on product.id = access.product_id
		group by application.id order by application.id limit ${sql.lit(keyCount)}`.execute(db);
	const keys = Array.from({ length: keyCount }, (_, n) => {
		const { id: applicationId = '', slug = '' } = held[n % held.length] ?? {};
		return { applicationId, slug, secret: createKey() };
	});
	await db
		.insertInto('credential')
		.values(
			keys.map(({ applicationId, secret }, n) => ({
				applicationId,
				label: `Key ${n}`,
				lastFour: secret.slice(-4),
				secret: 'none',
				lookupHash: vault.lookupHash(secret)
			}))
		)
		.execute();
	await sql`vacuum analyze`.execute(db);
	const server = await startServer({
		database: 'postgres',
		env: {
			...{ DATABASE_URL: url, ENCRYPTION_KEY: encryption, LOOKUP_KEY: lookup },
			...{ GATEWAY_TOKEN: gatewayToken, LOG_LEVEL: 'warn', SMTP_URL: '' }
		}
	});
	const apiOf = (cookies: readonly (readonly [string, string])[] = []) => {
		const headers = { origin: server.origin, cookie: cookies.map((pair) => pair.join('=')).join('; ') };
		return createTRPCClient<AppRouter>({ links: [httpLink({ url: `${server.origin}/trpc`, headers })] });
	};
	const check = async ({ secret, slug }: (typeof keys)[number]) => {
		const answer = await fetch(`${server.origin}/api/introspect`, {
			method: 'POST',
			headers: { authorization: `Bearer ${gatewayToken}` },
			body: new URLSearchParams({ token: secret, product: slug })
		});
		const { active } = (await answer.json()) as { active?: boolean };
		if (!active) throw new Error('A key that opens the product was refused.');
	};
	const some = await sql<{ id: string }>`select id from product where slug = 'product-7'`.execute(db);
	return {
		nobody: apiOf(),
		admin: apiOf(person.cookies),
		member: apiOf(member.cookies),
		productId: some.rows[0]?.id ?? '',
		check,
		keys,
		db,
		async end() {
			await opened.close();
			await server.dispose();
			await drop();
		}
	};
}
type Scene = Awaited<ReturnType<typeof setScene>>;

const calls: [string, (scene: Scene) => Promise<unknown>][] = [
	['catalogue, signed out', ({ nobody }) => nobody.products.catalogue.query({})],
	['catalogue, of a member', ({ member }) => member.products.catalogue.query({})],
	['catalogue, search', ({ member }) => member.products.catalogue.query({ search: 'Product 7' })],
	['catalogue, search for nothing', ({ member }) => member.products.catalogue.query({ search: 'no such' })],
	['a product’s page', ({ member }) => member.products.open.query({ slug: 'product-7' })],
	['where access can be asked for', ({ member }) => member.accesses.getOffer.query({ product: 'product-7' })],
	[
		'keys that open a product',
		({ member }) => member.credentials.listOpening.query({ product: 'product-7' })
	],
	['the provider’s list', ({ admin }) => admin.products.list.query({})],
	['the provider’s page of one', ({ admin, productId }) => admin.products.get.query({ productId })],
	[
		'who may see one, chosen',
		({ admin, productId }) => admin.products.listOrganizations.query({ productId })
	],
	[
		'who may see one, search',
		({ admin, productId }) => admin.products.listOrganizations.query({ productId, search: 'Company 3' })
	],
	['the versions of its document', ({ admin, productId }) => admin.documents.list.query({ productId })],
	['requests that wait', ({ admin }) => admin.accesses.list.query({})],
	['requests, approved', ({ admin }) => admin.accesses.list.query({ status: 'approved' })],
	[
		'requests, approved, of one product',
		({ admin, productId }) => admin.accesses.list.query({ status: 'approved', productId })
	],
	['requests that wait, search', ({ admin }) => admin.accesses.list.query({ search: 'Company 3' })],
	[
		'requests, approved, search',
		({ admin }) => admin.accesses.list.query({ status: 'approved', search: 'Company 3' })
	],
	[
		'requests, approved, search for nothing',
		({ admin }) => admin.accesses.list.query({ status: 'approved', search: 'no such' })
	],
	['requests, rejected', ({ admin }) => admin.accesses.list.query({ status: 'rejected' })],
	[
		'an organization with its accesses',
		({ member }) => member.organizations.open.query({ slug: 'company-1' })
	]
];

function print(name: string, few: number[], many: number[], whole = '') {
	const [one, other] = [middleOf(few), middleOf(many)];
	const cells = [one.toFixed(1), other.toFixed(1), (other / one).toFixed(2)].map((text) => text.padStart(8));
	console.log(`${name.padEnd(40)} ${cells.join(' ')}  ${whole}`);
}

/** In turns, in milliseconds. */
async function compare(times: number, works: readonly ((time: number) => Promise<unknown>)[]) {
	const taken: number[][] = works.map(() => []);
	for (let time = 0; time < times; time++)
		for (const [index, work] of works.entries()) {
			const began = performance.now();
			await work(time);
			taken[index]?.push(performance.now() - began);
		}
	return taken;
}

const given = process.env.TEST_DATABASE_URL;
const postgres = given ? null : await startPostgres();
if (postgres) process.env.TEST_DATABASE_URL = postgres.url;
const scenes: Scene[] = [];
try {
	for (const size of Object.values(sizes)) scenes.push(await setScene(size));
	const [few, many] = scenes as [Scene, Scene];
	const total = (size: number) =>
		`${size.toLocaleString('en')} products, ${(size * 20 * accessesEach).toLocaleString('en')} accesses`;
	console.log(
		`\nPostgreSQL, median of ${runs} in milliseconds: ${total(sizes.few)}; ${total(sizes.many)}; ratio; rows read without an index\n`
	);
	for (const [name, work] of calls) {
		await compare(3, [() => work(few), () => work(many)]);
		const [ofFew = [], ofMany = []] = await compare(runs, [() => work(few), () => work(many)]);
		print(name, ofFew, ofMany, await findScans(many.db, () => work(many), 100));
	}
	const checks = scenes.map(
		({ check, keys }) =>
			(time: number) =>
				check(keys[time] ?? keys[0]!)
	);
	for (const name of ['a gateway asks, key not known yet', 'a gateway asks, key known by heart']) {
		const [ofFew = [], ofMany = []] = await compare(keyCount, checks);
		print(name, ofFew, ofMany);
	}
} finally {
	for (const scene of scenes) await scene.end();
	await postgres?.stop();
}
