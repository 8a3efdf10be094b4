import { createTRPCClient, httpLink } from '@trpc/client';
import { io } from 'socket.io-client';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AppRouter } from '../src/router.ts';
import { heard, password, refusal, startPortal, type Portal, type Visitor } from './factories.ts';
import { startServer, type Server } from './harness.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

/** Somebody's calls as the pages of another process make them, with the same session. */
function on({ origin }: Pick<Server, 'origin'>, person: Visitor) {
	return createTRPCClient<AppRouter>({
		links: [
			httpLink({
				url: `${origin}/trpc`,
				headers: { origin },
				fetch: (url, init) => person.request(url as string, init as RequestInit)
			})
		]
	});
}

/** Somebody's page on another process. */
function listenOn({ origin }: Pick<Server, 'origin'>, person: Visitor) {
	const socket = io(origin, {
		transports: ['websocket'],
		forceNew: true,
		reconnectionDelay: 100,
		extraHeaders: { origin, cookie: person.cookie() }
	});
	portal.sockets.push(socket);
	return heard(socket);
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

test('two processes on one PostgreSQL serve one portal: whoever is removed on one is out on the other', async ({
	onTestFinished
}) => {
	const second = await startSecond(onTestFinished);
	const company = await portal.company({ admin: portal.admin });
	const organizationId = company.id;
	const [member, offline] = [await portal.member(company), await portal.member(company)];
	const [page, away] = [listenOn(second, member), listenOn(second, offline)];
	await Promise.all([page.hears('online'), away.hears('online')]);
	await portal.application(company);
	await page.hears('application.created');
	away.socket.disconnect();
	const began = performance.now();
	for (const { memberId } of [member, offline])
		await company.owner.api.members.remove.mutate({ organizationId, memberId });
	await page.until(() => page.words.includes('account'), 'the closed door', 1000);
	expect(performance.now() - began).toBeLessThan(1000);
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
	expect(page.events.map(({ name }) => name)).toEqual([
		'application.created',
		'member.removed',
		'organization.requested'
	]);
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

test('two Super admins on two processes never leave the organization without one', async ({
	onTestFinished
}) => {
	const second = await startSecond(onTestFinished);
	const company = await portal.company({ admin: portal.admin });
	const organizationId = company.id;
	const other = await portal.member(company, 'super_admin');
	const open = async (by: Visitor) =>
		(await by.api.organizations.open.query({ slug: company.slug })).snapshot.members;
	const ownId = (await open(other)).find(({ userId }) => userId !== other.userId)?.id ?? '';
	const edit = (by: ReturnType<typeof on>, memberId: string, role: 'super_admin' | 'team_member') =>
		by.members.update.mutate({ organizationId, memberId, firstName: 'A', lastName: 'B', role });
	for (let round = 0; round < 50; round++) {
		const acts = [
			edit(company.owner.api, other.memberId, 'team_member'),
			edit(on(second, other), ownId, 'team_member')
		];
		const answers = await Promise.allSettled<unknown>(acts);
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		const isOwnerLeft = answers[0]?.status === 'fulfilled';
		const admins = (await open(other)).filter(({ role }) => role === 'super_admin');
		expect(admins.map(({ id }) => id)).toEqual([isOwnerLeft ? ownId : other.memberId]);
		if (isOwnerLeft) await edit(company.owner.api, other.memberId, 'super_admin');
		else await edit(other.api, ownId, 'super_admin');
	}
	const leaving = await Promise.allSettled([
		company.owner.api.members.leave.mutate({ organizationId }),
		on(second, other).members.leave.mutate({ organizationId })
	]);
	expect(leaving.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
	expect(leaving.find((one) => one.status === 'rejected')?.reason).toMatchObject({
		data: { reason: 'LAST_SUPER_ADMIN' }
	});
});

test('two admins on two processes who decide in the same instant: one decision, one e-mail, a hundred times', async ({
	onTestFinished
}) => {
	const second = on(await startSecond(onTestFinished), portal.admin);
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
	const decisions = () =>
		watching.events.filter(({ name }) => /^organization\.(approved|rejected)$/.test(name));
	await watching.until(() => decisions().length >= 100, 'a hundred decisions');
	expect(decisions()).toHaveLength(100);
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
