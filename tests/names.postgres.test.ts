import fs from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { FileMigrationProvider, Migrator } from 'kysely/migration';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type Db } from '../src/database/database.ts';
import { getPortal, refusal, unique, type Portal } from './factories.ts';
import { createDatabase } from './harness.ts';

/** Two names that look the same are the same, whatever nobody sees of them. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const unseen: Record<string, string> = {
	'a soft hyphen': '\u00ad',
	'a joiner': '\u200d',
	'a word joiner': '\u2060',
	'a Hangul filler': '\u3164',
	'a half-width filler': '\uffa0',
	'a variation selector': '\ufe0f',
	'a further variation selector': '\u{e0101}',
	'a grapheme joiner': '\u034f',
	'a vowel separator': '\u180e',
	'a tag': '\u{e0041}'
};
const kinds = Object.entries(unseen);

test.each(kinds)('a name of an organization that differs by %s is taken', async (_, character) => {
	const { name } = await portal.company();
	for (const variant of [name.replace('o', `o${character}`), `${name}${character}`, `${character}${name}`]) {
		const owner = await portal.person();
		const refused = await refusal(owner.api.organizations.request.mutate({ name: variant }));
		expect(refused).toMatchObject({ status: 409, reason: 'TAKEN' });
	}
});

test.each(kinds)('and so is one of an application within its organization', async (_, character) => {
	const company = await portal.company({ admin: portal.admin });
	const { organizationId, api } = { organizationId: company.id, api: company.owner.api };
	const name = unique('Payments');
	const first = await api.applications.create.mutate({ organizationId, name, description: '' });
	const variant = name.replace('y', `y${character}`);
	const creating = api.applications.create.mutate({ organizationId, name: variant, description: '' });
	expect(await refusal(creating)).toMatchObject({ status: 409, reason: 'TAKEN' });
	const other = await api.applications.create.mutate({
		organizationId,
		name: unique('Other'),
		description: ''
	});
	const renaming = api.applications.update.mutate({
		organizationId,
		applicationId: other.id,
		name: variant,
		description: ''
	});
	expect(await refusal(renaming)).toMatchObject({ status: 409, reason: 'TAKEN' });
	// One's own name may be written in another way.
	const own = { organizationId, applicationId: first.id, name: variant, description: '' };
	expect((await api.applications.update.mutate(own)).name).toBe(variant);
});

async function migrate(db: Db, to?: string) {
	const migrationFolder = path.resolve(import.meta.dirname, '../migrations');
	const migrator = new Migrator({ db, provider: new FileMigrationProvider({ fs, path, migrationFolder }) });
	const { error } = to ? await migrator.migrateTo(to) : await migrator.migrateToLatest();
	if (error) throw error;
}

test('names from before are compared in the same way, and those that look alike already stay as they are', async () => {
	const { url, drop } = await createDatabase();
	const { db, close } = await connect({ DATABASE_URL: url, DATA_FOLDER: '' });
	try {
		await migrate(db, '20261125T0950_budget_changes');
		let asked = 0;
		const insert = async (name: string, status: string) => {
			const { rows } = await sql<{ id: string }>`
				insert into organization (slug, name, name_key, near_key, status, requested_at)
				values (${`company-${++asked}`}, ${name}, ${name}, ${name}, ${status}, now() + make_interval(secs => ${asked}))
				returning id`.execute(db);
			return rows[0]?.id ?? '';
		};
		const ids = [
			await insert('nor\u00adth', 'approved'),
			await insert('north', 'approved'),
			await insert('ea\u200dst', 'pending'),
			await insert('e\u3164ast', 'approved'),
			await insert('sou\ufe0fth', 'rejected'),
			await insert('south', 'approved'),
			await insert('wes\u{e0101}t  side', 'approved')
		];
		for (const [n, name] of ['Pay', 'P\u00aday', 'Pay\u2060 two'].entries()) {
			await sql`
				insert into application (organization_id, name, created_at)
				values (${ids[0]}, ${name}, now() + make_interval(secs => ${n}))`.execute(db);
		}
		await migrate(db);
		const keyOf = new Map(
			(await db.selectFrom('organization').select(['id', 'nameKey']).execute()).map((row) => [
				row.id,
				row.nameKey
			])
		);
		expect(ids.map((id) => keyOf.get(id))).toEqual([
			'nor\u00adth',
			'north',
			'east',
			'e\u3164ast',
			'south',
			'south',
			'west side'
		]);
		const applications = await db
			.selectFrom('application')
			.select(['name', 'isAlike'])
			.orderBy('createdAt')
			.execute();
		expect(applications.map(({ isAlike }) => isAlike)).toEqual([false, true, false]);
		const again = sql`insert into application (organization_id, name) values (${ids[0]}, ${'pay two'})`;
		await expect(again.execute(db)).rejects.toThrow(/application_seen_name/);
	} finally {
		await close();
		await drop();
	}
});
