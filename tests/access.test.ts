import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { can, policy, rules, type ProcedurePath } from '#lib/policy.ts';
import { adminInputs, nowhere } from './admin-inputs.ts';
import {
	refusal,
	getPortal,
	uniqueEmail,
	type Company,
	type Person,
	type Portal,
	type Visitor
} from './factories.ts';
import { insertProduct, type Offered } from './offers.ts';
import { appRouter } from '../src/router.ts';

const paths = Object.keys(policy) as ProcedurePath[];

let portal: Portal;
let product: Offered;
beforeAll(async () => {
	portal = await getPortal();
	const plans = [{ name: 'Trial', approval: 'automatic' as const }, { name: 'Business' }, { name: 'Large' }];
	product = await insertProduct(portal, { plans });
});
afterAll(() => portal.stop());

// Flat at run time, whatever the type says.
const flat = appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>;
const types = new Map(Object.entries(flat).map(([path, { _def }]) => [path, _def.type]));

/** Calls a procedure by its path over HTTP, with whatever input, and returns the status and the body. */
async function call(by: Visitor, path: string, input: unknown) {
	const isQuery = types.get(path) === 'query';
	const query = isQuery ? `?input=${encodeURIComponent(JSON.stringify(input))}` : '';
	const response = await by.request(`/trpc/${path}${query}`, {
		method: isQuery ? 'GET' : 'POST',
		...(isQuery ? {} : { body: JSON.stringify(input), headers: { 'content-type': 'application/json' } })
	});
	const text = await response.text();
	const body = JSON.parse(text) as { error?: { data: { reason: string } } };
	return { status: response.status, text, body };
}

/** An organization with one of everything that a procedure can name. */
async function furnish(owner?: Person) {
	const company = await portal.company({ owner, admin: portal.admin });
	const [member, heir] = [await portal.member(company), await portal.member(company)];
	const application = await portal.application(company);
	const invitation = await portal.invitation(company);
	const credentialId = application.credentials[0]?.id ?? '';
	const wanted = { organizationId: company.id, applicationId: application.id, product: product.slug };
	const ask = (plan: string) =>
		company.owner.api.accesses.request.mutate({ ...wanted, planId: product.plans[plan] ?? '' });
	const accessId = (await ask('Trial')).granted?.id ?? '';
	const requestId = (await ask('Business')).request?.id ?? '';
	return { company, member, heir, application, invitation, credentialId, accessId, requestId };
}
type Furnished = Awaited<ReturnType<typeof furnish>>;

const named = { firstName: 'New', lastName: 'Comer' };
const newcomer = () => ({ ...named, email: uniqueEmail(), role: 'team_member' });

/** A right input of every procedure of members, with the ids of one organization. */
function inputs(
	company: Company,
	things: Omit<Furnished, 'company'>
): Partial<Record<ProcedurePath, object>> {
	const organizationId = company.id;
	const { member, heir, application, invitation, credentialId, accessId, requestId } = things;
	const place = { organizationId, applicationId: application.id, credentialId };
	return {
		'organizations.open': { slug: company.slug },
		'activity.list': { organizationId },
		'activity.since': { organizationId, after: 0 },
		'members.listRevealed': { organizationId, memberId: member.memberId },
		'members.listSeen': { organizationId },
		'members.list': { organizationId },
		'members.listNamed': { organizationId, ids: [member.memberId] },
		'credentials.listExposed': { organizationId },
		'quotas.list': { organizationId },
		'credentials.list': { organizationId, applicationId: application.id },
		'organizations.rename': { organizationId, name: `${company.name} renamed` },
		'organizations.configure': { organizationId, isRevealRestricted: false },
		'organizations.scheduleDeletion': { organizationId, name: `${company.name} renamed` },
		'organizations.cancelDeletion': { organizationId },
		'organizations.withdraw': { organizationId },
		'organizations.requestAgain': { organizationId, name: company.name },
		'usage.get': { organizationId, applicationId: application.id, range: 'day' },
		'usage.list': { organizationId },
		'usage.listRows': { organizationId, applicationId: application.id, range: 'day' },
		'usage.listIdle': { organizationId },
		'credentials.revokeSilent': { organizationId, credentialIds: [credentialId] },
		'members.update': { organizationId, memberId: member.memberId, ...named, role: 'team_member' },
		'invitations.create': { organizationId, ...newcomer() },
		'invitations.createMany': { organizationId, rows: [newcomer()] },
		'invitations.getAllowance': { organizationId },
		'invitations.find': { organizationId, email: invitation.email },
		'invitations.count': { organizationId, inviterId: company.owner.userId },
		'invitations.update': { organizationId, invitationId: invitation.id, ...named, role: 'team_member' },
		'invitations.resend': { organizationId, invitationId: invitation.id },
		'invitations.revoke': { organizationId, invitationId: invitation.id },
		'applications.create': { organizationId, name: `App of ${Math.random()}`, description: '' },
		'applications.update': {
			organizationId,
			applicationId: application.id,
			name: application.name,
			description: 'changed'
		},
		'credentials.create': { organizationId, applicationId: application.id, label: 'Another' },
		'credentials.reveal': place,
		'credentials.copy': place,
		'credentials.rotate': { ...place, overlapSeconds: 3600 },
		'credentials.revoke': place,
		'accesses.withdraw': { organizationId, requestId },
		'accesses.request': {
			organizationId,
			applicationId: application.id,
			product: product.slug,
			planId: product.plans.Large
		},
		'accesses.endOwn': { organizationId, accessId },
		'applications.move': {
			organizationId,
			targetId: organizationId,
			applicationId: application.id,
			name: application.name
		},
		'applications.delete': { organizationId, applicationId: application.id },
		'members.remove': { organizationId, memberId: member.memberId },
		'members.handOver': { organizationId, memberId: heir.memberId },
		'members.leave': { organizationId }
	};
}

