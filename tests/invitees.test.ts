import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
	getPortal,
	refusal,
	uniqueEmail,
	type Company,
	type Person,
	type Portal,
	type Visitor
} from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const limits = { maxMembers: 100, maxOpenInvitations: 50, invitationsPerDay: 50, invitationsPerInviter: 30 };
const change = (settings: Partial<typeof limits>) => portal.admin.api.settings.update.mutate(settings);
afterEach(() => change(limits));

const approved = (owner?: Person) => portal.company({ owner, admin: portal.admin });
const snapshotOf = async (company: Company) =>
	(await company.owner.api.organizations.open.query({ slug: company.slug })).snapshot;

const someone = (email = uniqueEmail()) => ({
	firstName: 'In',
	lastName: 'Vitee',
	email,
	role: 'team_member' as const
});
const several = (count: number) => Array.from({ length: count }, () => someone());

const inviteMany = (company: Company, rows: ReturnType<typeof someone>[], by: Visitor = company.owner) =>
	by.api.invitations.createMany.mutate({ organizationId: company.id, rows });

/** How many e-mails each address got, once everything queued so far has gone out. */
async function countMails(emails: string[]): Promise<number[]> {
	// One of the same kind comes after what was queued before.
	await portal.invitation(await approved());
	const reached = portal.smtp.messages.flatMap(getRecipients);
	return emails.map((email) => reached.filter((one) => one === email).length);
}

