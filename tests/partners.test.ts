import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyPortal } from '#lib/apply-portal.ts';
import { password, refusal, getPortal, unique, uniqueEmail, type Portal } from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const organizations = () => portal.admin.api.organizations;
const invitee = (email = uniqueEmail()) => ({ firstName: 'Pat', lastName: 'Ner', email });
const listed = (name: string) => organizations().list.query({ search: name });
const setPortalAdmin = ({ userId: accountId }: { userId: string }, isPortalAdmin: boolean) =>
	portal.admin.api.accounts.setPortalAdmin.mutate({ accountId, isPortalAdmin });

describe('an organization for a partner', () => {
	test('is approved at once, and whoever opens the link lands as its Super admin', async () => {
		const name = unique('Partner');
		const before = await listed(name);
		const watching = await portal.admin.listen();
		await watching.hears('settings');
		const person = invitee();
		const { id, slug } = await organizations().create.mutate({ name, ...person });
		expect((await listed(name)).organizations).toMatchObject([
			{ status: 'approved', memberCount: 0, hasSuperAdmin: false, requestedBy: null }
		]);
		const token = await portal.tokenFor(person.email, 'invitations');
		const joining = portal.visitor();
		const opened = await joining.api.invitations.open.query({ token });
		expect(opened).toMatchObject({ who: 'new', organizationName: name, role: 'super_admin' });
		await joining.api.invitations.accept.mutate({ token, password });
		const { snapshot } = await joining.api.organizations.open.query({ slug });
		expect(snapshot.members).toMatchObject([{ email: person.email, role: 'super_admin' }]);

		const fresh = await listed(name);
		expect(fresh.organizations).toMatchObject([{ id, memberCount: 1, hasSuperAdmin: true }]);
		await watching.until(
			() => watching.portalEvents().some(({ seq }) => seq === fresh.seq),
			'the last event'
		);
		const events = watching.portalEvents().filter(({ seq }) => seq > before.seq);
		expect(events.map((one) => one.name)).toContain('invitation.offered');
		expect(events.reduce(applyPortal, before)).toEqual(fresh);
	});

	test('is refused under a taken name or with an address that is none, and nothing is left behind', async () => {
		const company = await portal.company();
		const person = invitee();
		const taken = await refusal(
			organizations().create.mutate({ name: company.name.toUpperCase(), ...person })
		);
		expect(taken).toMatchObject({ status: 409, fields: { name: expect.stringContaining('already') } });
		const name = unique('Nobody');
		const wrong = await refusal(organizations().create.mutate({ name, ...invitee('a,b@example.test') }));
		expect(wrong).toMatchObject({ status: 400, fields: { email: expect.any(String) } });
		expect((await listed(name)).organizations).toEqual([]);
	});

	test('can be offered to somebody else while nobody has accepted; the older link of an address dies', async () => {
		const { id } = await organizations().create.mutate({ name: unique('Offered'), ...invitee() });
		const person = invitee();
		await organizations().invite.mutate({ organizationId: id, ...person });
		const first = await portal.tokenFor(person.email, 'invitations');
		await organizations().invite.mutate({ organizationId: id, ...person });
		const second = await portal.tokenFor(person.email, 'invitations', first);
		const { api } = portal.visitor();
		expect((await api.invitations.open.query({ token: first })).state).toBe('invalid');
		await api.invitations.accept.mutate({ token: second, password });
		const again = await refusal(organizations().invite.mutate({ organizationId: id, ...invitee() }));
		expect(again).toMatchObject({ status: 409, reason: 'HAS_SUPER_ADMIN' });
	});

	test('is offered as often as the settings let one person invite', async () => {
		const colleague = await portal.person();
		const change = (invitationsPerInviter: number) =>
			portal.admin.api.settings.update.mutate({ invitationsPerInviter });
		await setPortalAdmin(colleague, true);
		const create = () => colleague.api.organizations.create.mutate({ name: unique('Counted'), ...invitee() });
		await change(1);
		await create();
		expect(await refusal(create())).toMatchObject({ status: 429 });
		await change(2);
		await create();
		expect(await refusal(create())).toMatchObject({ status: 429 });
		await change(30);
		await setPortalAdmin(colleague, false);
	});

	test('is offered again and again, also once the database has planned the statement for any values', async () => {
		const colleague = await portal.person();
		await setPortalAdmin(colleague, true);
		const { create, invite } = colleague.api.organizations;
		const { id: organizationId } = await create.mutate({ name: unique('Again'), ...invitee() });
		// PostgreSQL plans a prepared statement anew for the values of its first five calls on a connection.
		for (let each = 0; each < 20; each++) await invite.mutate({ organizationId, ...invitee() });
		await setPortalAdmin(colleague, false);
	});

	test('loses its offer with the admin who made it', async () => {
		const colleague = await portal.person();
		await setPortalAdmin(colleague, true);
		const person = invitee();
		await colleague.api.organizations.create.mutate({ name: unique('Lost'), ...person });
		const token = await portal.tokenFor(person.email, 'invitations');
		await setPortalAdmin(colleague, false);
		expect((await portal.visitor().api.invitations.open.query({ token })).state).toBe('revoked');
	});
});

describe('appointing a Super admin', () => {
	test('is for an organization that has none, and on record', async () => {
		const company = await portal.company({ admin: portal.admin });
		const member = await portal.member(company);
		const place = { organizationId: company.id, memberId: member.memberId };
		const refused = await refusal(organizations().appointSuperAdmin.mutate(place));
		expect(refused).toMatchObject({ status: 409, reason: 'HAS_SUPER_ADMIN' });
		// As an accident with the database would leave it: the product never does.
		await portal.inDatabase((db) =>
			db
				.updateTable('account')
				.set({ status: 'deactivated' })
				.where('id', '=', company.owner.userId)
				.execute()
		);
		expect((await listed(company.name)).organizations).toMatchObject([{ hasSuperAdmin: false }]);
		const watching = await member.listen();
		await watching.hears('online');
		await organizations().appointSuperAdmin.mutate(place);
		await watching.hears('member.appointed');
		await watching.hears('account');
		await member.api.organizations.configure.mutate({
			organizationId: company.id,
			isRevealRestricted: true
		});
		const { activity } = await organizations().get.query({ organizationId: company.id });
		expect(activity.map(({ name }) => name)).toContain('member.appointed');
		await portal.smtp.waitFor(({ subject }) => subject === `Your role in ${company.name} is now Super admin`);
	});
});
