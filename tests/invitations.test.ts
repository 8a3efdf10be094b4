import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	getPortal,
	password,
	refusal,
	uniqueEmail,
	type Company,
	type Person,
	type Portal
} from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const approved = (owner?: Person) => portal.company({ owner, admin: portal.admin });

async function open(company: Company) {
	return (await company.owner.api.organizations.open.query({ slug: company.slug })).snapshot;
}

const joinedIn = (snapshot: Awaited<ReturnType<typeof open>>) =>
	snapshot.recent.filter(({ name }) => name === 'member.joined');

describe('the link of an invitation', () => {
	test('lets a new person in with a password, as what the row says', async () => {
		const company = await approved();
		const invitation = await portal.invitation(company, { role: 'super_admin' });
		const visitor = portal.visitor();
		const opened = await visitor.api.invitations.open.query({ token: invitation.token });
		expect(opened).toMatchObject({
			state: 'pending',
			who: 'new',
			organizationName: company.name,
			role: 'super_admin',
			email: invitation.email
		});
		const { slug } = await visitor.api.invitations.accept.mutate({ token: invitation.token, password });
		expect(slug).toBe(company.slug);
		const { account } = await visitor.api.sessions.get.query({});
		expect(account).toMatchObject({ email: invitation.email, isEmailVerified: true });
		const { members } = await open(company);
		expect(members.find(({ email }) => email === invitation.email)?.role).toBe('super_admin');
	});

	test('lets an existing account in after signing in, with its password as it was', async () => {
		const company = await approved();
		const person = await portal.person();
		const { token } = await portal.invitation(company, { email: person.email });
		const nobody = portal.visitor();
		expect(await nobody.api.invitations.open.query({ token })).toMatchObject({ who: 'known' });
		// Even with a new password in the call: it isn't taken.
		const refused = await refusal(
			nobody.api.invitations.accept.mutate({ token, password: 'a stolen account' })
		);
		expect(refused).toMatchObject({ status: 403, reason: 'SIGN_IN' });
		expect(await refusal(nobody.api.invitations.decline.mutate({ token }))).toMatchObject({ status: 403 });
		await person.api.invitations.accept.mutate({ token });
		expect((await open(company)).members.map(({ email }) => email)).toContain(person.email);
		await portal.visitor().api.sessions.create.mutate({ email: person.email, password });
	});

	test('with one character changed, or with the invitation’s id, is as invalid as any other', async () => {
		const company = await approved();
		const { token, id } = await portal.invitation(company);
		const changed = `${token.slice(0, -2)}${token.at(-2) === 'A' ? 'B' : 'A'}${token.at(-1)}`;
		const visitor = portal.visitor();
		const answers = await Promise.all(
			[changed, id, 'x'.repeat(43)].map((one) => visitor.api.invitations.open.query({ token: one }))
		);
		for (const answer of answers) expect(answer).toEqual({ state: 'invalid' });
		const refused = await Promise.all(
			[changed, id, 'x'.repeat(43)].map((one) =>
				refusal(visitor.api.invitations.accept.mutate({ token: one, password }))
			)
		);
		for (const one of refused) expect(one).toEqual(refused[0]);
		const pages = await Promise.all(
			[changed, id, 'x'.repeat(43)].map(async (one) => {
				const reader = portal.visitor();
				const link = await reader.request(`/invitations/${one}`);
				const page = await reader.request(link.headers.get('location') ?? '');
				return (await page.text()).replace(
					/nonce[-"=\w]+|node_ids.*|sveltekit_\w+|__sveltekit_\w+|[\w-]{22}==/g,
					''
				);
			})
		);
		expect(pages[0]).toContain('not valid');
		expect(pages[1]).toContain('not valid');
		expect(pages[2]).toContain('not valid');
	});

	test('takes no organization, role or address from the call', async () => {
		const company = await approved();
		const other = await approved();
		const { token, email } = await portal.invitation(company);
		for (const extra of [
			{ organizationId: other.id },
			{ role: 'super_admin' },
			{ email: 'x@example.test' }
		]) {
			const response = await portal.visitor().request('/trpc/invitations.accept', {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify({ token, password, ...extra })
			});
			expect(response.status, JSON.stringify(extra)).toBe(400);
		}
		await portal.visitor().api.invitations.accept.mutate({ token, password });
		const { members } = await open(company);
		expect(members.find((one) => one.email === email)?.role).toBe('team_member');
	});

	test('makes one membership and one event, however often it is accepted at once', async () => {
		const company = await approved();
		const { token } = await portal.invitation(company);
		const calls = Array.from({ length: 20 }, () =>
			portal.visitor().api.invitations.accept.mutate({ token, password })
		);
		const results = await Promise.allSettled(calls);
		expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		const again = await refusal(portal.visitor().api.invitations.accept.mutate({ token, password }));
		expect(again).toMatchObject({ status: 409, reason: 'ACCEPTED' });
		const snapshot = await open(company);
		expect(snapshot.members).toHaveLength(2);
		expect(joinedIn(snapshot)).toHaveLength(1);
	});

	test('is still good after ten times HEAD and GET', async () => {
		const company = await approved();
		const { token } = await portal.invitation(company);
		for (let time = 0; time < 10; time++) {
			const head = await portal.visitor().request(`/invitations/${token}`, { method: 'HEAD' });
			const get = await portal.visitor().request(`/invitations/${token}`);
			expect([head.status, get.status]).toEqual([303, 303]);
			expect(get.headers.get('location')).toMatch(/^\/invitations\?link=[0-9a-f]{16}$/);
			expect(get.headers.get('cache-control')).toContain('no-store');
			expect(get.headers.get('referrer-policy')).toBe('no-referrer');
		}
		expect((await open(company)).invitations).toHaveLength(1);
		await portal.visitor().api.invitations.accept.mutate({ token, password });
	});

	test('is refused as another account, and as the right one while it is unverified', async () => {
		const company = await approved();
		const other = await portal.person();
		const unverified = await portal.person({ isVerified: false });
		const { token } = await portal.invitation(company, { email: unverified.email });
		expect(await refusal(other.api.invitations.accept.mutate({ token }))).toMatchObject({
			status: 403,
			reason: 'OTHER_ACCOUNT'
		});
		expect(await refusal(unverified.api.invitations.accept.mutate({ token, password }))).toMatchObject({
			status: 403,
			reason: 'UNVERIFIED'
		});
		// Nor can they decline what isn't theirs.
		expect(await refusal(other.api.invitations.decline.mutate({ token }))).toMatchObject({ status: 403 });
		expect(await refusal(unverified.api.invitations.decline.mutate({ token }))).toMatchObject({
			status: 403
		});
		expect((await open(company)).invitations).toHaveLength(1);
	});

	test('tells somebody else not even the whole address, and one that is over nothing of the invitee', async () => {
		const company = await approved();
		const other = await portal.person();
		const { token, email, lastName } = await portal.invitation(company);
		const seen = await other.api.invitations.open.query({ token });
		const masked = `p••••@${email.split('@')[1]}`;
		expect(seen).toMatchObject({ who: 'other', signedInAs: other.email, email: masked });
		const page = async () => {
			const link = await other.request(`/invitations/${token}`);
			return (await other.request(link.headers.get('location') ?? '')).text();
		};
		const html = await page();
		expect(html).toContain(masked);
		expect(html).not.toContain(email);
		expect(html).not.toContain(lastName);
		await portal.visitor().api.invitations.decline.mutate({ token });
		const over =
			JSON.stringify(await portal.visitor().api.invitations.open.query({ token })) + (await page());
		expect(over).toContain(company.name);
		expect(over).not.toContain(email);
		expect(over).not.toContain(lastName);
	});

	test('takes an account back from whoever registered the address without owning it', async () => {
		const company = await approved();
		const email = uniqueEmail();
		const squatter = await portal.person({ email, isVerified: false });
		const listening = await squatter.listen();
		await listening.hears('connect');
		const { token } = await portal.invitation(company, { email });
		const owner = portal.visitor();
		await owner.api.invitations.accept.mutate({ token, password: 'the owner’s password' });
		await listening.hears('ended');
		await listening.hears('disconnect');
		expect((await squatter.api.sessions.get.query({})).account).toBeNull();
		const signIn = await refusal(portal.visitor().api.sessions.create.mutate({ email, password }));
		expect(signIn.status).toBe(400);
		await portal.visitor().api.sessions.create.mutate({ email, password: 'the owner’s password' });
	});

	test('is dead after the decline, and its page says so', async () => {
		const company = await approved();
		const { token, email } = await portal.invitation(company);
		await portal.visitor().api.invitations.decline.mutate({ token });
		const refused = await refusal(portal.visitor().api.invitations.accept.mutate({ token, password }));
		expect(refused).toMatchObject({ status: 409, reason: 'DECLINED' });
		expect(await portal.visitor().api.invitations.open.query({ token })).toMatchObject({ state: 'declined' });
		// For this link alone: the team may ask again.
		const again = await portal.invitation(company, { email });
		await portal.visitor().api.invitations.accept.mutate({ token: again.token, password });
		expect((await open(company)).members.map((one) => one.email)).toContain(email);
	});
});

describe('an invitation is refused with the reason', () => {
	const refusedAs = async (token: string, reason: string) => {
		const refused = await refusal(portal.visitor().api.invitations.accept.mutate({ token, password }));
		expect(refused).toMatchObject({ status: 409, reason });
	};

	test('after it was revoked', async () => {
		const company = await approved();
		const { token, id } = await portal.invitation(company);
		await company.owner.api.invitations.revoke.mutate({ organizationId: company.id, invitationId: id });
		await refusedAs(token, 'REVOKED');
	});

	test('after the inviter was demoted, and after they were removed', async () => {
		const company = await approved();
		for (const end of ['demote', 'remove'] as const) {
			const inviter = await portal.member(company, 'super_admin');
			const { token } = await portal.invitation({ ...company, owner: inviter });
			const member = { organizationId: company.id, memberId: inviter.memberId };
			if (end === 'remove') await company.owner.api.members.remove.mutate(member);
			else {
				const { firstName, lastName } = inviter;
				const role = 'team_member';
				await company.owner.api.members.update.mutate({ ...member, firstName, lastName, role });
			}
			await refusedAs(token, 'REVOKED');
		}
		expect((await open(company)).invitations).toEqual([]);
	});

	test('while the organization is suspended, and is good again once it is restored', async () => {
		const company = await approved();
		const { token } = await portal.invitation(company);
		await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
		await refusedAs(token, 'UNAVAILABLE');
		await portal.admin.api.organizations.restore.mutate({ organizationId: company.id });
		await portal.visitor().api.invitations.accept.mutate({ token, password });
	});
});
