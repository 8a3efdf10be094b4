import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type Database } from '../src/database/database.ts';
import * as places from '../src/vault/sealed.ts';
import { createKey, createVault } from '../src/vault/vault.ts';
import { adminPassword, password, startPortal, uniqueEmail } from './factories.ts';
import { createDatabase, startServer, type Server } from './harness.ts';
import { beginProgram, runProgram } from './commands.ts';
import { getRecipients, sendQueued, startSmtp } from './smtp.ts';

/** `npm run rotate-encryption-key`, as an operator runs it. */

const newKey = () => randomBytes(32).toString('base64');
const [oldKeys, newKeys] = [
	{ encryption: newKey(), lookup: newKey() },
	{ encryption: newKey(), lookup: newKey() }
];
type Keys = typeof oldKeys;
const keysOf = (...all: Keys[]) => ({
	ENCRYPTION_KEY: all.map(({ encryption }) => encryption).join(','),
	LOOKUP_KEY: all.map(({ lookup }) => lookup).join(',')
});
const vaultOf = ({ encryption, lookup }: Keys) => createVault([encryption], [lookup]);
const idOf = (keys: Keys) => vaultOf(keys).keyIds.encryption[0] ?? '';
const gatewayToken = 'a-token-of-a-gateway-long-enough-to-be-one';

let own: Awaited<ReturnType<typeof createDatabase>>;
let database: Database;
beforeAll(async () => {
	own = await createDatabase({ isPrepared: true });
	database = await connect({ DATABASE_URL: own.url, DATA_FOLDER: '' });
});
afterAll(async () => {
	await database.close();
	await own.drop();
});

const rotate = 'src/programs/rotate.ts';
const begin = (env: Record<string, string>) => beginProgram(rotate, { DATABASE_URL: own.url, ...env });
const run = (env: Record<string, string>) => runProgram(rotate, { DATABASE_URL: own.url, ...env });

/** Every column of every table that holds something encrypted, with the keys that it was encrypted with. */
async function findSealed() {
	const { db } = database;
	const { rows: columns } = await sql<{ tableSchema: string; tableName: string; columnName: string }>`
		select table_schema, table_name, column_name from information_schema.columns
		join information_schema.tables using (table_schema, table_name)
		where table_schema in ('public', 'pgboss') and table_type = 'BASE TABLE'
			and data_type in ('text', 'character varying', 'jsonb', 'json', 'bytea')`.execute(db);
	expect(columns.length).toBeGreaterThan(50);
	const found: Record<string, string[]> = {};
	for (const { tableSchema, tableName, columnName } of columns) {
		const column = sql.ref(columnName);
		const { rows } = await sql<{ key: string }>`
			select distinct substring(${column}::text from '1\\.([0-9a-f]{8})\\.[A-Za-z0-9_-]{16}\\.') as key
			from ${sql.table(`${tableSchema}.${tableName}`)}
			where ${column}::text ~ '1\\.[0-9a-f]{8}\\.[A-Za-z0-9_-]{16}\\.'`.execute(db);
		if (rows.length > 0) found[`${tableName}.${columnName}`] = rows.map(({ key }) => key).toSorted();
	}
	return found;
}

/** Whether a portal takes a credential for one that works. */
async function isActive(server: Server, secret: string): Promise<boolean> {
	const response = await fetch(`${server.origin}/api/introspect`, {
		method: 'POST',
		body: new URLSearchParams({ token: secret }),
		headers: { authorization: `Bearer ${gatewayToken}` }
	});
	expect(response.status).toBe(200);
	return ((await response.json()) as { active: boolean }).active;
}

const many = 3000;

