import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyOrganization } from '#lib/apply.ts';
import { sayEvent } from '#lib/events.ts';
import {
	getPortal,
	password,
	refusal,
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

type Member = Person & { memberId: string };

const approved = (owner?: Person) => portal.company({ owner, admin: portal.admin });
const open = async (company: Company, by: Person = company.owner) =>
	(await by.api.organizations.open.query({ slug: company.slug })).snapshot;

async function memberIdOf(company: Company, { userId }: Person, by = company.owner) {
	return (await open(company, by)).members.find((one) => one.userId === userId)?.id ?? '';
}

function edit(company: Company, member: Member, values: object, by: Person = company.owner) {
	const { memberId, firstName, lastName } = member;
	const input = { organizationId: company.id, memberId, firstName, lastName, role: 'team_member' as const };
	return by.api.members.update.mutate({ ...input, ...values });
}

describe('editing a member', () => {
	test('puts a new role in force on the next call, tells the open page and writes to the person', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const page = await member.listen();
		await page.hears('online');
		const invite = () =>
			member.api.invitations.create.mutate({
				organizationId: company.id,
				firstName: 'In',
				lastName: 'Vitee',
				email: uniqueEmail(),
				role: 'team_member'
			});
		expect(await refusal(invite())).toMatchObject({ status: 403 });
		await edit(company, member, { role: 'super_admin' });
		await invite();
		await page.hears('member.updated');
		const subject = `Your role in ${company.name} is now Super admin`;
		await portal.smtp.waitFor((mail) => mail.subject === subject);
		await edit(company, member, { role: 'team_member' });
		expect(await refusal(invite())).toMatchObject({ status: 403 });
	});

	test('changes a name in this organization alone, and sends no e-mail for it', async () => {
		const first = await approved();
		const second = await approved();
		const member = await portal.member(first);
		const { token } = await portal.invitation(second, { email: member.email });
		await member.api.invitations.accept.mutate({ token });
		const sent = portal.smtp.messages.length;
		await edit(first, member, { lastName: 'Corrected' });
		const nameIn = async (company: Company) =>
			(await open(company)).members.find(({ userId }) => userId === member.userId)?.lastName;
		expect(await nameIn(first)).toBe('Corrected');
		expect(await nameIn(second)).not.toBe('Corrected');
		const { account } = await member.api.sessions.get.query({});
		expect(account?.lastName).toBe(member.lastName);
		const outsider = await portal.person({ isFrontDoor: true });
		const theirs = [first.owner, second.owner, member, outsider].map(({ email }) => email);
		const mails = portal.smtp.messages
			.slice(sent)
			.filter((mail) => getRecipients(mail).some((email) => theirs.includes(email)));
		expect(mails.map(({ subject }) => subject)).toEqual(['Confirm your e-mail address']);
		expect(outsider.email).not.toBe(member.email);
	});

	test('changes it wherever the organization names them, on open pages too, and it stays when they are gone', async () => {
		const company = await approved();
		const member = await portal.member(company, 'super_admin');
		const { id: applicationId } = await portal.application(company, member);
		const place = { organizationId: company.id, applicationId };
		const credential = await member.api.credentials.create.mutate({ ...place, label: 'Seen' });
		await member.api.credentials.reveal.mutate({ ...place, credentialId: credential.id });
		await portal.invitation({ ...company, owner: member });
		await member.api.organizations.scheduleDeletion.mutate({
			organizationId: company.id,
			name: company.name
		});
		const page = await company.owner.listen();
		await page.hears('online');
		const before = await open(company);
		const names = ({ organization, applications, invitations }: typeof before) => [
			organization.deletion?.by,
			applications[0]?.createdBy,
			applications[0]?.credentials[0]?.createdBy,
			invitations[0]?.invitedBy
		];
		const oldName = { id: member.userId, name: `${member.firstName} ${member.lastName}` };
		expect(names(before)).toEqual(Array(4).fill(oldName));
		await edit(company, member, { firstName: 'Cora', lastName: 'Corrected', role: 'super_admin' });
		await page.hears('member.updated');
		const name = { id: member.userId, name: 'Cora Corrected' };
		const fresh = await open(company);
		expect(names(fresh)).toEqual(Array(4).fill(name));
		const { events } = page;
		expect(events.filter(({ seq }) => seq > before.seq).reduce(applyOrganization, before)).toEqual(fresh);

		await member.api.accounts.deleteOwn.mutate({ currentPassword: password, email: member.email });
		await page.hears('member.left');
		const after = await open(company);
		expect(names(after)).toEqual([name, name, name, undefined]);
		expect(events.filter(({ seq }) => seq > before.seq).reduce(applyOrganization, before)).toEqual(after);
		expect(
			await company.owner.api.credentials.listExposed.query({ organizationId: company.id })
		).toMatchObject([{ id: credential.id, people: ['Cora Corrected'] }]);
		const filtered = await company.owner.api.activity.list.query({
			organizationId: company.id,
			personId: member.userId
		});
		expect(filtered.person).toEqual(name);
	});

	test('tells nobody anything when nothing changed', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const { seq } = await open(company);
		await edit(company, member, {});
		expect((await open(company)).seq).toBe(seq);
	});

	test('never changes the own role, and is refused at the field for a name that is none', async () => {
		const company = await approved();
		const other = await portal.member(company, 'super_admin');
		expect(await refusal(edit(company, other, { role: 'team_member' }, other))).toMatchObject({
			status: 403,
			reason: 'OWN_ROLE',
			fields: { role: 'Nobody changes their own role.' }
		});
		const asked = (firstName: string, lastName: string) =>
			refusal(edit(company, other, { firstName, lastName, role: 'super_admin' }));
		expect(await asked(' ', '')).toMatchObject({ status: 400, fields: { firstName: expect.any(String) } });
		const { status, fields } = await asked('www.evil', 'evil.com');
		expect(status).toBe(400);
		expect(Object.keys(fields).sort()).toEqual(['firstName', 'lastName']);
		await edit(company, other, { lastName: 'By Myself', role: 'super_admin' }, other);
	});

	test('of a Super admin revokes the invitations that they sent', async () => {
		const company = await approved();
		const inviter = await portal.member(company, 'super_admin');
		const theirs = await portal.invitation({ ...company, owner: inviter });
		const mine = await portal.invitation(company);
		await edit(company, inviter, { role: 'team_member' });
		const { invitations } = await open(company);
		expect(invitations.map(({ id }) => id)).toEqual([mine.id]);
		const opened = await portal.visitor().api.invitations.open.query({ token: theirs.token });
		expect(opened.state).toBe('revoked');
	});
});

