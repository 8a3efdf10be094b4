import { io } from 'socket.io-client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { signal } from '../src/news/publish.ts';
import { password, refusal, getPortal, type Portal } from './factories.ts';
import { listenOn, on, startSecond } from './race.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

async function startSecondFor(onTestFinished: (end: () => Promise<void>) => void) {
	const second = await startSecond(portal);
	onTestFinished(() => second.dispose());
	return second;
}

test('two processes on one PostgreSQL serve one portal: whoever is removed on one is out on the other', async ({
	onTestFinished
}) => {
	const second = await startSecondFor(onTestFinished);
	const company = await portal.company({ admin: portal.admin });
	const organizationId = company.id;
	const [member, offline] = [await portal.member(company), await portal.member(company)];
	const [page, away] = [listenOn(portal, second, member), listenOn(portal, second, offline)];
	await Promise.all([page.hears('online'), away.hears('online')]);
	await portal.application(company);
	await page.hears('application.created');
	away.socket.disconnect();
	for (const { memberId } of [member, offline])
		await company.owner.api.members.remove.mutate({ organizationId, memberId });
	await page.hears('account');
	away.words.length = 0;
	away.events.length = 0;
	away.socket.connect();
	await away.hears('settings');
	await portal.application(company);
	// Their own news come after what they must not hear.
	for (const one of [member, offline]) {
		await one.api.organizations.request.mutate({ name: `Own of ${one.userId}` });
		expect(await refusal(on(second, one).organizations.open.query({ slug: company.slug }))).toMatchObject({
			status: 404
		});
	}
	await Promise.all([page.hears('organization.requested'), away.hears('organization.requested')]);
	// What came just before may be told just after: their page knows by the numbers that it has it.
	const names = page.events.map(({ name }) => name);
	const since = names.slice(names.indexOf('application.created')).filter((name) => name !== 'member.joined');
	expect(since).toEqual(['application.created', 'member.removed', 'organization.requested']);
	expect(away.events.map(({ name }) => name)).toEqual(['organization.requested']);

	// A session that one process ends is over on the other one, cookie and sockets.
	const person = await portal.person();
	const elsewhere = portal.visitor();
	const signIn = () => elsewhere.api.sessions.create.mutate({ email: person.email, password });
	const forgotten = async () => {
		await person.api.accounts.requestReset.mutate({ email: person.email });
		const token = await portal.tokenFor(person.email, 'reset-password');
		await portal.visitor().api.accounts.reset.mutate({ token, password: 'another good password' });
	};
	const endings = [
		() => elsewhere.api.sessions.delete.mutate({}),
		() => person.api.sessions.endOthers.mutate({}),
		forgotten
	];
	for (const end of endings) {
		await signIn();
		const cookie = elsewhere.cookie();
		const open = io(second.origin, {
			transports: ['websocket'],
			forceNew: true,
			extraHeaders: { origin: second.origin, cookie }
		});
		portal.sockets.push(open);
		await new Promise<void>((resolve) => open.on('online', () => resolve()));
		const ended = new Promise<string>((resolve) => open.on('disconnect', resolve));
		await end();
		expect(await ended).toBe('io server disconnect');
		const answer = await fetch(`${second.origin}/trpc/sessions.get?input=%7B%7D`, { headers: { cookie } });
		expect(await answer.text()).toContain('"account":null');
	}
});

test('an organization whose time has come is deleted by one process, and closed on the pages of the other', async ({
	onTestFinished
}) => {
	const company = await portal.company({ admin: portal.admin });
	const place = { organizationId: company.id, name: company.name };
	await company.owner.api.organizations.scheduleDeletion.mutate(place);
	const page = await company.owner.listen();
	await page.hears('online');
	await portal.inDatabase((db) =>
		db
			.updateTable('organization')
			.set({ deletesAt: new Date(Date.now() - 1000) })
			.where('id', '=', company.id)
			.execute()
	);
	// It carries out what fell due before it started.
	await startSecondFor(onTestFinished);
	await page.hears('organization.deleted');
	await page.hears('account');
	const opening = company.owner.api.organizations.open.query({ slug: company.slug });
	expect(await refusal(opening)).toMatchObject({ status: 404 });
});

test('a lost connection to the database: whoever lost their membership meanwhile is out, the others miss nothing', async () => {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const [page, theirs] = [await company.owner.listen(), await member.listen()];
	await Promise.all([page.hears('online'), theirs.hears('online')]);
	const isThere = () => page.online.get(company.id)?.has(member.userId) === true;
	await page.until(isThere, `${member.userId} being there`);
	await portal.inDatabase((db) =>
		db.connection().execute(async (own) => {
			// Nothing is told of this, and it holds before any process begins to listen anew.
			await own.deleteFrom('membership').where('id', '=', member.memberId).execute();
			await sql`
				select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and pid <> pg_backend_pid()`.execute(own);
		})
	);
	await Promise.all([page.hears('resync'), theirs.hears('resync')]);
	// What happened before they came may have been told only then.
	const before = theirs.events.length;
	await page.until(() => !isThere(), `${member.userId} being gone`);
	await portal.application(company);
	await page.hears('application.created');
	expect(theirs.events.slice(before)).toEqual([]);
});

test('connections that break while presence is written and news are read: nobody seems to be there for ever, and pages ask for what they missed', async () => {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const [page, theirs] = [await company.owner.listen(), await member.listen()];
	const isThere = () => page.online.get(company.id)?.has(member.userId) === true;
	await page.until(isThere, `${member.userId} being there`);
	await portal.inDatabase((db) =>
		db.transaction().execute(async (trx) => {
			await sql`lock table presence, event in access exclusive mode`.execute(trx);
			// Both wait for the lock: the departure that is written, and the news that are read.
			theirs.socket.disconnect();
			const waited = new Set<string>();
			let id = 1_000_000;
			await vi.waitFor(
				async () => {
					// Of one that no process has told already; again where this was not heard.
					if (!waited.has('event')) await signal(db, { kind: 'event', id: (id += 1) });
					const { rows } = await sql<{ table: string }>`
						select relation::regclass::text as table, pg_terminate_backend(pid) from pg_locks
						where not granted and relation in ('presence'::regclass, 'event'::regclass)`.execute(trx);
					for (const { table } of rows) waited.add(table);
					expect([...waited].toSorted()).toEqual(['event', 'presence']);
				},
				{ timeout: 240_000, interval: 20 }
			);
		})
	);
	await page.hears('resync');
	await page.until(() => !isThere(), `${member.userId} being gone`);
});
