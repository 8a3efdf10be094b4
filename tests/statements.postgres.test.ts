import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCut } from './cut.ts';
import { startPortal, unique, uniqueEmail, type Company, type Person, type Portal } from './factories.ts';
import { createDatabase } from './harness.ts';
import { insertProduct, type Offered } from './offers.ts';
import { countSent, type Sent } from './statements.ts';
import { createKey } from '../src/vault/vault.ts';
import type { Role } from '#lib/views.ts';

/**
 * How many statements a call sends to the database, those that begin and end its transaction among them; and how many ways
 * to the database and back it takes, since several that go out together are waited for once.
 */

/** How often a call is made at most, until nothing else has been asked beside it. */
const triesAtMost = 20;

const gatewayToken = 'g'.repeat(40);
let database: Awaited<ReturnType<typeof createDatabase>>;
let way: Awaited<ReturnType<typeof startCut>>;
let portal: Portal;
let company: Company;
let member: Person & { memberId: string };
let secret: string;
/** Who is Super admin, and who is next. */
let lead: [typeof member, typeof member];
/** Of their own, since how often it goes from one to the other depends on how quiet it was. */
let led: Company;
let space: Company;
const moving: string[] = [];
let product: Offered;
/** With more applications than an organization makes by itself. */
let asker: Company;
/** Applications that nothing was asked for yet, requests that wait, and more of them to be decided together. */
const asking: string[] = [];
const requests: string[] = [];
const several: string[] = [];
async function askForAccess(): Promise<string> {
	const { request } = await asker.owner.api.accesses.request.mutate({
		organizationId: asker.id,
		applicationId: asking.pop() ?? '',
		product: product.slug,
		planId: product.plans.Business ?? ''
	});
	return request?.id ?? '';
}
beforeAll(async () => {
	database = await createDatabase({ isPrepared: true });
	way = await startCut(database.url);
	portal = await startPortal({ DATABASE_URL: way.url, GATEWAY_TOKEN: gatewayToken });
	company = await portal.company({ admin: portal.admin });
	const wide = {
		invitationsPerInviter: 500,
		invitationsPerDay: 500,
		maxOpenInvitations: 500,
		maxMembers: 500
	};
	await portal.admin.api.settings.update.mutate(wide);
	member = await portal.member(company);
	const { id: applicationId, credentials } = await portal.application(company);
	const place = { organizationId: company.id, applicationId, credentialId: credentials[0]?.id ?? '' };
	({ secret } = await company.owner.api.credentials.reveal.mutate(place));
	led = await portal.company({ admin: portal.admin });
	const { snapshot } = await led.owner.api.organizations.open.query({ slug: led.slug });
	lead = [{ ...led.owner, memberId: snapshot.members[0]?.id ?? '' }, await portal.member(led)];
	space = await portal.space(company.owner);
	for (let time = 0; time < triesAtMost; time++) moving.push((await portal.application(space)).id);
	product = await insertProduct(portal);
	asker = await portal.company({ admin: portal.admin });
	const rows = Array.from({ length: 6 * triesAtMost }, (_, number) => ({
		organizationId: asker.id,
		name: unique(`Asking ${number}`),
		createdBy: asker.owner.userId
	}));
	const made = await portal.inDatabase((db) =>
		db.insertInto('application').values(rows).returning('id').execute()
	);
	asking.push(...made.map(({ id }) => id));
	const waiting = asking.splice(0, 4 * triesAtMost).map((applicationId) => ({
		organizationId: asker.id,
		applicationId,
		productId: product.id,
		planId: product.plans.Business ?? '',
		requestedBy: { id: asker.owner.userId, name: 'Somebody', kind: 'developer' as const }
	}));
	const asked = await portal.inDatabase((db) =>
		db.insertInto('accessRequest').values(waiting).returning('id').execute()
	);
	const waitingIds = asked.map(({ id }) => id);
	// One for each try of the one, three for each of the other.
	requests.push(...waitingIds.splice(0, triesAtMost));
	several.push(...waitingIds);
});
afterAll(async () => {
	await portal.stop();
	await way.stop();
	await database.drop();
});

async function introspect(token: string): Promise<unknown> {
	const answer = await portal.visitor().request('/api/introspect', {
		method: 'POST',
		headers: { authorization: `Bearer ${gatewayToken}` },
		body: new URLSearchParams({ token })
	});
	return answer.json();
}

