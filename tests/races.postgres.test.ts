import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	adminEmail,
	adminPassword,
	getPortal,
	password,
	refusal,
	type Company,
	type Person,
	type Portal,
	type Visitor
} from './factories.ts';
import type { Server } from './harness.ts';
import { fulfilled, ofOrganization, on, race, rounds, startSecond } from './race.ts';

/** What two people do to one row in the same instant, one on each of two processes. */

let portal: Portal;
let second: Server;
beforeAll(async () => {
	portal = await getPortal();
	second = await startSecond(portal);
});
afterAll(async () => {
	await second.dispose();
	await portal.stop();
});

const approved = () => portal.company({ admin: portal.admin });
const open = async (by: Visitor, { slug }: Company) =>
	(await by.api.organizations.open.query({ slug })).snapshot;

/** An organization with two Super admins, and who is left of them. */
async function withTwo() {
	const company = await approved();
	const organizationId = company.id;
	const other = await portal.member(company, 'super_admin');
	const { members } = await open(other, company);
	const ownerId = members.find(({ userId }) => userId === company.owner.userId)?.id ?? '';
	const demote = (by: ReturnType<typeof on>, memberId: string) =>
		by.members.update.mutate({
			organizationId,
			memberId,
			firstName: 'De',
			lastName: 'Moted',
			role: 'team_member'
		});
	const admins = async () => {
		const { members } = await portal.admin.api.organizations.get.query({ organizationId });
		return members.filter(({ role }) => role === 'super_admin').map(({ id }) => id);
	};
	return {
		company,
		organizationId,
		owner: company.owner,
		other,
		ownerId,
		otherId: other.memberId,
		demote,
		admins
	};
}
type Two = Awaited<ReturnType<typeof withTwo>>;

const deleteOwn = (by: ReturnType<typeof on>, { email }: Person) =>
	by.accounts.deleteOwn.mutate({ email, currentPassword: password });

describe('an organization keeps exactly one Super admin when', () => {
	const pairs: [string, (two: Two) => [() => Promise<unknown>, () => Promise<unknown>]][] = [
		[
			'each demotes the other',
			({ owner, other, ownerId, otherId, demote }) => [
				() => demote(owner.api, otherId),
				() => demote(on(second, other), ownerId)
			]
		],
		[
			'one demotes the other, who leaves',
			({ organizationId, owner, other, ownerId, demote }) => [
				() => owner.api.members.leave.mutate({ organizationId }),
				() => demote(on(second, other), ownerId)
			]
		],
		[
			'both leave',
			({ organizationId, owner, other }) => [
				() => owner.api.members.leave.mutate({ organizationId }),
				() => on(second, other).members.leave.mutate({ organizationId })
			]
		],
		[
			'each removes the other',
			({ organizationId, owner, other, ownerId, otherId }) => [
				() => owner.api.members.remove.mutate({ organizationId, memberId: otherId }),
				() => on(second, other).members.remove.mutate({ organizationId, memberId: ownerId })
			]
		],
		[
			'the provider deactivates one, who demotes the other',
			({ other, ownerId, demote }) => [
				() => portal.admin.api.accounts.deactivate.mutate({ accountId: other.userId }),
				() => demote(on(second, other), ownerId)
			]
		],
		[
			'the provider deactivates one, and the other leaves',
			({ organizationId, owner, other }) => [
				() => portal.admin.api.accounts.deactivate.mutate({ accountId: other.userId }),
				() => on(second, owner).members.leave.mutate({ organizationId })
			]
		],
		[
			'the provider deactivates both',
			({ owner, other }) => [
				() => portal.admin.api.accounts.deactivate.mutate({ accountId: owner.userId }),
				() => on(second, portal.admin).accounts.deactivate.mutate({ accountId: other.userId })
			]
		],
		[
			'both delete their accounts',
			({ owner, other }) => [() => deleteOwn(owner.api, owner), () => deleteOwn(on(second, other), other)]
		],
		[
			'one deletes the account, and the other leaves',
			({ organizationId, owner, other }) => [
				() => deleteOwn(owner.api, owner),
				() => on(second, other).members.leave.mutate({ organizationId })
			]
		],
		[
			'one deletes the account and demotes the other',
			({ owner, otherId, demote }) => [
				() => deleteOwn(owner.api, owner),
				() => demote(on(second, owner), otherId)
			]
		]
	];
	test.each(pairs)('%s', async (name, callsOf) => {
		for (const round of rounds) {
			const two = await withTwo();
			const answers = await race(portal, ofOrganization(two.company), callsOf(two));
			// Whoever is no Super admin any more may leave.
			const isEither = name === 'one demotes the other, who leaves' && fulfilled(answers).length === 2;
			if (!isEither) expect(fulfilled(answers), `round ${round}`).toHaveLength(1);
			expect(await two.admins(), `round ${round}`).toHaveLength(1);
		}
	});
});