describe('handing over the lead', () => {
	const handOver = (company: Company, memberId: string, by: Person = company.owner) =>
		by.api.members.handOver.mutate({ organizationId: company.id, memberId });
	const rolesIn = async (company: Company, by?: Person) =>
		Object.fromEntries((await open(company, by)).members.map(({ userId, role }) => [userId, role]));

	test('makes one Super admin and the other Team member at once, on both pages, with an e-mail to each', async () => {
		const company = await approved();
		const { owner } = company;
		const heir = await portal.member(company);
		const theirs = await portal.invitation(company);
		const { seq } = await open(company);
		const pages = await Promise.all([owner.listen(), heir.listen()]);
		await Promise.all(pages.map((page) => page.hears('online')));
		await handOver(company, heir.memberId);
		expect(await rolesIn(company, heir)).toEqual({
			[owner.userId]: 'team_member',
			[heir.userId]: 'super_admin'
		});
		for (const page of pages) {
			await Promise.all([page.hears('invitation.revoked'), page.hears('account')]);
			const [event] = page.events.filter((one) => one.seq === seq + 1);
			expect(event && sayEvent(event)).toBe(
				`made ${heir.firstName} ${heir.lastName} Super admin and themselves Team member`
			);
		}
		// What comes with the role, from the next call on: the invitations of who is no Super admin any more too.
		expect(await refusal(handOver(company, heir.memberId))).toMatchObject({ status: 403 });
		expect((await open(company)).invitations).toEqual([]);
		expect((await portal.visitor().api.invitations.open.query({ token: theirs.token })).state).toBe(
			'revoked'
		);
		const toHeir = await portal.mailTo(heir.email, `Your role in ${company.name} is now Super admin`);
		expect(toHeir).toContain(`${owner.firstName} ${owner.lastName} has changed your role`);
		await portal.mailTo(owner.email, `Your role in ${company.name} is now Team member`);
		// And back, by who has it now.
		await handOver(company, await memberIdOf(company, owner), heir);
		expect(await rolesIn(company)).toEqual({ [owner.userId]: 'super_admin', [heir.userId]: 'team_member' });
	});

	test('is refused in words, and changes nothing, where there is nobody to take it', async () => {
		const company = await approved();
		const [heir, other] = [await portal.member(company), await portal.member(company, 'super_admin')];
		const [leaver, away] = [await portal.member(company), await portal.member(company)];
		await leaver.api.members.leave.mutate({ organizationId: company.id });
		await portal.admin.api.accounts.deactivate.mutate({ accountId: away.userId });
		const elsewhere = await portal.member(await approved());
		const { seq } = await open(company);
		const noMember = {
			status: 404,
			message: 'This person is no member here, so nothing was changed.'
		};
		const own = await memberIdOf(company, company.owner);
		expect(await refusal(handOver(company, leaver.memberId))).toMatchObject(noMember);
		expect(await refusal(handOver(company, elsewhere.memberId))).toMatchObject(noMember);
		expect(await refusal(handOver(company, own))).toMatchObject({ status: 403, reason: 'OWN_ROLE' });
		expect(await refusal(handOver(company, other.memberId))).toMatchObject({
			status: 409,
			reason: 'SUPER_ADMIN'
		});
		expect(await refusal(handOver(company, away.memberId))).toMatchObject({
			status: 409,
			reason: 'INACTIVE',
			message: `The account of ${away.firstName} ${away.lastName} is not active, so nothing was changed.`
		});
		// Not by a Team member, also not to oneself.
		expect(await refusal(handOver(company, heir.memberId, heir))).toMatchObject({ status: 403 });
		expect((await open(company)).seq).toBe(seq);
		await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
		expect(await refusal(handOver(company, heir.memberId))).toMatchObject({
			status: 403,
			reason: 'ORGANIZATION_SUSPENDED'
		});
		await portal.admin.api.organizations.restore.mutate({ organizationId: company.id });
		expect(await rolesIn(company)).toMatchObject({
			[company.owner.userId]: 'super_admin',
			[heir.userId]: 'team_member',
			[other.userId]: 'super_admin'
		});
	});
});