function update(role: Role): Promise<unknown> {
	const { memberId, firstName, lastName } = member;
	const input = { organizationId: company.id, memberId, firstName, lastName, role };
	return company.owner.api.members.update.mutate(input);
}

/** What a call may send, the call, and what makes ready for it. */
const calls: Record<string, [Sent, () => Promise<unknown>, (() => Promise<unknown>)?]> = {
	'sessions.list': [[2, 2], () => company.owner.api.sessions.list.query({})],
	'sessions.get': [[2, 2], () => company.owner.api.sessions.get.query({})],
	'organizations.open': [[3, 3], () => company.owner.api.organizations.open.query({ slug: company.slug })],
	'activity.since': [
		[3, 3],
		() => company.owner.api.activity.since.query({ organizationId: company.id, after: 0 })
	],
	'members.listSeen': [
		[3, 3],
		() => company.owner.api.members.listSeen.query({ organizationId: company.id })
	],
	'members.list': [[5, 5], () => company.owner.api.members.list.query({ organizationId: company.id })],
	'organizations.list': [[9, 8], () => portal.admin.api.organizations.list.query({})],
	'messages.count': [[2, 2], () => portal.admin.api.messages.count.query({})],
	// Of a key that was asked about before, nothing; of one that nobody knows, one question; of a mistyped one none.
	introspect: [[0, 0], async () => expect(await introspect(secret)).toMatchObject({ active: true })],
	'introspect, an unknown key': [
		[1, 1],
		async () => expect(await introspect(createKey())).toEqual({ active: false })
	],
	'introspect, a mistyped key': [
		[0, 0],
		async () => expect(await introspect(`${secret}x`)).toEqual({ active: false })
	],
	'forward-auth': [
		[0, 0],
		async () => {
			const headers = { 'x-portico-gateway-token': gatewayToken, 'x-api-key': secret };
			expect((await portal.visitor().request('/api/forward-auth', { headers })).status).toBe(200);
		}
	],
	// The ids of the page first: in one statement with what they name, the planner takes twice the time.
	'accesses.list': [[5, 4], () => portal.admin.api.accesses.list.query({})],
	'accesses.getOffer': [[6, 6], () => company.owner.api.accesses.getOffer.query({ product: product.slug })],
	// Of an application that has none, and of several at once as of one.
	'accesses.request': [[18, 13], askForAccess],
	'accesses.approve': [
		[13, 9],
		() => portal.admin.api.accesses.approve.mutate({ requestId: requests.pop() ?? '' })
	],
	'accesses.decideMany': [
		[13, 9],
		() => {
			const requestIds = several.splice(0, 3);
			return portal.admin.api.accesses.decideMany.mutate({ requestIds, decision: 'approved' });
		}
	],
	'applications.create': [[11, 8], () => portal.application(company)],
	'members.update, a promotion': [[11, 5], () => update('super_admin'), () => update('team_member')],
	// Of a Super admin the open invitations are looked for, which would end.
	'members.update, a demotion': [[12, 6], () => update('team_member'), () => update('super_admin')],
	'members.handOver': [
		[12, 6],
		async () => {
			const [from, to] = lead;
			lead = [to, from];
			await from.api.members.handOver.mutate({ organizationId: led.id, memberId: to.memberId });
		}
	],
	'applications.move': [
		[14, 10],
		async () => {
			const id = moving.pop() ?? '';
			const place = {
				organizationId: space.id,
				targetId: company.id,
				applicationId: id,
				name: unique('Moved')
			};
			await company.owner.api.applications.move.mutate(place);
		}
	],
	'invitations.create': [
		[11, 4],
		() =>
			company.owner.api.invitations.create.mutate({
				organizationId: company.id,
				firstName: 'In',
				lastName: unique('Vitee'),
				email: uniqueEmail(),
				role: 'team_member'
			})
	],
	// Of ten as of one, but that those are counted at the end who could be invited.
	'invitations.createMany': [
		[12, 4],
		() =>
			company.owner.api.invitations.createMany.mutate({
				organizationId: company.id,
				rows: Array.from({ length: 10 }, uniqueEmail).map((email) => ({
					...{ firstName: 'In', lastName: 'Vitee', email },
					role: 'team_member' as const
				}))
			})
	]
};
test.each(Object.entries(calls))('%s sends no more than it needs', async (_, [budget, call, prepare]) => {
	expect(await countSent(way, call, { times: triesAtMost, enough: budget, prepare })).toEqual(budget);
});
