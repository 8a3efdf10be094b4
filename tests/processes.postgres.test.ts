import { createTRPCClient, httpLink } from '@trpc/client';
import { io } from 'socket.io-client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AppRouter } from '../src/router.ts';
import { password, refusal, startPortal, type Portal } from './factories.ts';
import { startServer } from './harness.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

/** The admins' procedures as the pages of another process call them, with the same session. */
function adminOn({ origin }: { origin: string }) {
	return createTRPCClient<AppRouter>({
		links: [
			httpLink({
				url: `${origin}/trpc`,
				headers: { origin },
				fetch: (url, init) => portal.admin.request(url as string, init as RequestInit)
			})
		]
	});
}

async function startSecond(onTestFinished: (end: () => Promise<void>) => void) {
	const { databaseUrl, dataFolder } = portal.server;
	const second = await startServer({
		database: 'postgres',
		env: { DATABASE_URL: databaseUrl ?? '', DATA_FOLDER: dataFolder, SMTP_URL: portal.smtp.url }
	});
	onTestFinished(() => second.dispose());
	return second;
}

test('two processes on one PostgreSQL serve one portal', async ({ onTestFinished }) => {
	const second = await startSecond(onTestFinished);
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

test('two admins on two processes who decide in the same instant: one decision, one e-mail, a hundred times', async ({
	onTestFinished
}) => {
	const second = adminOn(await startSecond(onTestFinished));
	const owner = await portal.person();
	const watching = await portal.admin.listen();
	await watching.hears('settings');
	const decided = new Map<string, string>();
	for (let round = 0; round < 100; round++) {
		const company = await portal.company({ owner });
		const organizationId = company.id;
		const answers = await Promise.allSettled([
			portal.admin.api.organizations.approve.mutate({ organizationId }),
			second.organizations.reject.mutate({ organizationId, reason: 'No.' })
		]);
		const [first, other] = answers.map(({ status }) => status === 'fulfilled');
		expect([first, other].filter(Boolean)).toHaveLength(1);
		const lost = answers.find((answer) => answer.status === 'rejected');
		const words = await refusal(Promise.reject(lost?.reason as Error));
		expect(words).toMatchObject({ status: 409, reason: 'DECIDED' });
		expect(words.message).toMatch(/already by Portal Admin at \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
		decided.set(company.name, first ? 'is approved' : 'was not approved');
	}
	for (const [name, outcome] of decided) {
		for (const what of ['asks to join', outcome]) {
			await portal.smtp.waitFor(({ subject }) => subject === `${name} ${what}`);
		}
		const mails = portal.smtp.messages.filter(({ subject }) => subject?.startsWith(`${name} `));
		expect(mails.map(({ subject }) => subject).sort()).toEqual(
			[`${name} asks to join`, `${name} ${outcome}`].sort()
		);
	}
	const decisions = watching.events.filter(({ name }) => /^organization\.(approved|rejected)$/.test(name));
	expect(decisions).toHaveLength(100);
}, 90_000);

test('an organization whose time has come is deleted by one process, and closed on the pages of the other', async ({
	onTestFinished
}) => {
	const company = await portal.company({ admin: portal.admin });
	const place = { organizationId: company.id, name: company.name };
	await company.owner.api.organizations.askDeletion.mutate(place);
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
	await startSecond(onTestFinished);
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
