import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyOrganization } from '#lib/apply.ts';
import {
	getPortal,
	password,
	refusal,
	startPortal,
	unique,
	uniqueEmail,
	type Company,
	type Person,
	type Portal
} from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const approved = (owner?: Person) => portal.company({ owner, admin: portal.admin });

async function open(company: Company) {
	return (await company.owner.api.organizations.open.query({ slug: company.slug })).snapshot;
}

describe('inviting', () => {
	test('leaves the token nowhere but in the e-mail', async () => {
		const company = await approved();
		const { token } = await portal.invitation(company);
		const { owner } = company;
		const organizationId = company.id;
		const seen = JSON.stringify([
			await owner.api.organizations.open.query({ slug: company.slug }),
			await owner.api.activity.list.query({ organizationId }),
			await owner.api.activity.since.query({ organizationId, after: 0 }),
			await portal.admin.api.activity.listPortal.query({}),
			await portal.admin.api.organizations.list.query({}),
			await portal.admin.api.messages.list.query({}),
			await (await owner.request(`/orgs/${company.slug}/users`)).text(),
			await (await owner.request(`/orgs/${company.slug}/activity`)).text()
		]);
		expect(seen).toContain(company.name);
		expect(seen).not.toContain(token);
		expect(portal.server.logs).not.toContain(token);
	});

	test('the same address six times at once makes one invitation and one e-mail', async () => {
		const company = await approved();
		const name = unique('bob').replace(' ', '');
		const spellings = [`${name}@X.test`, ` ${name}@x.test `, `${name.toUpperCase()}@x.test`];
		const results = await Promise.allSettled(
			[...spellings, ...spellings].map((email) =>
				company.owner.api.invitations.create.mutate({
					organizationId: company.id,
					firstName: 'Bob',
					lastName: 'B',
					email,
					role: 'team_member'
				})
			)
		);
		expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		const refused = results.find((one) => one.status === 'rejected');
		expect(JSON.stringify(refused?.reason.data.fields)).toContain('invited already');
		expect((await open(company)).invitations).toHaveLength(1);
		// Another mail comes after all that were queued before it.
		await portal.invitation(company);
		const mails = portal.smtp.messages.filter((one) =>
			getRecipients(one).includes(`${name}@x.test`.toLowerCase())
		);
		expect(mails).toHaveLength(1);
	});

	test('what is not one plain address is refused at the field, and nothing goes out', async () => {
		const company = await approved();
		const { seq } = await open(company);
		const wrong = [
			'a@x.test,b@x.test',
			'a@x.test\r\nBcc: b@x.test',
			'"quoted"@x.test',
			'a＠x.test',
			'İ@x.test',
			'a@İx.test',
			'a b@x.test',
			'a@x',
			'@x.test',
			'a@x..test',

			''
		];
		for (const email of wrong) {
			const refused = await refusal(
				company.owner.api.invitations.create.mutate({
					organizationId: company.id,
					firstName: 'A',
					lastName: 'B',
					email,
					role: 'team_member'
				})
			);
			expect(refused.status, email).toBe(400);
			expect(refused.fields.email, email).toBeTruthy();
		}
		expect((await open(company)).seq).toBe(seq);
		const reached = portal.smtp.messages.flatMap(getRecipients).filter((one) => one.endsWith('@x.test'));
		expect(reached.filter((one) => one.length < 10)).toEqual([]);
	});

	test.each(['line\r\nbreak', 'right\u202eleft', 'see evil.com now', 'http://evil.test', 'nul\u0000'])(
		'a name that would write into an e-mail is refused: %j',
		async (firstName) => {
			const company = await approved();
			const input = {
				organizationId: company.id,
				lastName: 'B',
				email: uniqueEmail(),
				role: 'team_member' as const
			};
			const refused = await refusal(company.owner.api.invitations.create.mutate({ ...input, firstName }));
			expect(refused.status).toBe(400);
			expect(refused.fields.firstName).toBeTruthy();
		}
	);

	test('a member, or from an organization that may not, is refused, and nothing goes out', async () => {
		const owner = await portal.person();
		const pending = await portal.company({ owner });
		const invite = (organizationId: string, email: string) =>
			refusal(
				owner.api.invitations.create.mutate({
					organizationId,
					firstName: 'A',
					lastName: 'B',
					email,
					role: 'team_member'
				})
			);
		const email = uniqueEmail();
		expect(await invite(pending.id, email)).toMatchObject({ status: 403, reason: 'ORGANIZATION_PENDING' });
		await portal.admin.api.organizations.reject.mutate({
			organizationId: pending.id,
			reason: 'Unknown company'
		});
		expect(await invite(pending.id, email)).toMatchObject({ status: 403, reason: 'ORGANIZATION_REJECTED' });
		const { organizations } = await owner.api.sessions.get.query({});
		const space = organizations.find(({ isPersonal }) => isPersonal);
		expect(await invite(space?.id ?? '', email)).toMatchObject({ status: 403 });

		const company = await approved(owner);
		const refused = await invite(company.id, owner.email);
		expect(refused).toMatchObject({ status: 409, reason: 'MEMBER' });
		expect(refused.fields.email).toContain('member already');
		await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
		expect(await invite(company.id, email)).toMatchObject({ status: 403, reason: 'ORGANIZATION_SUSPENDED' });
		expect(portal.smtp.messages.some((one) => getRecipients(one).includes(email))).toBe(false);
	});

	test('again within a minute is refused; later the older link is dead', async () => {
		const company = await approved();
		const { token, id, email } = await portal.invitation(company);
		const resend = () =>
			company.owner.api.invitations.resend.mutate({ organizationId: company.id, invitationId: id });
		expect(await refusal(resend())).toMatchObject({ status: 429, reason: 'TOO_SOON' });

		await portal.moveInvitation(id, { sentAt: -61 });
		const later = await portal.invitation(company);
		const list = async () => {
			const { snapshot } = await company.owner.api.organizations.open.query({ slug: company.slug });
			return { snapshot, ids: snapshot.invitations.map((one) => one.id) };
		};
		const before = await list();
		expect(before.ids).toEqual([later.id, id]);
		await resend();
		// To the top of the list, of one that is asked for anew and of one that is open.
		expect((await list()).ids).toEqual([id, later.id]);
		const { events } = await company.owner.api.activity.since.query({
			organizationId: company.id,
			after: before.snapshot.seq
		});
		const open = (events ?? []).reduce(applyOrganization, before.snapshot);
		expect(open.invitations.map((one) => one.id)).toEqual([id, later.id]);
		const fresh = await portal.tokenFor(email, 'invitations', token);
		expect(await portal.visitor().api.invitations.open.query({ token })).toEqual({ state: 'invalid' });
		expect(await refusal(portal.visitor().api.invitations.accept.mutate({ token, password }))).toMatchObject({
			status: 404
		});
		await portal.visitor().api.invitations.accept.mutate({ token: fresh, password });
	});

	test('lasts seven days', async () => {
		const company = await approved();
		const { token, id, expiresAt, sentAt } = await portal.invitation(company);
		expect(Date.parse(expiresAt) - Date.parse(sentAt)).toBeCloseTo(7 * 86_400_000, -4);
		await portal.moveInvitation(id, { expiresAt: -1 });
		expect(await portal.visitor().api.invitations.open.query({ token })).toMatchObject({ state: 'expired' });
		expect(await refusal(portal.visitor().api.invitations.accept.mutate({ token, password }))).toMatchObject({
			status: 409,
			reason: 'EXPIRED'
		});
		expect((await open(company)).members).toHaveLength(1);
	});
});

