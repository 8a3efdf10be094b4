import { connect } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyOrganization, countPeople } from '#lib/apply.ts';
import { applyPortal } from '#lib/apply-portal.ts';
import { listedAtMost } from '#lib/people.ts';
import { password, startPortal, type Portal } from './factories.ts';
import { byEmail, insertPeople, listPeople } from './many-people.ts';
import { changeAccess, insertProduct } from './offers.ts';

let portal: Portal;
beforeAll(async () => {
	// Its list of organizations has to fit a page: an open one keeps what it was shown, a fresh one is cut there.
	portal = await startPortal();
});
afterAll(() => portal.stop());

const approved = () => portal.company({ admin: portal.admin });

describe('an open page', () => {
	test('hears every event of its organization once, in order, without a gap', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const { snapshot } = await member.api.organizations.open.query({ slug: company.slug });
		const page = await member.listen();
		await page.hears('online');
		await Promise.all(
			Array.from({ length: 12 }, (_, i) => portal.application(company, i % 2 ? member : company.owner))
		);
		// What happened just before it came may be told just after.
		const events = () => page.events.filter(({ seq }) => seq > snapshot.seq);
		await page.until(() => events().length >= 12, 'twelve events');
		expect(events().map(({ seq }) => seq)).toEqual(
			Array.from({ length: 12 }, (_, i) => snapshot.seq + 1 + i)
		);
		expect(new Set(events().map(({ id }) => id)).size).toBe(12);
	});

	test.each([
		['few', 0],
		['many', 2 * listedAtMost]
	])('has after its events what a page has that loads now, of %s people', async (_, others) => {
		const company = await approved();
		await insertPeople(portal, company, others);
		const member = await portal.member(company, 'super_admin');
		const product = await insertProduct(portal);
		const opening = () => member.api.organizations.open.query({ slug: company.slug });
		const governing = () => portal.admin.api.organizations.list.query({});
		const [{ snapshot }, portalSnapshot] = [await opening(), await governing()];
		const people = await listPeople(company);
		const [page, adminPage] = [await member.listen(), await portal.admin.listen()];
		await Promise.all([page.hears('online'), adminPage.hears('settings')]);

		const organizationId = company.id;
		const { api } = company.owner;
		const application = await portal.application(company, member);
		const applicationId = application.id;
		const credentialId = application.credentials[0]?.id ?? '';
		await api.applications.update.mutate({
			organizationId,
			applicationId,
			name: 'Renamed',
			description: 'x'
		});
		await api.credentials.create.mutate({ organizationId, applicationId, label: 'Second' });
		await api.credentials.reveal.mutate({ organizationId, applicationId, credentialId });
		const rotated = await api.credentials.rotate.mutate({
			organizationId,
			applicationId,
			credentialId,
			overlapSeconds: 3600
		});
		await api.credentials.revoke.mutate({ organizationId, applicationId, credentialId: rotated.id });
		const other = await portal.application(company);
		await changeAccess(portal, company, product, other.id, applicationId);
		await api.applications.delete.mutate({ organizationId, applicationId: other.id });
		const invitation = await portal.invitation(company);
		await api.invitations.revoke.mutate({ organizationId, invitationId: invitation.id });
		const open = await portal.invitation(company, { role: 'super_admin' });
		const corrected = { firstName: 'In', lastName: 'Vited', role: 'team_member' } as const;
		await api.invitations.update.mutate({ organizationId, invitationId: open.id, ...corrected });
		const arriving = await portal.member(company, 'super_admin', { isFrontDoor: true });
		await arriving.api.members.leave.mutate({ organizationId });
		const joined = await portal.member(company);
		await api.members.update.mutate({
			organizationId,
			memberId: joined.memberId,
			firstName: 'Other',
			lastName: 'Name',
			role: 'super_admin'
		});
		const space = await portal.space(joined);
		const brought = await portal.application(space);
		const kept = { organizationId: space.id, applicationId: brought.id };
		await joined.api.credentials.reveal.mutate({
			...kept,
			credentialId: brought.credentials[0]?.id ?? ''
		});
		await joined.api.applications.move.mutate({ ...kept, targetId: company.id, name: 'Brought' });
		const leaver = await portal.member(company);
		await api.members.remove.mutate({ organizationId, memberId: leaver.memberId });
		await api.organizations.rename.mutate({ organizationId, name: `${company.name} II` });
		await api.organizations.configure.mutate({ organizationId, isRevealRestricted: true });
		const heir = await portal.member(company);
		await api.members.handOver.mutate({ organizationId, memberId: heir.memberId });
		await portal.company();

		const [fresh, freshPortal] = [(await opening()).snapshot, await governing()];
		await page.until(() => page.events.some(({ seq }) => seq === fresh.seq), `event ${fresh.seq}`);
		const ownEvents = page.events.filter(({ seq }) => seq > snapshot.seq);
		const events = () => adminPage.portalEvents().filter(({ seq }) => seq > portalSnapshot.seq);
		await adminPage.until(
			() => events().some(({ seq }) => seq === freshPortal.seq),
			`portal event ${freshPortal.seq}`
		);
		const numbers = events().map(({ seq }) => seq);
		expect(numbers).toEqual(numbers.map((_, index) => portalSnapshot.seq + 1 + index));
		const followed = ownEvents.reduce(applyOrganization, snapshot);
		expect(snapshot.counts === null).toBe(others === 0);
		if (others === 0) expect(followed).toEqual(fresh);
		else {
			// Whom a page knows of many is another question than how many they are.
			const some = { members: [], invitations: [] };
			expect({ ...followed, ...some }).toEqual({ ...fresh, ...some });
			expect(fresh.members.map(({ userId }) => userId)).toEqual([member.userId]);
			expect(followed.members).toContainEqual(fresh.members[0]);
		}
		// Whoever has asked for all of them has all of them still.
		const all = ownEvents.reduce(applyOrganization, { ...snapshot, ...people });
		const now = await listPeople(company);
		expect(byEmail(all.members)).toEqual(byEmail(now.members));
		expect(byEmail(all.invitations)).toEqual(byEmail(now.invitations));
		expect(countPeople({ ...now, counts: null })).toEqual(countPeople(fresh));
		expect(events().reduce(applyPortal, portalSnapshot)).toEqual(freshPortal);
		expect(events().length).toBeGreaterThan(5);

		// The portal admins' page has heard each of the organization's own events too, once, without those of its stream.
		const ids = adminPage.events.map(({ id }) => id);
		expect(new Set(ids).size).toBe(ids.length);
		for (const { id } of page.events) expect(ids).toContain(id);
		const own = adminPage.events.filter((event) => !adminPage.portalEvents().includes(event));
		expect(own.map(({ name }) => name)).toContain('credential.revealed');
		expect(own.map(({ name }) => name)).toContain('invitation.revoked');
	});

	test('of a portal admin hears of personal spaces as well, and nobody else does', async () => {
		const [company, person] = [await approved(), await portal.person()];
		const [admin, stranger] = [await portal.admin.listen(), await company.owner.listen()];
		await Promise.all([admin.hears('settings'), stranger.hears('online')]);
		const { organizations } = await person.api.sessions.get.query({});
		const space = organizations.find(({ isPersonal }) => isPersonal);
		const { name } = await portal.application({ ...company, id: space?.id ?? '', owner: person });
		await admin.hears('application.created');
		expect(admin.latest('application.created')).toMatchObject({
			organizationId: space?.id,
			payload: { application: { name } }
		});
		expect(admin.portalEvents().filter(({ organizationId }) => organizationId === space?.id)).toEqual([]);
		await portal.application(company);
		await stranger.hears('application.created');
		expect(new Set(stranger.events.map(({ organizationId }) => organizationId))).toEqual(
			new Set([company.id])
		);
	});

	test('that was away is told what it missed', async () => {
		const company = await approved();
		const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
		for (let i = 0; i < 3; i++) await portal.application(company);
		const { events } = await company.owner.api.activity.since.query({
			organizationId: company.id,
			after: snapshot.seq
		});
		expect(events?.map(({ seq }) => seq)).toEqual([1, 2, 3].map((step) => snapshot.seq + step));
	});

	test('of somebody who is not signed in hears the settings and nothing else', async () => {
		const page = await portal.visitor().listen();
		await page.hears('settings');
		await portal.company({ admin: portal.admin });
		await portal.admin.api.settings.update.mutate({ isAutoApprovingAccounts: false });
		await page.until(() => page.words.filter((word) => word === 'settings').length === 2, 'new settings');
		await portal.admin.api.settings.update.mutate({ isAutoApprovingAccounts: true });
		expect(page.events).toEqual([]);
	});

	test('shows who comes and goes', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const page = await company.owner.listen();
		await page.hears('online');
		const other = await member.listen();
		await page.hears(`presence ${member.userId} true`);
		other.socket.disconnect();
		await page.hears(`presence ${member.userId} false`);
	});
});

