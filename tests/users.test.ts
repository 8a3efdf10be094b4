import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyOrganization } from '#lib/apply.ts';
import { applyPortal } from '#lib/apply-portal.ts';
import {
	password,
	refusal,
	startPortal,
	unique,
	type Company,
	type Portal,
	type Visitor
} from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

const approved = () => portal.company({ admin: portal.admin });
const accounts = () => portal.admin.api.accounts;
const find = async (search: string) => (await accounts().list.query({ search })).accounts;
const open = async (company: Company, by: Visitor = company.owner) =>
	(await by.api.organizations.open.query({ slug: company.slug })).snapshot;

describe('the list of accounts', () => {
	test('finds by name and address, says to which companies somebody belongs and when they were last seen', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const [found] = await find(member.email.toUpperCase());
		expect(found).toMatchObject({ email: member.email, organizations: [company.name], status: 'active' });
		expect(Date.now() - Date.parse(found?.lastSeenAt ?? '')).toBeLessThan(600_000);
		expect((await find(`${member.firstName} ${member.lastName}`)).map(({ id }) => id)).toEqual([
			member.userId
		]);
		expect(await find('%')).toEqual([]);
		expect(JSON.stringify(found)).not.toMatch(/argon|password/i);
	});

	test('comes in pages, whole and without a row twice', async () => {
		const word = unique('paged').replace(' ', '');
		await portal.inDatabase((db) =>
			db
				.insertInto('account')
				.values(
					Array.from({ length: 120 }, (_, i) => ({
						email: `${word}${i}@example.test`,
						passwordHash: 'none',
						firstName: 'Paged',
						lastName: String(i),
						status: 'rejected' as const,
						createdAt: new Date(1_795_000_000_000 + Math.floor(i / 60))
					}))
				)
				.execute()
		);
		const query = { search: word, status: 'rejected' as const };
		let page = await accounts().list.query(query);
		const ids = page.accounts.map(({ id }) => id);
		while (page.next) {
			page = await accounts().list.query({ ...query, after: page.next });
			ids.push(...page.accounts.map(({ id }) => id));
		}
		expect(ids).toHaveLength(120);
		expect(new Set(ids).size).toBe(120);
	});
});

describe('deactivating', () => {
	test('ends sessions and sockets, leaves the member lists, revokes their invitations, and is undone by activating', async () => {
		const company = await approved();
		const member = await portal.member(company, 'super_admin');
		const { token } = await portal.invitation({ ...company, owner: member });
		const [watching, theirs] = [await company.owner.listen(), await member.listen()];
		await Promise.all([watching.hears('online'), theirs.hears('online')]);
		const before = await open(company);
		await accounts().deactivate.mutate({ accountId: member.userId });
		await Promise.all([theirs.hears('ended'), theirs.hears('disconnect')]);
		expect(await refusal(open(company, member))).toMatchObject({ status: 401 });
		expect(await refusal(portal.signIn(member.email))).toMatchObject({
			status: 403,
			reason: 'ACCOUNT_DEACTIVATED'
		});
		expect((await portal.visitor().api.invitations.open.query({ token })).state).toBe('revoked');
		const after = await open(company);
		expect(after.members.map(({ userId }) => userId)).toEqual([company.owner.userId]);
		const again = await refusal(accounts().deactivate.mutate({ accountId: member.userId }));
		expect(again).toMatchObject({ status: 409, message: 'This account is deactivated already.' });

		await accounts().activate.mutate({ accountId: member.userId });
		await portal.signIn(member.email);
		const fresh = await open(company);
		expect(fresh.members).toEqual(before.members);
		await watching.until(() => watching.events.some(({ seq }) => seq === fresh.seq), 'the last event');
		const events = watching.events.filter(({ seq }) => seq > before.seq);
		expect(events.reduce(applyOrganization, before)).toEqual(fresh);
	});

	test('moves the admins’ figures as a page has them that loads now', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const listing = () => portal.admin.api.organizations.list.query({ search: company.name });
		const before = await listing();
		const watching = await portal.admin.listen();
		await watching.hears('settings');
		await accounts().deactivate.mutate({ accountId: member.userId });
		await accounts().activate.mutate({ accountId: member.userId });
		await accounts().deactivate.mutate({ accountId: member.userId });
		const fresh = await listing();
		expect(fresh.organizations[0]?.memberCount).toBe(1);
		await watching.until(
			() => watching.portalEvents().some(({ seq }) => seq === fresh.seq),
			'the last event'
		);
		const events = watching.portalEvents().filter(({ seq }) => seq > before.seq);
		expect(events.reduce(applyPortal, before)).toEqual(fresh);
	});

	test('does not open the door of an invitation to an account that was never proven', async () => {
		const company = await approved();
		const squatter = await portal.person({ isVerified: false });
		await accounts().deactivate.mutate({ accountId: squatter.userId });
		const { token } = await portal.invitation(company, { email: squatter.email });
		const accepting = portal.visitor().api.invitations.accept.mutate({ token, password: 'another password' });
		expect(await refusal(accepting)).toMatchObject({ status: 403, reason: 'ACCOUNT_DEACTIVATED' });
	});

	test('is refused for the last Super admin of a company', async () => {
		const company = await approved();
		const { userId } = company.owner;
		const alone = await refusal(accounts().deactivate.mutate({ accountId: userId }));
		expect(alone).toMatchObject({ status: 409, reason: 'LAST_SUPER_ADMIN' });
		expect(alone.message).toContain(company.name);
	});
});