describe('a lead that is handed over is never lost when', () => {
	const pairs: [string, (to: Heirs) => [() => Promise<unknown>, () => Promise<unknown>]][] = [
		[
			'it goes to two people at once',
			({ owner, heir, other, handOver }) => [
				() => handOver(owner.api, heir.memberId),
				() => handOver(on(second, owner), other.memberId)
			]
		],
		[
			'who is to have it leaves',
			({ organizationId, owner, heir, handOver }) => [
				() => handOver(owner.api, heir.memberId),
				() => on(second, heir).members.leave.mutate({ organizationId })
			]
		],
		[
			'who is to have it is removed',
			({ organizationId, owner, heir, handOver }) => [
				() => handOver(owner.api, heir.memberId),
				() => on(second, owner).members.remove.mutate({ organizationId, memberId: heir.memberId })
			]
		],
		[
			'the provider deactivates who is to have it',
			({ owner, heir, handOver }) => [
				() => handOver(on(second, owner), heir.memberId),
				() => portal.admin.api.accounts.deactivate.mutate({ accountId: heir.userId })
			]
		],
		[
			'who is to have it deletes the account',
			({ owner, heir, handOver }) => [
				() => handOver(owner.api, heir.memberId),
				() => deleteOwn(on(second, heir), heir)
			]
		]
	];
	async function withHeirs() {
		const company = await approved();
		const organizationId = company.id;
		const [heir, other] = [await portal.member(company), await portal.member(company)];
		const handOver = (by: ReturnType<typeof on>, memberId: string) =>
			by.members.handOver.mutate({ organizationId, memberId });
		const admins = async () => {
			const { members } = await portal.admin.api.organizations.get.query({ organizationId });
			return members.filter(({ role }) => role === 'super_admin');
		};
		return { company, organizationId, owner: company.owner, heir, other, handOver, admins };
	}
	type Heirs = Awaited<ReturnType<typeof withHeirs>>;

	test.each(pairs)('%s', async (_, callsOf) => {
		for (const round of rounds) {
			const heirs = await withHeirs();
			const answers = await race(portal, ofOrganization(heirs.company), callsOf(heirs));
			expect(fulfilled(answers), `round ${round}`).toHaveLength(1);
			expect(await heirs.admins(), `round ${round}`).toHaveLength(1);
		}
	});
});

test('an invitation is either accepted or revoked, by its link and by the signed-in owner of the address', async () => {
	for (const isSignedIn of [false, true]) {
		for (const _ of rounds) {
			const company = await approved();
			const organizationId = company.id;
			const invitee = await portal.person();
			const invitation = await portal.invitation(company, isSignedIn ? { email: invitee.email } : {});
			const { id, token, email } = invitation;
			const [accepted, revoked] = await race(portal, ofOrganization(company), [
				() =>
					isSignedIn
						? invitee.api.invitations.acceptMine.mutate({ invitationId: id })
						: portal.visitor().api.invitations.accept.mutate({ token, password }),
				() => on(second, company.owner).invitations.revoke.mutate({ organizationId, invitationId: id })
			]);
			expect([accepted.status, revoked.status].sort()).toEqual(['fulfilled', 'rejected']);
			const { members, invitations } = await open(company.owner, company);
			expect(invitations).toEqual([]);
			expect(members.some((one) => one.email === email)).toBe(accepted.status === 'fulfilled');
		}
	}
});

test('an invitation that is accepted twice makes one membership and one event', async () => {
	for (const _ of rounds) {
		const company = await approved();
		const { token, email } = await portal.invitation(company);
		const answers = await race(portal, ofOrganization(company), [
			() => portal.visitor().api.invitations.accept.mutate({ token, password }),
			() => on(second, portal.visitor()).invitations.accept.mutate({ token, password })
		]);
		expect(fulfilled(answers)).toHaveLength(1);
		const { members, recent } = await open(company.owner, company);
		expect(members.filter((one) => one.email === email)).toHaveLength(1);
		expect(recent.filter(({ name }) => name === 'member.joined')).toHaveLength(1);
	}
});