describe('the door closes', () => {
	test('at once for a member who is removed, and stays closed', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const page = await member.listen();
		await page.hears('online');
		await company.owner.api.members.remove.mutate({ organizationId: company.id, memberId: member.memberId });
		await page.hears('member.removed');
		await page.hears('account');
		const heardBefore = page.events.length;

		await portal.application(company);
		const back = await member.listen();
		await back.hears('settings');
		// A change that they may hear comes after everything that they may not.
		await member.api.organizations.request.mutate({ name: `Own company ${heardBefore} of ${member.userId}` });
		await back.hears('organization.requested');
		await page.hears('organization.requested');
		expect(page.events.slice(heardBefore).map(({ organizationId }) => organizationId)).not.toContain(
			company.id
		);
		expect(back.events.map(({ organizationId }) => organizationId)).not.toContain(company.id);
	});

	test('for the members of a suspended organization, and opens again', async () => {
		const company = await approved();
		const page = await company.owner.listen();
		await page.hears('online');
		await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
		await page.hears('organization.suspended');
		await page.hears('account');
		const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
		expect(snapshot).toMatchObject({ members: [], applications: [], recent: [] });
		await portal.admin.api.organizations.restore.mutate({ organizationId: company.id });
		await page.hears('organization.restored');
	});

	test('after signing out: the cookie and its sockets are dead, other sessions live', async () => {
		const person = await portal.person();
		const elsewhere = portal.visitor();
		await elsewhere.api.sessions.create.mutate({ email: person.email, password });
		const [here, there] = [await person.listen(), await elsewhere.listen()];
		await Promise.all([here.hears('online'), there.hears('online')]);
		const cookie = person.cookie();
		await person.api.sessions.delete.mutate({});
		await here.hears('ended');
		await here.hears('disconnect');
		const kept = await person.request('/trpc/sessions.get?input=%7B%7D', { headers: { cookie } });
		expect(await kept.text()).toContain('"account":null');
		expect(there.words).not.toContain('disconnect');
		expect((await elsewhere.api.sessions.get.query({})).account).not.toBeNull();
	});
});

