import { io } from 'socket.io-client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, type Portal } from './factories.ts';
import { startServer } from './harness.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

test('two processes on one PostgreSQL serve one portal', async ({ onTestFinished }) => {
	const { databaseUrl, dataFolder } = portal.server;
	const second = await startServer({
		database: 'postgres',
		env: { DATABASE_URL: databaseUrl ?? '', DATA_FOLDER: dataFolder, SMTP_URL: portal.smtp.url }
	});
	onTestFinished(() => second.dispose());
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const page = io(second.origin, {
		transports: ['websocket'],
		forceNew: true,
		extraHeaders: { origin: second.origin, cookie: member.cookie() }
	});
	portal.sockets.push(page);
	const heard: string[] = [];
	const removed = new Promise<void>((resolve) => {
		page.on('event', (_: unknown, event: { name: string }) => {
			heard.push(event.name);
			if (event.name === 'member.removed') resolve();
		});
	});
	await new Promise<void>((resolve) => page.on('online', () => resolve()));
	await portal.application(company);
	await company.owner.api.members.remove.mutate({ organizationId: company.id, memberId: member.memberId });
	await removed;
	expect(heard).toEqual(['application.created', 'member.removed']);
});

test('a lost connection to the database: whoever lost their membership meanwhile is out, the others miss nothing', async () => {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const [page, theirs] = [await company.owner.listen(), await member.listen()];
	await Promise.all([page.hears('online'), theirs.hears('online')]);
	await portal.inDatabase(async (db) => {
		// In one statement, so that nothing is told of what it does: the listening connection is gone first.
		await sql`
			select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`.execute(db);
		await db.deleteFrom('membership').where('id', '=', member.memberId).execute();
	});
	await Promise.all([page.hears('resync'), theirs.hears('resync')]);
	await page.hears(`presence ${member.userId} false`);
	await portal.application(company);
	await page.hears('application.created');
	expect(theirs.events).toEqual([]);
});