describe('an invitation that is still open', () => {
	test('gets another role and name, seen at once; its link stays the same, and no second e-mail goes out', async () => {
		const company = await approved();
		const colleague = await portal.member(company, 'super_admin');
		const watching = await colleague.listen();
		await watching.hears('online');
		const { id, token, email } = await portal.invitation(company);
		const change = {
			organizationId: company.id,
			invitationId: id,
			firstName: 'Corrected',
			lastName: 'Name',
			role: 'super_admin' as const
		};
		await company.owner.api.invitations.update.mutate(change);
		await watching.hears('invitation.updated');
		expect(watching.events.find(({ name }) => name === 'invitation.updated')?.payload).toMatchObject({
			invitation: { id, role: 'super_admin', firstName: 'Corrected' },
			previous: { role: 'team_member' }
		});
		// What is as it was already is no change.
		await company.owner.api.invitations.update.mutate(change);
		const changes = (await open(company)).recent.filter(({ name }) => name === 'invitation.updated');
		expect(changes).toHaveLength(1);

		const visitor = portal.visitor();
		expect(await visitor.api.invitations.open.query({ token })).toMatchObject({ role: 'super_admin' });
		await visitor.api.invitations.accept.mutate({ token, password });
		const member = (await open(company)).members.find((one) => one.email === email);
		expect(member).toMatchObject({ role: 'super_admin', firstName: 'Corrected' });
		expect(await refusal(company.owner.api.invitations.update.mutate(change))).toMatchObject({
			status: 409,
			reason: 'ACCEPTED'
		});
		await portal.invitation(company);
		expect(portal.smtp.messages.filter((one) => getRecipients(one).includes(email))).toHaveLength(1);
	});

	test('shows how far its e-mail has come, live: queued, sent, failed, and again', async () => {
		const company = await approved();
		const watching = await company.owner.listen();
		await watching.hears('online');
		const stateOf = async (email: string) =>
			(await open(company)).invitations.find((one) => one.email === email)?.delivery;
		const input = {
			organizationId: company.id,
			firstName: 'In',
			lastName: 'Vitee',
			role: 'team_member' as const
		};

		const sent = await company.owner.api.invitations.create.mutate({ ...input, email: uniqueEmail() });
		expect(sent.delivery).toBe('queued');
		await watching.hears('invitation.delivered');
		expect(watching.latest('invitation.delivered')?.payload).toMatchObject({
			invitation: { id: sent.id, delivery: 'sent' }
		});
		expect(await stateOf(sent.email)).toBe('sent');

		portal.smtp.fail({ at: 'recipient', code: 550 });
		const stuck = await company.owner.api.invitations.create.mutate({ ...input, email: uniqueEmail() });
		await watching.until(() => watching.words.includes('invitation.failed'), 'the failure');
		expect(watching.latest('invitation.failed')?.payload).toMatchObject({
			invitation: { id: stuck.id, delivery: 'failed' }
		});
		expect(await stateOf(stuck.email)).toBe('failed');

		portal.smtp.resume();
		await portal.moveInvitation(stuck.id, { sentAt: -61 });
		await company.owner.api.invitations.resend.mutate({ organizationId: company.id, invitationId: stuck.id });
		await watching.until(
			() => watching.words.filter((word) => word === 'invitation.delivered').length === 2,
			'the second delivery'
		);
		expect(await stateOf(stuck.email)).toBe('sent');
	});

	test('says that its e-mail is kept where the portal has no mail server', async () => {
		const quiet = await startPortal({ SMTP_URL: '' });
		try {
			const owner = await quiet.person({ isVerified: false });
			const company = await quiet.company({ owner, admin: quiet.admin });
			const watching = await owner.listen();
			await watching.hears('online');
			const email = uniqueEmail();
			await owner.api.invitations.create.mutate({
				organizationId: company.id,
				firstName: 'In',
				lastName: 'Vitee',
				email,
				role: 'team_member'
			});
			await watching.hears('invitation.delivered');
			expect(watching.latest('invitation.delivered')?.payload).toMatchObject({
				invitation: { email, delivery: 'kept' }
			});
		} finally {
			await quiet.stop();
		}
	});
});