describe('removing a member', () => {
	test('ends what they hear and what they may at once, and leaves what they made', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const application = await portal.application(company, member);
		const page = await member.listen();
		await page.hears('online');
		await company.owner.api.members.remove.mutate({ organizationId: company.id, memberId: member.memberId });
		await page.hears('member.removed');
		const heard = page.events.length;
		const ofCompany = ({ organizationId }: { organizationId: string | null }) =>
			organizationId === company.id;
		await portal.application(company);
		expect(await refusal(open(company, member))).toMatchObject({ status: 404 });
		const again = await member.listen();
		await again.hears('settings');
		await portal.application(company);
		// Their own news still come, and after what they must not hear.
		await member.api.organizations.request.mutate({ name: `Own ${company.name}` });
		await Promise.all([page.hears('account'), again.hears('account')]);
		expect(page.events.slice(heard).filter(ofCompany)).toEqual([]);
		expect(again.events.filter(ofCompany)).toEqual([]);
		const { applications } = await open(company);
		expect(applications.map(({ id }) => id)).toContain(application.id);
		await portal.smtp.waitFor(({ subject }) => subject === `You are no longer a member of ${company.name}`);
	});

	test('first lists which credentials they revealed and that still work', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const organizationId = company.id;
		const application = await portal.application(company);
		const { api } = company.owner;
		const create = async (label: string) => {
			const { id } = await api.credentials.create.mutate({
				organizationId,
				applicationId: application.id,
				label
			});
			return { organizationId, applicationId: application.id, credentialId: id };
		};
		const [revealed, copied, unseen, dead] = [
			await create('Seen'),
			await create('Copied'),
			await create('Unseen'),
			await create('Dead')
		];
		await member.api.credentials.reveal.mutate(revealed);
		await member.api.credentials.copy.mutate(copied);
		await member.api.credentials.reveal.mutate(dead);
		await api.credentials.reveal.mutate(unseen);
		await api.credentials.revoke.mutate(dead);
		const listed = await api.members.listRevealed.query({ organizationId, memberId: member.memberId });
		expect(listed.map(({ label }) => label).sort()).toEqual(['Copied', 'Seen']);
		expect(JSON.stringify(listed)).not.toMatch(/ptk_[\w-]{10}/);
	});

	test('is for others: oneself one leaves', async () => {
		const company = await approved();
		const other = await portal.member(company, 'super_admin');
		const organizationId = company.id;
		const refused = await refusal(
			other.api.members.remove.mutate({ organizationId, memberId: other.memberId })
		);
		expect(refused).toMatchObject({ status: 403, reason: 'OWN_MEMBERSHIP' });
		await other.api.members.leave.mutate({ organizationId });
		expect((await open(company)).members).toHaveLength(1);
	});
});

describe('the last Super admin', () => {
	test('cannot leave, be demoted or be removed', async () => {
		const company = await approved();
		const organizationId = company.id;
		await portal.member(company);
		const last = { status: 409, reason: 'LAST_SUPER_ADMIN' };
		const { owner } = company;
		expect(await refusal(owner.api.members.leave.mutate({ organizationId }))).toMatchObject(last);
		const memberId = await memberIdOf(company, owner);
		expect(await refusal(owner.api.members.remove.mutate({ organizationId, memberId }))).toMatchObject({
			status: 403
		});
		expect(await refusal(edit(company, { ...owner, memberId }, { role: 'team_member' }))).toMatchObject({
			status: 403
		});
		expect((await open(company)).members.filter(({ role }) => role === 'super_admin')).toHaveLength(1);
	});
});