describe('inviting many', () => {
	test('answers each row in its place; one that is wrong fails no other, and a second time sends nothing', async () => {
		const company = await approved();
		const known = await portal.invitation(company);
		const [first, second] = [uniqueEmail(), uniqueEmail()];
		const rows = [
			someone(first),
			someone('not an address'),
			someone(company.owner.email),
			{ ...someone(second), role: 'super_admin' as const },
			someone(` ${first.toUpperCase()} `),
			someone(known.email),
			{ ...someone(), firstName: 'Eve', lastName: 'evil.com' }
		];
		const { answers } = await inviteMany(company, rows as ReturnType<typeof someone>[]);
		expect(answers.map(({ outcome }) => outcome)).toEqual([
			'sent',
			'invalid',
			'member',
			'sent',
			'invited',
			'invited',
			'invalid'
		]);
		expect(answers[1]).toMatchObject({ fields: { email: expect.stringContaining('not an e-mail address') } });
		expect(Object.keys((answers[6] as { fields: object }).fields)).toEqual(['lastName']);
		expect(answers[5]).toMatchObject({ invitation: { id: known.id } });
		const { invitations, recent } = await snapshotOf(company);
		expect(invitations.map(({ email, role }) => [email, role])).toEqual([
			[second, 'super_admin'],
			[first, 'team_member'],
			[known.email, 'team_member']
		]);
		expect(recent.filter(({ name }) => name === 'invitation.created')).toHaveLength(3);

		const again = await inviteMany(company, [rows[0], rows[3]] as ReturnType<typeof someone>[]);
		expect(again.answers.map(({ outcome }) => outcome)).toEqual(['invited', 'invited']);
		expect(await countMails([first, second, known.email])).toEqual([1, 1, 1]);
		const token = await portal.tokenFor(first, 'invitations');
		const seen = [
			answers,
			again,
			await company.owner.api.activity.since.query({ organizationId: company.id, after: 0 })
		];
		expect(JSON.stringify(seen)).toContain(first);
		expect(JSON.stringify(seen)).not.toContain(token);
		expect(portal.server.logs).not.toContain(token);
	});

	test('without names greets with none, shows the address, and whoever joins says who they are', async () => {
		const company = await approved();
		const known = await portal.person();
		const [fresh, other] = [uniqueEmail(), uniqueEmail()];
		const nameless = (email: string) => ({ ...someone(email), firstName: ' ', lastName: '' });
		const { answers } = await inviteMany(company, [fresh, other, known.email].map(nameless));
		expect(answers.map(({ outcome }) => outcome)).toEqual(['sent', 'sent', 'sent']);
		for (const [email, words] of [
			[fresh, 'has invited you to the organization'],
			[known.email, 'You keep your account']
		] as const) {
			const mail = await portal.smtp.waitFor(
				(one) => getRecipients(one).includes(email) && `${one.text}`.includes(words)
			);
			expect(mail.text).toContain('Hello, ');
			expect(`${mail.text} ${mail.html}`).not.toMatch(/Hello ,|Hello {2}/);
		}

		const token = await portal.tokenFor(fresh, 'invitations');
		const visitor = portal.visitor();
		expect(await visitor.api.invitations.open.query({ token })).toMatchObject({
			firstName: '',
			lastName: ''
		});
		const accept = (names: object) =>
			visitor.api.invitations.accept.mutate({ token, password: 'a password of mine', ...names });
		expect((await refusal(accept({}))).fields).toHaveProperty('firstName');
		expect((await refusal(accept({ firstName: 'Fay' }))).fields).toHaveProperty('lastName');
		await accept({ firstName: 'Fay', lastName: 'Fresh' });
		const { invitations } = await known.api.sessions.get.query({});
		await known.api.invitations.acceptMine.mutate({ invitationId: invitations[0]?.id ?? '' });

		const snapshot = await snapshotOf(company);
		const nameOf = (email: string) => {
			const { firstName, lastName } = snapshot.members.find((one) => one.email === email) ?? {};
			return `${firstName} ${lastName}`;
		};
		expect(nameOf(fresh)).toBe('Fay Fresh');
		expect(nameOf(known.email)).toBe(`${known.firstName} ${known.lastName}`);

		// The role can be changed while nobody knows the name; a name that is there can't be taken away.
		const [open] = snapshot.invitations;
		const place = { organizationId: company.id, invitationId: open?.id ?? '', role: 'super_admin' as const };
		const update = (names: { firstName: string; lastName: string }) =>
			company.owner.api.invitations.update.mutate({ ...place, ...names });
		expect(await update({ firstName: '', lastName: '' })).toMatchObject({
			email: other,
			role: 'super_admin'
		});
		await update({ firstName: 'Otto', lastName: 'Other' });
		expect((await refusal(update({ firstName: '', lastName: '' }))).fields).toHaveProperty('firstName');
	});

	test('twice at once sends each once, also from two organizations with the same people in another order', async () => {
		const [one, other] = [await approved(), await approved()];
		const rows = several(15);
		const calls = [
			inviteMany(one, rows),
			inviteMany(one, rows),
			inviteMany(other, rows.toReversed()),
			inviteMany(other, rows)
		];
		const outcomes = (await Promise.all(calls)).flatMap(({ answers }) => answers.map((one) => one.outcome));
		expect(outcomes.filter((outcome) => outcome === 'sent')).toHaveLength(30);
		expect(outcomes.filter((outcome) => outcome === 'invited')).toHaveLength(30);
		expect(await countMails(rows.map(({ email }) => email))).toEqual(rows.map(() => 2));
	});

	test('with keys that nobody asked for, no role, or too many rows is refused as a whole', async () => {
		const company = await approved();
		const wrong = [
			[],
			[{ ...someone(), organizationId: company.id }],
			[{ ...someone(), role: 'owner' }],
			[{ ...someone(), role: ['team_member'] }],
			several(101)
		];
		for (const rows of wrong) {
			const response = await company.owner.request('/trpc/invitations.createMany', {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify({ organizationId: company.id, rows })
			});
			expect(response.status).toBe(400);
		}
		expect((await snapshotOf(company)).invitations).toEqual([]);
	});

	test('from an organization that is suspended is refused, and nothing goes out', async () => {
		const company = await approved();
		const { email, ...rest } = someone();
		await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
		expect(await refusal(inviteMany(company, [{ email, ...rest }]))).toMatchObject({
			status: 403,
			reason: 'ORGANIZATION_SUSPENDED'
		});
		expect(await countMails([email])).toEqual([0]);
	});
});