test('two portal admins who approve and reject make one decision, one event and one e-mail', async () => {
	const watching = await portal.admin.listen();
	await watching.hears('settings');
	const decisions = () =>
		watching.events.filter(({ name }) => /^organization\.(approved|rejected)$/.test(name));
	const decided = new Map<string, string>();
	for (const _ of rounds) {
		const company = await portal.company();
		const organizationId = company.id;
		const answers = await race(portal, ofOrganization(company), [
			() => portal.admin.api.organizations.approve.mutate({ organizationId }),
			() => on(second, portal.admin).organizations.reject.mutate({ organizationId, reason: 'No.' })
		]);
		expect(fulfilled(answers)).toHaveLength(1);
		const isApproved = answers[0].status === 'fulfilled';
		expect((await open(company.owner, company)).organization.status).toBe(
			isApproved ? 'approved' : 'rejected'
		);
		const lost = answers.find((answer) => answer.status === 'rejected');
		const words = await refusal(Promise.reject(lost?.reason as Error));
		expect(words).toMatchObject({ status: 409, reason: 'DECIDED' });
		expect(words.message).toMatch(/already by Portal Admin at \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
		decided.set(company.name, isApproved ? 'is approved' : 'was not approved');
	}
	for (const [name, outcome] of decided) {
		const expected = ['asks to join', outcome].map((what) => `${name} ${what}`);
		for (const subject of expected) await portal.smtp.waitFor((mail) => mail.subject === subject);
		const mails = portal.smtp.messages.filter(({ subject }) => subject?.startsWith(`${name} `));
		expect(mails.map(({ subject }) => subject).sort()).toEqual(expected.sort());
	}
	await watching.until(() => decisions().length >= decided.size, 'the decisions');
	expect(decisions()).toHaveLength(decided.size);
});

test.each(['dismisses', 'deactivates'])(
	'the portal keeps an admin, though of two each %s the other in the same instant',
	async (act) => {
		const { account } = await portal.admin.api.sessions.get.query({});
		const me = { by: portal.admin, accountId: account?.id ?? '' };
		const end = async (api: ReturnType<typeof on>, accountId: string) => {
			if (act === 'deactivates') await api.accounts.deactivate.mutate({ accountId });
			else await api.accounts.setPortalAdmin.mutate({ accountId, isPortalAdmin: false });
		};
		for (const round of rounds) {
			const person = await portal.person();
			const other = { by: person, accountId: person.userId };
			const promotion = { accountId: other.accountId, isPortalAdmin: true };
			await portal.admin.api.accounts.setPortalAdmin.mutate(promotion);
			const answers = await race(portal, { table: 'account', id: me.accountId }, [
				() => end(me.by.api, other.accountId),
				() => end(on(second, other.by), me.accountId)
			]);
			expect(fulfilled(answers), `round ${round}`).toHaveLength(1);
			const [survivor, gone] = answers[0].status === 'fulfilled' ? [me, other] : [other, me];
			const { accounts } = survivor.by.api;
			const { accountId } = gone;
			const left = (await accounts.listAdmins.query({})).filter(({ status }) => status === 'active');
			expect(left).toMatchObject([{ id: survivor.accountId }]);
			if (act === 'deactivates') await accounts.activate.mutate({ accountId });
			else await accounts.setPortalAdmin.mutate({ accountId, isPortalAdmin: true });
			await portal.admin.api.sessions.create.mutate({ email: adminEmail, password: adminPassword });
			const dismissal = { accountId: other.accountId, isPortalAdmin: false };
			await portal.admin.api.accounts.setPortalAdmin.mutate(dismissal);
		}
	}
);

test('a new password leaves no session of the old one, though somebody signs in with that in the same instant', async () => {
	for (const _ of rounds) {
		const person = await portal.person();
		const thief = portal.visitor();
		await race(portal, { table: 'account', id: person.userId }, [
			() =>
				person.api.accounts.changePassword.mutate({ currentPassword: password, password: 'a fine new one' }),
			() => on(second, thief).sessions.create.mutate({ email: person.email, password })
		]);
		expect((await thief.api.sessions.get.query({})).account).toBeNull();
	}
});