const ofMembers = paths.filter((path) => rules[path]?.who === 'member');
const ofAdmins = paths.filter((path) => rules[path]?.who === 'admin');
const ofUsers = paths.filter((path) => rules[path]?.who === 'user');
const ofVerified = paths.filter((path) => rules[path]?.who === 'verified');

describe('every procedure, called directly', () => {
	test('as nobody: 401 wherever a session is needed', async () => {
		const furnished = await furnish();
		const given = {
			...inputs(furnished.company, furnished),
			...adminInputs,
			'organizations.request': { name: 'No' },
			'members.see': { organizationId: nowhere, seq: 1, isVisit: true },
			'invitations.acceptMine': { invitationId: nowhere },
			'invitations.declineMine': { invitationId: nowhere }
		};
		const nobody = portal.visitor();
		for (const path of [...ofMembers, ...ofAdmins, ...ofUsers, ...ofVerified]) {
			const { status } = await call(nobody, path, given[path as keyof typeof given] ?? {});
			expect(status, path).toBe(401);
		}
	});

	test('as somebody whose address nobody has proven: 403 for what takes a proof', async () => {
		const person = await portal.person({ isVerified: false });
		for (const path of ofVerified) {
			const refused = await call(person, path, { name: 'Proven Ltd' });
			expect([refused.status, refused.body.error?.data.reason], path).toEqual([403, 'UNVERIFIED']);
		}
	});

	test('as a developer: 403 for what is the portal admins’', async () => {
		const developer = await portal.person();
		for (const path of ofAdmins) {
			expect(adminInputs[path], `an input for ${path}`).toBeDefined();
			const { status } = await call(developer, path, adminInputs[path]);
			expect(status, path).toBe(403);
		}
	});

	test('as a portal admin: let through to what is theirs', async () => {
		for (const path of ofAdmins) {
			const { status } = await call(portal.admin, path, adminInputs[path]);
			// What is answered bit by bit asks for a client that takes it so.
			expect(path === 'mailServers.test' ? [415] : [200, 404], path).toContain(status);
		}
	});

	test('as a stranger: not found, whatever belongs to another organization, and nothing changes', async () => {
		const furnished = await furnish();
		const stranger = await portal.person();
		const before = await furnished.company.owner.api.organizations.open.query({
			slug: furnished.company.slug
		});
		const given = inputs(furnished.company, furnished);
		for (const path of ofMembers) {
			expect(given[path], `an input for ${path}`).toBeDefined();
			const { status, text } = await call(stranger, path, given[path]);
			expect(status, path).toBe(404);
			expect(text).not.toContain(furnished.company.name);
		}
		// The portal admin governs organizations, and belongs to none of them.
		for (const path of ofMembers) {
			const { status } = await call(portal.admin, path, given[path]);
			expect(status, `${path} as portal admin`).toBe(404);
		}
		const after = await furnished.company.owner.api.organizations.open.query({
			slug: furnished.company.slug
		});
		expect(after.snapshot).toEqual(before.snapshot);
	});

	test('with the own organization’s id and foreign ids: not found, and nothing changes', async () => {
		const victim = await furnish();
		const attacker = await furnish();
		const before = await victim.company.owner.api.organizations.open.query({ slug: victim.company.slug });
		const mixed = inputs(attacker.company, victim);
		const withForeignIds = ofMembers.filter((path) =>
			/members\.(update|remove|handOver|listRevealed)|invitations\.(re|update)|applications\.(update|delete)|credentials\.(?!list)|accesses|usage\.(get|listRows)/.test(
				path
			)
		);
		expect(withForeignIds.length).toBe(20);
		for (const path of withForeignIds) {
			const { status } = await call(attacker.company.owner, path, mixed[path]);
			expect(status, path).toBe(404);
		}
		const after = await victim.company.owner.api.organizations.open.query({ slug: victim.company.slug });
		expect(after.snapshot).toEqual(before.snapshot);
	});

	test('as a Team member and as a Super admin: as the policy says', async () => {
		const { company, member, ...things } = await furnish();
		const superAdmin = await portal.member(company, 'super_admin');
		const given = inputs(company, { ...things, member });
		// An invitation of just now can't be sent again yet, whoever asks.
		await portal.moveInvitation(things.invitation.id, { sentAt: -3600 });
		const organization = {
			status: 'approved',
			isPersonal: false,
			isRevealRestricted: false,
			isAccessRestricted: false
		} as const;
		for (const path of ofMembers) {
			const isAllowed = can(path, { role: 'team_member', organization });
			if (isAllowed) continue;
			const { status } = await call(member, path, given[path]);
			expect(status, `${path} as Team member`).toBe(403);
		}
		// In an order in which nothing is taken away that a later call names; leaving comes last.
		for (const path of Object.keys(given) as ProcedurePath[]) {
			const isAllowed = can(path, { role: 'super_admin', organization });
			const { status, body } = await call(superAdmin, path, given[path]);
			if (isAllowed) {
				expect(status, `${path} as Super admin: ${JSON.stringify(body)}`).toBe(200);
			} else {
				expect(status, `${path} as Super admin`).toBe(403);
			}
		}
	});

	test('as a Team member: what the policy gives works', async () => {
		const { company, member, application, credentialId } = await furnish();
		const place = { organizationId: company.id, applicationId: application.id, credentialId };
		const { secret } = await member.api.credentials.reveal.mutate(place);
		expect(secret).toMatch(/^ptk_[\w-]{49}$/);
		await member.api.applications.update.mutate({
			organizationId: company.id,
			applicationId: application.id,
			name: 'Renamed by a Team member',
			description: ''
		});
		await member.api.members.leave.mutate({ organizationId: company.id });
		expect(await refusal(member.api.credentials.reveal.mutate(place))).toMatchObject({ status: 404 });
	});
});