describe('portal admins', () => {
	test('are made and dismissed, at once on their open page too', async () => {
		const one = await portal.person();
		const page = await one.listen();
		await page.hears('online');
		expect(await refusal(one.api.accounts.list.query({}))).toMatchObject({ status: 403 });
		await accounts().setPortalAdmin.mutate({ accountId: one.userId, isPortalAdmin: true });
		await page.hears('account');
		const first = await portal.company({ admin: portal.admin });
		await portal.application(first);
		await Promise.all([page.hears('organization.requested'), page.hears('application.created')]);
		await one.api.accounts.list.query({});
		await accounts().setPortalAdmin.mutate({ accountId: one.userId, isPortalAdmin: false });
		await page.until(() => page.words.filter((word) => word === 'account').length > 1, 'the dismissal');
		const heard = page.events.length;
		await portal.company();
		await portal.invitation(first);
		// Their own news still come, after what they must not hear.
		await one.api.organizations.request.mutate({ name: unique('Own') });
		await page.until(() => page.events.length > heard, 'their own request');
		expect(page.events.slice(heard).map(({ actor }) => actor.id)).toEqual([one.userId]);
		expect(await refusal(one.api.accounts.list.query({}))).toMatchObject({ status: 403 });
	});

	test('are never made of an account whose address nobody has proven', async () => {
		const one = await portal.person({ isVerified: false });
		const refused = await refusal(
			accounts().setPortalAdmin.mutate({ accountId: one.userId, isPortalAdmin: true })
		);
		expect(refused).toMatchObject({ status: 409, reason: 'UNVERIFIED' });
	});

	test('never act on themselves', async () => {
		const [me] = await find('admin@example.test');
		const accountId = me?.id ?? '';
		const acts = [
			() => accounts().deactivate.mutate({ accountId }),
			() => accounts().delete.mutate({ accountId }),
			() => accounts().setPortalAdmin.mutate({ accountId, isPortalAdmin: false })
		];
		for (const act of acts) {
			expect(await refusal(act())).toMatchObject({ status: 403, reason: 'ONESELF' });
		}
	});
});

describe('deleting', () => {
	test('takes the account and its own space, and leaves what belongs to companies', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const application = await portal.application(company, member);
		const request = await portal.company({ owner: member });
		const watching = await company.owner.listen();
		await watching.hears('online');
		await accounts().delete.mutate({ accountId: member.userId });
		await watching.hears('member.removed');
		expect(await find(member.email)).toEqual([]);
		expect(await refusal(portal.signIn(member.email))).toMatchObject({ status: 400 });
		const snapshot = await open(company);
		expect(snapshot.members).toHaveLength(1);
		expect(snapshot.applications).toMatchObject([
			{ id: application.id, createdBy: { id: member.userId, name: `${member.firstName} ${member.lastName}` } }
		]);
		// Who did what stays on record.
		expect(JSON.stringify(snapshot.recent)).toContain(`${member.firstName} ${member.lastName}`);
		const { organizations } = await portal.admin.api.organizations.list.query({ search: request.name });
		expect(organizations).toEqual([]);
		// The address is free, and begins anew.
		const { api } = portal.visitor();
		await api.accounts.register.mutate({
			email: member.email,
			firstName: 'New',
			lastName: 'Start',
			password
		});
		await portal.signIn(member.email);
	});

	test('is refused for the last Super admin of a company', async () => {
		const company = await approved();
		const refused = await refusal(accounts().delete.mutate({ accountId: company.owner.userId }));
		expect(refused).toMatchObject({ status: 409, reason: 'LAST_SUPER_ADMIN' });
		expect(await find(company.owner.email)).toHaveLength(1);
	});
});