describe('the socket refuses', () => {
	const attempt = (headers: Record<string, string>) =>
		new Promise<string>((resolve) => {
			const socket = io(portal.server.origin, {
				transports: ['websocket'],
				forceNew: true,
				reconnection: false,
				extraHeaders: headers
			});
			portal.sockets.push(socket);
			socket.on('connect', () => resolve('connected'));
			socket.on('connect_error', () => resolve('refused'));
		});

	test('any origin but its own', async () => {
		const { origin } = portal.server;
		const wrong = [
			'https://evil.example',
			'null',
			origin.replace('http:', 'https:'),
			`${origin}.evil.example`,
			origin.replace('localhost', 'localhost.'),
			`${origin}/`,
			''
		];
		for (const one of wrong) expect(await attempt({ origin: one }), one).toBe('refused');
		expect(await attempt({}), 'without').toBe('refused');
		expect(await attempt({ origin })).toBe('connected');
	});

	test('a cookie that is none', async () => {
		const { origin } = portal.server;
		expect(await attempt({ origin, cookie: 'portico=nonsense' })).toBe('refused');
		expect(await attempt({ origin, cookie: 'portico=%E0%A4%A' })).toBe('refused');
	});

	test('namespaces, and wishes for a room: whoever speaks is out', async () => {
		const company = await approved();
		const spy = await portal.person();
		const { origin } = portal.server;
		const extraHeaders = { origin, cookie: spy.cookie() };
		for (const name of ['admins', `organization:${company.id}`, 'admin']) {
			const socket = io(`${origin}/${name}`, {
				transports: ['websocket'],
				forceNew: true,
				reconnection: false,
				extraHeaders
			});
			portal.sockets.push(socket);
			const answer = await new Promise<string>((resolve) => {
				socket.on('connect', () => resolve('connected'));
				socket.on('connect_error', ({ message }) => resolve(message));
			});
			expect(answer).toBe('Invalid namespace');
		}
		const page = await spy.listen();
		await page.hears('online');
		(page.socket as Socket).emit('join', `organization:${company.id}`);
		await page.hears('disconnect');
		await portal.application(company);
		expect(page.events).toEqual([]);
	});

	test('rubbish, and goes on serving the others', async () => {
		const company = await approved();
		const page = await company.owner.listen();
		await page.hears('online');
		const spy = await portal.person();
		for (const packet of [
			null,
			undefined,
			{ deep: JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`) },
			'x'.repeat(40_000)
		]) {
			const bad = await spy.listen();
			await bad.hears('connect');
			bad.socket.io.reconnection(false);
			(bad.socket as Socket).emit('rubbish', packet);
			await bad.hears('disconnect');
		}
		const raw = connect(portal.server.port, '127.0.0.1');
		raw.on('error', () => {});
		raw.write('GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n\r\n\u0000\u0001garbage');
		await new Promise((resolve) => raw.once('data', resolve));
		raw.destroy();
		await portal.application(company);
		await page.hears('application.created');
	});
});
