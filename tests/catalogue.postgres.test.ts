import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from './harness.ts';
import { openDatabase, type Database } from '../src/database/database.ts';
import { newestFirst, takePage } from '../src/database/paging.ts';
import { isOfferedTo, isVisibleTo } from '../src/procedures/products/visibility.ts';
import { selectRows } from '../src/procedures/products/views.ts';

/** What lists of products read of 1,000 products and 100,000 accesses. */

let made: Awaited<ReturnType<typeof createDatabase>>;
let database: Database;
const userId = randomUUID();
beforeAll(async () => {
	made = await createDatabase({ isPrepared: true });
	database = await openDatabase({ DATABASE_URL: made.url, DATA_FOLDER: '' });
	const { db } = database;
	await sql`
		insert into account (id, email, first_name, last_name, password_hash)
		values (${userId}, 'many@example.test', 'Many', 'Accesses', '')`.execute(db);
	await sql`
		insert into organization (slug, name, name_key, near_key, status)
		select 'many-' || n, 'Many ' || n, 'many ' || n, 'many' || n, 'approved'
		from generate_series(1, 1000) as n`.execute(db);
	await sql`
		insert into membership (organization_id, user_id, role, first_name, last_name)
		select id, ${userId}, 'super_admin', '', '' from organization where name in ('Many 1', 'Many 2')`.execute(db);
	await sql`
		insert into application (organization_id, name)
		select id, 'App ' || n from organization, generate_series(1, 10) as n`.execute(db);
	await sql`
		insert into product (slug, name, status, visibility, created_by)
		select
			'many-' || n, 'Many ' || n, 'published',
			(array['everyone', 'developers', 'organizations', 'organizations'])[n % 4 + 1], '{}'::jsonb
		from generate_series(1, 1000) as n`.execute(db);
	await sql`
		insert into product_organization (product_id, organization_id)
		select product.id, organization.id from product, organization where organization.name in ('Many 2', 'Many 3')`.execute(
		db
	);
	await sql`
		insert into plan (product_id, name, position)
		select id, 'Standard', (row_number() over ()) - 1 from product`.execute(db);
	// Bit by bit: no statement lasts longer than those of the product may.
	for (let turn = 0; turn < 10; turn++) {
		await sql`analyze`.execute(db);
		await sql`
			insert into access (organization_id, application_id, product_id, plan_id)
			select one.organization_id, one.id, plan.product_id, plan.id
			from (select *, row_number() over (order by id) as number from application) as one
			join plan on plan.position = (one.number * 10 + ${turn}::int) % 1000`.execute(db);
	}
	await sql`analyze`.execute(database.db);
}, 600_000);
afterAll(async () => {
	await database.close();
	await made.drop();
});

interface Node {
	'Node Type': string;
	'Relation Name'?: string;
	'Actual Rows': number;
	'Actual Loops': number;
	Plans?: Node[];
}
const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

test('there are as many as that', async () => {
	const { rows } = await sql<{ products: number; accesses: number }>`
		select (select count(*)::int from product) as products, (select count(*)::int from access) as accesses`.execute(
		database.db
	);
	expect(rows[0]?.products).toBe(1000);
	expect(rows[0]?.accesses).toBeGreaterThan(80_000);
});

test.each([
	['everybody', () => isVisibleTo({ userId: null, isPortalAdmin: false })],
	['a member', () => isVisibleTo({ userId, isPortalAdmin: false })],
	['somebody of no organization', () => isVisibleTo({ userId: randomUUID(), isPortalAdmin: false })],
	['portal admins', () => isVisibleTo({ userId, isPortalAdmin: true })],
	['an organization', () => isOfferedTo(randomUUID())]
])('the list of %s looks at no more accesses than those of its reader', async (_, isSeen) => {
	const query = selectRows(database.db).where(isSeen());
	const found = await query
		.orderBy('product.createdAt', 'desc')
		.limit(51)
		.explain('json', sql`analyze`);
	const [{ Plan: plan }] = (found[0] as { 'QUERY PLAN': [{ Plan: Node }] })['QUERY PLAN'];
	const ofAccess = nodesOf(plan).filter((node) => node['Relation Name'] === 'access');
	const read = ofAccess.reduce((sum, node) => sum + node['Actual Rows'] * node['Actual Loops'], 0);
	expect(read).toBeLessThan(1000);
	expect(ofAccess.filter((node) => node['Node Type'] === 'Seq Scan')).toEqual([]);
	// And it is a list.
	const { rows } = await takePage(query, newestFirst('product'), null, 10);
	expect(rows).toHaveLength(10);
});