test('everything comes under the new keys while two portals run, also after a kill -9, and the old keys can go', async () => {
	const { db } = database;
	const common = { DATABASE_URL: own.url, GATEWAY_TOKEN: gatewayToken, MAIL_RETRY_SECONDS: '3600' };
	// No mail goes out yet: it waits, encrypted.
	const away = { ...common, SMTP_URL: 'smtp://127.0.0.1:1' };
	const first = await startPortal({ ...away, ...keysOf(oldKeys, newKeys) });
	const [old, current] = [idOf(oldKeys), idOf(newKeys)];

	// One of each kind that is encrypted, and many of those of which there are many.
	const company = await first.company({ admin: first.admin });
	const application = await first.application(company);
	const place = { organizationId: company.id, applicationId: application.id };
	const credentialId = application.credentials[0]?.id ?? '';
	const { secret } = await company.owner.api.credentials.reveal.mutate({ ...place, credentialId });
	const reader = uniqueEmail();
	await first.visitor().api.accounts.register.mutate({
		email: reader,
		firstName: 'Wai',
		lastName: 'Ting',
		password
	});
	const { privateKey } = generateKeyPairSync('rsa', {
		modulusLength: 2048,
		privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
		publicKeyEncoding: { type: 'spki', format: 'pem' }
	});
	const oldVault = vaultOf(oldKeys);
	const newVault = vaultOf(newKeys);
	await db
		.updateTable('mailServer')
		.set({
			password: oldVault.encrypt('a secret of a server', places.passwordPlace),
			dkimKey: oldVault.encrypt(privateKey, places.dkimPlace)
		})
		.execute();
	const secrets = Array.from({ length: many }, createKey);
	const rows = secrets.map((key) => {
		const id = crypto.randomUUID();
		const sealed = oldVault.encrypt(key, places.credentialPlace(id));
		return { id, secret: sealed, hash: oldVault.lookupHash(key) };
	});
	await sql`
		insert into credential (id, application_id, label, last_four, secret, lookup_hash)
		select (one->>'id')::uuid, ${application.id}::uuid, 'Many', 'abcd', one->>'secret', one->>'hash'
		from jsonb_array_elements(${JSON.stringify(rows)}::text::jsonb) as one`.execute(db);
	const all = [
		'credential.secret',
		'mail_server.dkim_key',
		'mail_server.password',
		'message.content',
		'portal.key_check'
	];
	const before = await findSealed();
	expect(before).toEqual(Object.fromEntries(all.map((column) => [column, [old]])));

	// Refused while a portal writes with the old key, and nothing has changed.
	const early = await run(keysOf(newKeys, oldKeys));
	expect(early).toMatchObject({ code: 1, output: '' });
	expect(early.errors).toContain('The keys were not replaced. A portal on');
	expect(await run(keysOf(oldKeys))).toMatchObject({
		code: 1,
		errors: expect.stringContaining('There is only one key of each kind')
	});
	const strange = { encryption: newKey(), lookup: newKey() };
	expect((await run(keysOf(strange, newKeys))).errors).toMatch(
		/^The keys were not replaced\. The encryption keys are not those/
	);
	expect(await run(keysOf(oldKeys, oldKeys))).toMatchObject({
		code: 1,
		errors: expect.stringContaining('There is only one key of each kind')
	});
	// A step too early, of both kinds or of one: the new ones stay what the next step needs.
	for (const [keys, names] of [
		[keysOf(oldKeys, newKeys), 'ENCRYPTION_KEY and LOOKUP_KEY begin'],
		[{ ...keysOf(newKeys, oldKeys), LOOKUP_KEY: keysOf(oldKeys, newKeys).LOOKUP_KEY }, 'LOOKUP_KEY begins'],
		[{ ...keysOf(oldKeys), LOOKUP_KEY: keysOf(oldKeys, newKeys).LOOKUP_KEY }, 'LOOKUP_KEY begins']
	] as const)
		expect(await run(keys)).toMatchObject({
			code: 1,
			output: '',
			errors: expect.stringContaining(`The keys were not replaced. ${names}`)
		});
	expect(await findSealed()).toEqual(before);
	await first.server.stop();

	const start = (env: Record<string, string>) =>
		startServer({ database: 'postgres', env: { ...common, ...env } });
	const [one, other] = await Promise.all([
		start({ ...away, ...keysOf(newKeys, oldKeys) }),
		start({ ...away, ...keysOf(newKeys, oldKeys) })
	]);
	// Every key works all along, on both of them.
	let isRotating = true;
	const asking = (async () => {
		let count = 0;
		for (; isRotating; count += 1) {
			const asked = count % 3 === 0 ? secret : (secrets[(count * 7) % many] ?? '');
			expect(await isActive(count % 2 ? one : other, asked)).toBe(true);
			// The machine is to rotate meanwhile.
			await setTimeout(20);
		}
		return count;
	})();
	const broken = begin(keysOf(newKeys, oldKeys));
	await once(broken.program.stdout, 'data');
	broken.program.kill('SIGKILL');
	await broken.ended;
	expect((await findSealed())['credential.secret']).toEqual([current, old].toSorted());

	const finished = await run(keysOf(newKeys, oldKeys));
	expect(finished).toMatchObject({ code: 0, errors: '' });
	expect(finished.output).toMatch(/█ 30\d\d of 30\d\d credentials/);
	expect(finished.output).toContain('Drop the old ones behind them');
	for (const key of [oldKeys, newKeys].flatMap(({ encryption, lookup }) => [encryption, lookup]))
		expect(finished.output).not.toContain(key);
	isRotating = false;
	expect(await asking).toBeGreaterThan(10);
	expect(await findSealed()).toEqual(Object.fromEntries(all.map((column) => [column, [current]])));
	const { rows: hashes } = await sql<{ id: string; lookupHash: string }>`
		select id, lookup_hash from credential where label = 'Many'`.execute(db);
	const hashOf = new Map(hashes.map(({ id, lookupHash }) => [id, lookupHash]));
	for (const [index, { id }] of rows.entries())
		expect(hashOf.get(id)).toBe(newVault.lookupHash(secrets[index] ?? ''));
	// A second time there is nothing to do.
	expect(await run(keysOf(newKeys, oldKeys))).toMatchObject({ code: 0 });
	await Promise.all([one.dispose(), other.dispose()]);

	// The old ones alone are strangers now, and before the new ones they would write what nobody shall.
	for (const [keys, words] of [
		[[oldKeys], 'The encryption keys are not those'],
		[[oldKeys, newKeys], 'was replaced by']
	] as const) {
		const refused = await start(keysOf(...keys)).then(
			(server) => server.dispose().then(() => 'It started.'),
			String
		);
		expect(refused).toContain(words);
	}

	// With the new ones alone everything opens, and the e-mail that waited goes out.
	const smtp = await startSmtp();
	const last = await start({ ...keysOf(newKeys), SMTP_URL: smtp.url });
	expect(await isActive(last, secret)).toBe(true);
	expect(await isActive(last, secrets[17] ?? '')).toBe(true);
	await sendQueued(db);
	const mail = await smtp.waitFor((message) => getRecipients(message).includes(reader));
	expect(mail.text).toContain('/verify-email/');
	const { password: kept } = await db.selectFrom('mailServer').selectAll().executeTakeFirstOrThrow();
	expect(newVault.decrypt(kept ?? '', places.passwordPlace)).toBe('a secret of a server');
	await last.dispose();
	await smtp.stop();
	await first.stop();
});

