import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../src/database/database.ts';
import { readAtMost } from '../src/live/streams.ts';
import { startCut } from './cut.ts';
import { getPortal, unique, type Company, type Portal } from './factories.ts';
import { startServer, type Server } from './harness.ts';
import { listenOn, on } from './race.ts';

/** A process tells what it has committed after the commit: what becomes of it when it dies in between. */

/** How often the process is killed at some moment; by hand `KILLS=50` for the long form. */
const kills = Number(process.env.KILLS ?? 4);

let portal: Portal;
let way: Awaited<ReturnType<typeof startCut>>;
/** The process that is killed. */
let mortal: Server;
let company: Company;
beforeAll(async () => {
	portal = await getPortal();
	way = await startCut(portal.server.databaseUrl ?? '');
	mortal = await startServer({
		database: 'postgres',
		env: { DATABASE_URL: way.url, DATA_FOLDER: portal.server.dataFolder, SMTP_URL: portal.smtp.url }
	});
	company = await portal.company({ admin: portal.admin });
});
afterAll(async () => {
	await mortal.dispose();
	await way.stop();
	await portal.stop();
});

async function listen() {
	const [page, desk] = [
		listenOn(portal, portal.server, company.owner),
		listenOn(portal, portal.server, portal.admin)
	];
	await Promise.all([page.hears('news true'), desk.hears('news true')]);
	await page.until(() => page.online.has(company.id), 'their room');
	const own = () =>
		page.events.filter(
			({ organizationId, name }) => organizationId === company.id && name !== 'member.joined'
		);
	return { page, desk, own };
}

const create = (name: string) =>
	on(mortal, company.owner).applications.create.mutate({ organizationId: company.id, name, description: '' });
const request = (name: string) => on(mortal, company.owner).organizations.request.mutate({ name });

test('what a process could not announce before it was killed is told by the others, once and in order', async () => {
	const { page, desk, own } = await listen();
	way.mute();
	const before = own().length;
	const names = Array.from({ length: 3 }, () => unique('Untold'));
	for (const name of names) await create(name);
	const asked = unique('Asked for');
	await request(asked);
	await mortal.kill();
	await page.until(() => own().length >= before + names.length, 'what was not announced');
	await desk.until(
		() => desk.portalEvents().some((event) => JSON.stringify(event.payload).includes(asked)),
		'what stands in the stream of the admins'
	);
	way.speak();
	await mortal.restart();
	const last = unique('Told');
	await create(last);
	await page.until(
		() => JSON.stringify(own().at(-1)?.payload ?? 0).includes(last),
		'what is announced as ever'
	);
	const told = own().slice(before);
	expect(told).toMatchObject([...names, last].map((name) => ({ payload: { application: { name } } })));
	expect(told.map(({ seq }) => seq)).toEqual(told.map((_, step) => (told[0]?.seq ?? 0) + step));
});

test('killed at some moment among its commits: pages on another process miss nothing, and hear nothing twice', async () => {
	const { page, own } = await listen();
	const after = own().at(-1)?.seq ?? (await lastSeq());
	let longest = 0;
	for (let round = 0; round < kills; round += 1) {
		const writing = Array.from({ length: 6 }, () =>
			create(unique('Round')).then(
				() => 'done',
				() => 'lost'
			)
		);
		await Promise.race([Promise.all(writing), setTimeout(Math.random() * 150)]);
		await mortal.kill();
		const killed = performance.now();
		await Promise.all(writing);
		const { events } = await company.owner.api.activity.since.query({ organizationId: company.id, after });
		const committed = events?.map(({ seq }) => seq) ?? [];
		await page.until(() => own().filter(({ seq }) => seq > after).length >= committed.length, 'every commit');
		longest = Math.max(longest, performance.now() - killed);
		expect(own().flatMap(({ seq }) => (seq > after ? seq : []))).toEqual(committed);
		await mortal.restart();
	}
	if (process.env.KILLS)
		console.info(`${kills} kills; all was told ${Math.round(longest)} ms after one of them at most`);
});

async function lastSeq(): Promise<number> {
	const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
	return snapshot.seq;
}

test('where more was missed than can be told, pages are told to ask, and hear what comes next', async () => {
	const { page, desk, own } = await listen();
	const { name } = await portal.application(company);
	await page.until(() => JSON.stringify(own().at(-1)?.payload ?? 0).includes(name), 'the event before');
	const before = own().length;
	const { close, db } = await openDatabase({
		DATABASE_URL: portal.server.databaseUrl ?? '',
		DATA_FOLDER: portal.server.dataFolder
	});
	await sql`
		with given as (
			insert into event (organization_id, seq, hash, name, actor, payload)
			select organization_id, seq + n, hash, name, actor, payload
			from event cross join generate_series(1, ${readAtMost + 1}) n
			where organization_id = ${company.id} and seq = ${own().at(-1)?.seq}
		)
		update organization set last_seq = last_seq + ${readAtMost + 1} where id = ${company.id}`.execute(db);
	await close();
	await Promise.all([page.hears('resync'), desk.hears('resync')]);
	const next = await portal.application(company);
	await page.until(() => JSON.stringify(own().at(-1)?.payload ?? 0).includes(next.name), 'what comes next');
	expect(own().length - before).toBe(1);
});

test('who is no portal admin any more hears nothing further, though the process that did it was killed at once', async () => {
	const dismissed = await portal.person();
	const [account, isPortalAdmin] = [{ accountId: dismissed.userId }, true];
	await portal.admin.api.accounts.setPortalAdmin.mutate({ ...account, isPortalAdmin });
	const { desk } = await listen();
	const theirs = listenOn(portal, portal.server, dismissed);
	await theirs.hears('news true');
	way.mute();
	await on(mortal, portal.admin).accounts.setPortalAdmin.mutate({ ...account, isPortalAdmin: false });
	await mortal.kill();
	await theirs.hears('account');
	const { name } = await portal.company({ admin: portal.admin });
	await desk.until(() => JSON.stringify(desk.events).includes(name), 'what happens next');
	expect(JSON.stringify(theirs.events)).not.toContain(name);
	way.speak();
	await mortal.restart();
});

test('what has no number and a killed process could not tell is asked for, also where nobody had a page open there; who had one has left', async () => {
	const { page } = await listen();
	const colleague = await portal.member(company);
	const there = listenOn(portal, mortal, colleague);
	const isThere = () => page.online.get(company.id)?.has(colleague.userId) === true;
	await there.hears('online');
	await page.until(isThere, 'the colleague');
	/** As if the time had passed after which one that says nothing counts as gone. */
	const pass = () =>
		portal.inDatabase((db) =>
			db
				.updateTable('process')
				.set({ seenAt: sql`now() - interval '1 minute'` })
				.execute()
		);
	await mortal.kill();
	await pass();
	await page.hears('resync');
	await page.until(() => !isThere(), 'the colleague being gone');

	await mortal.restart();
	const silent = await listen();
	way.mute();
	await on(mortal, company.owner).accounts.rename.mutate({ firstName: 'New', lastName: 'Name' });
	await mortal.kill();
	await pass();
	await silent.page.hears('resync');
	way.speak();
	await mortal.restart();
});
