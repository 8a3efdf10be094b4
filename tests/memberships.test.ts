import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getPortal, password, refusal, unique, type Company, type Person, type Portal } from './factories.ts';
import { getRecipients } from './smtp.ts';

/** One person in several organizations: what waits for them, what they have seen, what they leave behind. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const approved = () => portal.company({ admin: portal.admin });
const session = (one: Pick<Person, 'api'>) => one.api.sessions.get.query({});
const waitingFor = async (one: Person) => (await session(one)).invitations;
const open = async (company: Company, by: Person = company.owner) =>
	(await by.api.organizations.open.query({ slug: company.slug })).snapshot;
const accept = (one: Person, invitationId: string) => one.api.invitations.acceptMine.mutate({ invitationId });
const decline = (one: Person, invitationId: string) =>
	one.api.invitations.declineMine.mutate({ invitationId });
const ownIn = async (one: Pick<Person, 'api'>, { id }: Company) =>
	(await session(one)).organizations.find((row) => row.id === id);

async function joined(company: Company, person: Person) {
	const { id } = await portal.invitation(company, { email: person.email });
	await accept(person, id);
}

describe('an invitation that waits', () => {
	test('is listed for the owner of the address, and accepted as its row says', async () => {
		const company = await approved();
		const invitee = await portal.person();
		const page = await invitee.listen();
		await page.hears('online');
		const invitation = await portal.invitation(company, { email: invitee.email, role: 'super_admin' });
		await page.hears('account');
		const waiting = await waitingFor(invitee);
		expect(waiting).toEqual([
			{
				id: invitation.id,
				organizationName: company.name,
				inviterName: `${company.owner.firstName} ${company.owner.lastName}`,
				role: 'super_admin',
				expiresAt: invitation.expiresAt
			}
		]);
		expect(await accept(invitee, invitation.id)).toEqual({
			slug: company.slug,
			organizationName: company.name
		});
		expect(await waitingFor(invitee)).toEqual([]);
		const { members } = await open(company, invitee);
		const { firstName, lastName, role } = members.find(({ userId }) => userId === invitee.userId) ?? {};
		expect({ firstName, lastName, role }).toEqual({
			firstName: invitation.firstName,
			lastName: invitation.lastName,
			role: 'super_admin'
		});
	});

	test('disappears when it is revoked, expires or the organization is suspended', async () => {
		const company = await approved();
		const organizationId = company.id;
		const invitee = await portal.person();
		const { id } = await portal.invitation(company, { email: invitee.email });
		const page = await invitee.listen();
		await page.hears('online');
		const accounts = () => page.words.filter((word) => word === 'account').length;
		await portal.admin.api.organizations.suspend.mutate({ organizationId });
		await page.until(() => accounts() === 1, 'word of the suspension');
		expect(await waitingFor(invitee)).toEqual([]);
		expect(await refusal(accept(invitee, id))).toMatchObject({ status: 409, reason: 'UNAVAILABLE' });
		await portal.admin.api.organizations.restore.mutate({ organizationId });
		await page.until(() => accounts() === 2, 'word of the restoring');
		expect(await waitingFor(invitee)).toHaveLength(1);
		await company.owner.api.invitations.revoke.mutate({ organizationId, invitationId: id });
		await page.until(() => accounts() === 3, 'word of the revoking');
		expect(await waitingFor(invitee)).toEqual([]);
		expect(await refusal(accept(invitee, id))).toMatchObject({ status: 409, reason: 'REVOKED' });
		const later = await portal.invitation(company, { email: invitee.email });
		await portal.moveInvitation(later.id, { expiresAt: -1 });
		expect(await waitingFor(invitee)).toEqual([]);
		expect(await refusal(accept(invitee, later.id))).toMatchObject({ status: 409, reason: 'EXPIRED' });
		expect((await open(company)).members).toHaveLength(1);
	});

	test('is nobody else’s: not found, and still open', async () => {
		const company = await approved();
		const [invitee, stranger] = [await portal.person(), await portal.person()];
		const member = await portal.member(company);
		const unproven = await portal.person({ isVerified: false });
		const [theirs, forUnproven] = [
			await portal.invitation(company, { email: invitee.email }),
			await portal.invitation(company, { email: unproven.email })
		];
		expect(await waitingFor(unproven)).toEqual([]);
		const { seq } = await open(company);
		for (const [one, id] of [
			[stranger, theirs.id],
			[member, theirs.id],
			[company.owner, theirs.id],
			[unproven, theirs.id],
			[unproven, forUnproven.id],
			[stranger, '00000000-0000-4000-8000-000000000000']
		] as const) {
			expect(await refusal(accept(one, id))).toMatchObject({ status: 404, reason: 'NOT_FOUND' });
			expect(await refusal(decline(one, id))).toMatchObject({ status: 404, reason: 'NOT_FOUND' });
		}
		expect((await open(company)).seq).toBe(seq);
		expect(await waitingFor(invitee)).toHaveLength(1);
	});

	test('is declined once, and accepted once however often', async () => {
		const company = await approved();
		const invitee = await portal.person();
		const first = await portal.invitation(company, { email: invitee.email });
		await decline(invitee, first.id);
		expect((await open(company)).recent[0]?.name).toBe('invitation.declined');
		expect(await refusal(accept(invitee, first.id))).toMatchObject({ status: 409, reason: 'DECLINED' });

		const { id, token } = await portal.invitation(company, { email: invitee.email });
		const answers = await Promise.allSettled([
			...Array.from({ length: 6 }, () => accept(invitee, id)),
			...Array.from({ length: 6 }, () => invitee.api.invitations.accept.mutate({ token }))
		]);
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		const { members, recent } = await open(company);
		expect(members.filter(({ userId }) => userId === invitee.userId)).toHaveLength(1);
		expect(recent.filter(({ name }) => name === 'member.joined')).toHaveLength(1);
	});
});

describe('what somebody has seen', () => {
	const see = (one: Pick<Person, 'api'>, company: Company, seq: number, isVisit = false) =>
		one.api.members.see.mutate({ organizationId: company.id, seq, isVisit });

	test('is kept for each organization, goes only forward, and is told on their other devices', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const page = await member.listen();
		await page.hears('online');
		const { seq } = await open(company, member);
		expect(await ownIn(member, company)).toMatchObject({ seq, seenSeq: 0 });
		await see(member, company, seq);
		await page.hears(`seen ${company.id} ${seq}`);
		await portal.application(company);
		expect(await ownIn(member, company)).toMatchObject({ seq: seq + 1, seenSeq: seq });
		await see(member, company, 1);
		expect(await ownIn(member, company)).toMatchObject({ seenSeq: seq });
		await see(member, company, Number.MAX_SAFE_INTEGER);
		expect(await ownIn(member, company)).toMatchObject({ seq: seq + 1, seenSeq: seq + 1 });
	});

	test('is the business of members: a stranger changes and learns nothing', async () => {
		const company = await approved();
		const stranger = await portal.person();
		const page = await stranger.listen();
		await page.hears('online');
		expect(await see(stranger, company, 1, true)).toEqual({});
		expect(await ownIn(stranger, company)).toBeUndefined();
		expect(await ownIn(company.owner, company)).toMatchObject({ seenSeq: 0, visitedAt: null });
		expect(page.words.filter((word) => word.startsWith('seen'))).toEqual([]);
	});

	test('leads back to the organization that was open last, on another device too', async () => {
		const [first, second] = [await approved(), await approved()];
		const member = await portal.member(first);
		await joined(second, member);
		const dashboard = async (one: Pick<Person, 'request'>) =>
			(await one.request('/dashboard')).headers.get('location');
		await see(member, first, 1, true);
		expect(await dashboard(member)).toBe(`/orgs/${first.slug}`);
		await see(member, second, 1, true);
		// What a page says while it is left is no visit.
		await see(member, first, 2);
		expect(await dashboard(member)).toBe(`/orgs/${second.slug}`);
		const elsewhere = portal.visitor();
		await elsewhere.api.sessions.create.mutate({ email: member.email, password });
		expect(await dashboard(elsewhere)).toBe(`/orgs/${second.slug}`);
		await member.api.members.leave.mutate({ organizationId: second.id });
		expect(await dashboard(elsewhere)).toBe(`/orgs/${first.slug}`);
	});

	test('of one organization is never in a page of another, nor is anything else of it', async () => {
		const [mine, other] = [await approved(), await approved()];
		const member = await portal.member(mine);
		await joined(other, member);
		const teammate = await portal.member(other);
		const application = await portal.application(other);
		const invited = await portal.invitation(other);
		for (const page of ['', '/users', '/applications', '/activity', '/settings']) {
			// There and back again, as with the browser's own button.
			await member.request(`/orgs/${other.slug}${page}/__data.json`);
			const answer = await member.request(`/orgs/${mine.slug}${page}/__data.json`);
			expect(answer.headers.get('cache-control'), page).toBe('private, no-store');
			const body = await answer.text();
			expect(body).toContain(mine.owner.email);
			// The switcher knows its name, and nothing of what it holds.
			expect(body).toContain(other.name);
			for (const word of [other.owner.email, teammate.email, invited.email, application.id, application.name])
				expect(body, page).not.toContain(word);
		}
	});

	test('is the last moment of the person for their teammates', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const organizationId = company.id;
		const seen = await member.api.members.listSeen.query({ organizationId });
		expect(Object.keys(seen).sort()).toEqual([member.userId, company.owner.userId].sort());
		const page = await member.listen();
		await page.hears('online');
		const watching = await company.owner.listen();
		await watching.hears(`presence ${member.userId} true`);
		page.socket.disconnect();
		await watching.hears(`presence ${member.userId} false`);
		await expect
			.poll(async () => (await member.api.members.listSeen.query({ organizationId }))[member.userId])
			.not.toBe(seen[member.userId]);
	});
});

describe('who goes and knows credentials', () => {
	/** A credential that the member has revealed. */
	async function revealed(company: Company, member: Person) {
		const application = await portal.application(company);
		const credentialId = application.credentials[0]?.id ?? '';
		const place = { organizationId: company.id, applicationId: application.id, credentialId };
		await member.api.credentials.reveal.mutate(place);
		return { application, place };
	}
	const exposed = (company: Company) =>
		company.owner.api.credentials.listExposed.query({ organizationId: company.id });
	const warnings = (company: Company) =>
		portal.smtp.messages.filter(({ subject }) => subject?.includes(`has left ${company.name}`));

	test('by themselves: the Super admins are written to, and see what to rotate until it is', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const second = await portal.member(company, 'super_admin');
		const { application, place } = await revealed(company, member);
		await member.api.credentials.copy.mutate(place);
		await company.owner.api.credentials.reveal.mutate(place);
		expect(await exposed(company)).toEqual([]);
		await member.api.members.leave.mutate({ organizationId: company.id });
		const name = `${member.firstName} ${member.lastName}`;
		const [found, ...others] = await exposed(company);
		expect(others).toEqual([]);
		expect(found).toMatchObject({ id: place.credentialId, people: [name] });
		expect((await open(company)).recent.find((one) => one.name === 'member.left')?.payload).toMatchObject({
			seen: 1
		});
		for (const { email } of [company.owner, second])
			await portal.smtp.waitFor(
				(mail) => getRecipients(mail).includes(email) && warnings(company).includes(mail)
			);
		const [mail] = warnings(company);
		expect(mail?.text?.replace(/\s+/g, ' ')).toContain(`${application.name}: Default (…${found?.lastFour})`);
		expect(mail?.text).not.toMatch(/ptk_/);
		expect(warnings(company).flatMap(getRecipients).sort()).toEqual(
			[company.owner.email, second.email].sort()
		);
		// Also while the old secret has its last hours.
		await company.owner.api.credentials.rotate.mutate({ ...place, overlapSeconds: 3600 });
		expect(await exposed(company)).toEqual([]);
	});

	test('by the provider’s hand as well; not those who have seen nothing, and not those who are back', async () => {
		const company = await approved();
		const member = await portal.member(company);
		await revealed(company, member);
		await portal.member(company).then((one) => one.api.members.leave.mutate({ organizationId: company.id }));
		expect(await exposed(company)).toEqual([]);
		await portal.admin.api.accounts.deactivate.mutate({ accountId: member.userId });
		expect(await exposed(company)).toHaveLength(1);
		await portal.smtp.waitFor((mail) => warnings(company).includes(mail));
		expect(warnings(company)).toHaveLength(1);
		await portal.admin.api.accounts.activate.mutate({ accountId: member.userId });
		expect(await exposed(company)).toEqual([]);
		await portal.admin.api.accounts.delete.mutate({ accountId: member.userId });
		expect(await exposed(company)).toHaveLength(1);
	});

	test('is listed after a removal, in the activity too, and for this organization alone', async () => {
		const [company, other] = [await approved(), await approved()];
		const member = await portal.member(company);
		await joined(other, member);
		await revealed(company, member);
		await revealed(other, member);
		const remove = { organizationId: company.id, memberId: member.userId };
		const row = (await open(company)).members.find(({ userId }) => userId === member.userId);
		await company.owner.api.members.remove.mutate({ ...remove, memberId: row?.id ?? '' });
		expect(await exposed(company)).toHaveLength(1);
		expect(await exposed(other)).toEqual([]);
		expect((await open(company)).recent[0]).toMatchObject({ name: 'member.removed', payload: { seen: 1 } });
	});
});

test('how a membership ended is told to whose it was, and to nobody else', async () => {
	const company = await approved();
	const [removed, left, stranger] = [
		await portal.member(company),
		await portal.member(company),
		await portal.person()
	];
	const organizationId = company.id;
	const find = (by: Person) => by.api.members.findDeparture.query({ slug: company.slug });
	expect(await find(removed)).toBeNull();
	await company.owner.api.members.remove.mutate({ organizationId, memberId: removed.memberId });
	await left.api.members.leave.mutate({ organizationId });
	// What the company is called since then is not theirs to know.
	await company.owner.api.organizations.rename.mutate({ organizationId, name: unique('Later') });
	const organization = { id: organizationId, name: company.name };
	expect(await find(removed)).toMatchObject({
		organization,
		event: {
			name: 'member.removed',
			actor: { id: company.owner.userId },
			payload: { member: { userId: removed.userId } }
		}
	});
	expect(await find(left)).toMatchObject({
		organization,
		event: { name: 'member.left', payload: { member: { userId: left.userId } } }
	});
	for (const by of [stranger, company.owner]) expect(await find(by)).toBeNull();
});