describe('input', () => {
	test('with a role that is none, or with keys that nobody asked for, is refused', async () => {
		const { company, member } = await furnish();
		const right = {
			organizationId: company.id,
			memberId: member.memberId,
			firstName: 'A',
			lastName: 'B',
			role: 'super_admin'
		};
		const wrong = [
			{ ...right, role: ['super_admin'] },
			{ ...right, role: 'super_admin,team_member' },
			{ ...right, role: 'SUPER_ADMIN' },
			{ ...right, role: '__proto__' },
			{ ...right, role: null },
			{ ...right, userId: company.owner.userId },
			{ ...right, isPortalAdmin: true },
			JSON.parse(`{"__proto__":{"x":1},${JSON.stringify(right).slice(1)}`),
			{ ...right, memberId: 'not-a-uuid' }
		];
		for (const input of wrong) {
			const { status } = await call(company.owner, 'members.update', input);
			expect(status, JSON.stringify(input)).toBe(400);
		}
		const { snapshot } = await member.api.organizations.open.query({ slug: company.slug });
		expect(snapshot.members.find(({ id }) => id === member.memberId)?.role).toBe('team_member');
	});

	test('of a batch of more than ten calls is refused', async () => {
		const names = Array.from({ length: 11 }, () => 'sessions.get').join(',');
		const input = encodeURIComponent(
			JSON.stringify(Object.fromEntries(Array.from({ length: 11 }, (_, i) => [i, {}])))
		);
		const response = await portal.visitor().request(`/trpc/${names}?batch=1&input=${input}`);
		expect(response.status).toBe(400);
	});
});
