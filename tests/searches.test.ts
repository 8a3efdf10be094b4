import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { searchKey } from '#lib/search.ts';
import { up } from '../migrations/20261126T0100_search_by_key.ts';
import { connect } from '../src/database/database.ts';
import { getPortal, unique, uniqueEmail, type Portal } from './factories.ts';
import { createDatabase } from './harness.ts';

/** Every list finds a name without its accents, and as it was typed on another keyboard. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

test.each([
	['Véronique', 'veronique'],
	['Ve\u0301ronique', 'VÉRONIQUE'],
	['Łucja', 'lucja'],
	['Søren', 'Soren'],
	['Иван', 'ИВАН']
])('accounts, requests and messages of %s are found by %s', async (name, wanted) => {
	const family = unique('Berg').replace(' ', '');
	const email = uniqueEmail();
	const person = await portal.person({ firstName: name, lastName: family, email, isFrontDoor: true });
	const company = await portal.company({ owner: person });
	const search = `${wanted} ${family}`;
	const { api } = portal.admin;
	const { accounts } = await api.accounts.list.query({ search });
	expect(accounts.map((one) => one.email)).toEqual([email]);
	expect(accounts[0]?.firstName).toBe(name.normalize('NFC'));
	const { organizations } = await api.organizations.list.query({ search });
	expect(organizations.map(({ id }) => id)).toEqual([company.id]);
	const { messages } = await api.messages.list.query({ search });
	expect(messages.map(({ recipient }) => recipient)).toContain(email);
	expect((await api.accounts.list.query({ search: `${wanted} ${family}x` })).accounts).toEqual([]);
});

test('organizations are found by their names, and signs of a pattern are letters', async () => {
	const owner = await portal.person();
	const tail = unique('').trim().replace(/\W/g, '');
	const company = await portal.company({ owner, name: `Électricité 100%_${tail}` });
	const { api } = portal.admin;
	const find = async (search: string) =>
		(await api.organizations.list.query({ search })).organizations.map(({ id }) => id);
	expect(await find(`electricite 100%_${tail}`)).toEqual([company.id]);
	expect(await find(`electricit_ 100%_${tail}`)).toEqual([]);
	expect(await find(`e%${tail}`)).toEqual([]);
});

test('the database and the pages have one key of a text, whatever the letter', async () => {
	const database = inject('database') === 'postgres' ? await createDatabase() : null;
	const db = (
		database
			? (await connect({ DATABASE_URL: database.url, DATA_FOLDER: '' })).db
			: new Kysely({ dialect: new PGliteDialect({ pglite: new PGlite() }) })
	) as Kysely<unknown>;
	try {
		// As much of the tables as the migration asks for.
		await sql`create table account (first_name text, last_name text, email text)`.execute(db);
		await sql`create table organization (name text)`.execute(db);
		await sql`create table message (recipient_name text, recipient text, subject text)`.execute(db);
		await up(db);
		const texts = ['', ' a  b ', 'Ve\u0301ro', 'ŁÓDŹ', 'ΣΩΚΡΑΤΗΣ', "O’Brien's"];
		for (let point = 1; point < 0x1ffff; point += 1) {
			const letter = String.fromCodePoint(point);
			if (letter.isWellFormed() && !/\p{Cn}/u.test(letter)) texts.push(`x${letter}y`);
		}
		const { rows } = await sql<{ text: string; key: string; parts: string }>`
			select value as text, search_key(value) as key, normalize(value, NFKD) as parts
			from jsonb_array_elements_text(${JSON.stringify(texts)}::text::jsonb) as value`.execute(db);
		expect(rows).toHaveLength(texts.length);
		// A letter that is taken apart by one of them alone is of a newer Unicode than the other's.
		const known = rows.filter(({ text, parts }) => text.normalize('NFKD') === parts);
		expect(texts.length - known.length).toBeLessThan(20);
		const differing = known.filter(({ text, key }) => searchKey(text) !== key).map(({ text }) => text);
		expect(differing).toEqual([]);
	} finally {
		await db.destroy();
		await database?.drop();
	}
});