describe('the limits', () => {
	const outcomesOf = (calls: Awaited<ReturnType<typeof inviteMany>>[]) =>
		calls.flatMap(({ answers }) => answers).map(({ outcome }) => outcome);

	test('let no more through than they allow, however many come at once, and say so before', async () => {
		const company = await approved();
		const { id: organizationId, owner } = company;
		const colleague = await portal.member(company, 'super_admin', { isFrontDoor: true });
		const allowance = (by: Visitor) => by.api.invitations.getAllowance.query({ organizationId });
		expect(await allowance(owner)).toMatchObject({ count: 29, limit: 'inviter', max: 30 });
		expect(await allowance(colleague)).toMatchObject({ count: 30, limit: 'inviter', wait: null });

		const lists = Array.from({ length: 5 }, () => several(12));
		const mine = await Promise.all(lists.map((rows) => inviteMany(company, rows)));
		expect(outcomesOf(mine).filter((outcome) => outcome === 'sent')).toHaveLength(29);
		expect(outcomesOf(mine).filter((outcome) => outcome === 'limited')).toHaveLength(31);
		const left = await allowance(owner);
		expect(left).toMatchObject({ count: 0, limit: 'inviter' });
		expect(left.wait).toBeGreaterThan(500);
		expect(left.wait).toBeLessThanOrEqual(600);
		const single = owner.api.invitations.create.mutate({ organizationId, ...someone() });
		expect(await refusal(single)).toMatchObject({
			status: 429,
			message: 'You have sent 30 invitations within 10 minutes. Try again in 10 minutes.'
		});

		// 50 a day for the organization; the colleague's own was the first of them.
		expect(await allowance(colleague)).toMatchObject({ count: 20, limit: 'day', max: 50 });
		const theirLists = Array.from({ length: 5 }, () => several(12));
		const theirs = await Promise.all(theirLists.map((rows) => inviteMany(company, rows, colleague)));
		expect(outcomesOf(theirs).filter((outcome) => outcome === 'sent')).toHaveLength(20);
		const limited = theirs.flatMap(({ answers }) => answers).find(({ outcome }) => outcome === 'limited');
		expect(limited).toMatchObject({
			limit: 'day',
			message: expect.stringContaining('Try again in 24 hours')
		});

		expect((await snapshotOf(company)).invitations).toHaveLength(49);
		const counts = await countMails([...lists, ...theirLists].flat().map(({ email }) => email));
		expect(counts.filter((count) => count === 1)).toHaveLength(49);
		expect(counts.filter((count) => count > 1)).toEqual([]);
	});

	test('hold for a hundred single calls at once', async () => {
		const company = await approved();
		const calls = several(100).map((one) =>
			company.owner.api.invitations.create.mutate({ organizationId: company.id, ...one })
		);
		const results = await Promise.allSettled(calls);
		expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(30);
		expect((await snapshotOf(company)).invitations).toHaveLength(30);
	});

	test('of open invitations and of members are settings of the portal', async () => {
		const company = await approved();
		await change({ maxOpenInvitations: 3, invitationsPerInviter: 100, invitationsPerDay: 100 });
		const { answers, allowance } = await inviteMany(company, several(5));
		expect(answers.map(({ outcome }) => outcome)).toEqual(['sent', 'sent', 'sent', 'limited', 'limited']);
		expect(allowance).toEqual({ count: 0, limit: 'open', max: 3, wait: null });
		const one = company.owner.api.invitations.create.mutate({ organizationId: company.id, ...someone() });
		expect(await refusal(one)).toMatchObject({ status: 409, reason: 'TOO_MANY_OPEN' });
		await change({ maxOpenInvitations: 100, maxMembers: 6 });
		const next = await inviteMany(company, several(5));
		expect(next.answers.map(({ outcome }) => outcome)).toEqual([
			'sent',
			'sent',
			'limited',
			'limited',
			'limited'
		]);
		expect(next.allowance).toMatchObject({ count: 0, limit: 'members', max: 6 });
		await change({ maxMembers: 100 });
		expect((await inviteMany(company, several(60))).answers.every(({ outcome }) => outcome === 'sent')).toBe(
			true
		);
	});

	test('of one recipient hold over all organizations, and stop no other row', async () => {
		const { email } = someone();
		for (let time = 0; time < 5; time++) {
			const company = await approved();
			expect((await inviteMany(company, [someone(email)])).answers[0]?.outcome).toBe('sent');
		}
		const company = await approved();
		const { answers } = await inviteMany(company, [someone(), someone(email), someone()]);
		expect(answers.map(({ outcome }) => outcome)).toEqual(['sent', 'limited', 'sent']);
		expect(answers[1]).toMatchObject({ limit: 'recipient', message: expect.stringMatching(/too often/) });
		expect(await countMails([email])).toEqual([5]);
	});
});