test('keys that the portal has generated are replaced on the embedded database while it is stopped', async () => {
	await using server = await startServer({
		database: 'pglite',
		isPrepared: true,
		env: { PORTAL_ADMIN_EMAIL: 'admin@example.test', PORTAL_ADMIN_PASSWORD: adminPassword }
	});
	const env = { DATA_FOLDER: server.dataFolder, DATABASE_URL: '' };
	const file = join(server.dataFolder, 'secrets.json');
	const before = await readFile(file, 'utf8');
	const busy = await run(env);
	expect(busy).toMatchObject({ code: 1, output: '' });
	expect(busy.errors).toMatch(/^The keys were not replaced\. Portico is running on this data folder/);
	expect(await readFile(file, 'utf8')).toBe(before);
	await server.stop();
	const done = await run(env);
	expect(done).toMatchObject({ code: 0, errors: '' });
	const after = await readFile(file, 'utf8');
	const [was, is] = [before, after].map((json) => JSON.parse(json) as Record<string, string>);
	for (const name of ['encryptionKey', 'lookupKey']) {
		expect(Buffer.from(is?.[name] ?? '', 'base64')).toHaveLength(32);
		expect(is?.[name]).not.toBe(was?.[name]);
		expect(done.output).not.toContain(is?.[name]);
	}
	await server.restart();
	await server.stop();
	await writeFile(file, before);
	await expect(server.restart()).rejects.toThrow('The encryption keys are not those');
	await writeFile(file, after);
	await server.restart();
	await expect.poll(async () => (await fetch(`${server.origin}/readyz`)).status).toBe(200);
});

test('whatever is encrypted anywhere in the code is on the list of what a new key comes to', () => {
	const elsewhere = globSync('src/**/*.ts').filter(
		(path) => !path.startsWith('src/vault/') && path !== 'src/programs/rotate.ts'
	);
	const uses = elsewhere.flatMap((path) =>
		[...readFileSync(path, 'utf8').matchAll(/\.encrypt\(.*?, (\w+)(?:\(.*\))?\)/g)].map(
			([, place]) => place ?? ''
		)
	);
	const calls = elsewhere.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/\.encrypt\(/g)]);
	expect(uses.length).toBe(calls.length);
	const listed = places.sealed.map(({ placeOf }) => placeOf('x'));
	for (const name of new Set(uses)) {
		const place = places[name as keyof typeof places] as unknown;
		expect(listed, name).toContain(
			typeof place === 'function' ? (place as (id: string) => string)('x') : place
		);
	}
	expect(new Set(uses).size).toBe(places.sealed.length);
});
