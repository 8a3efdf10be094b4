import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sayEvent } from '#lib/events.ts';
import { isGranted, type ProductAccess } from '#lib/products.ts';
import {
	refusal,
	startPortal,
	unique,
	type Company,
	type Person,
	type Portal,
	type Visitor
} from './factories.ts';
import { insertProduct, type Offered } from './offers.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
let company: Company;
let member: Person;
/** For everybody who is signed in. */
let product: Offered;
/** For the company alone. */
let chosen: Offered;
let stranger: Company;
beforeAll(async () => {
	portal = await startPortal();
	company = await portal.company({ admin: portal.admin });
	member = await portal.member(company);
	stranger = await portal.company({ admin: portal.admin });
	product = await insertProduct(portal);
	chosen = await insertProduct(portal, { for: [company] });
});
afterAll(() => portal.stop());

const open = async (by: Visitor, { slug }: Company) =>
	(await by.api.organizations.open.query({ slug })).snapshot;
const accessesOf = async ({ id }: { id: string }) =>
	(await open(company.owner, company)).accesses.filter(({ applicationId }) => applicationId === id);

type Asking = { by?: Visitor; of?: Offered; plan?: string; message?: string; in?: Company };
const ask = (applicationId: string, given: Asking = {}) => {
	const { by = company.owner, of = product, plan = 'Business', message = '', in: place = company } = given;
	return by.api.accesses.request.mutate({
		organizationId: place.id,
		applicationId,
		product: of.slug,
		planId: of.plans[plan] ?? '',
		message
	});
};
const idOf = ({ request }: ProductAccess) => request?.id ?? '';
const accessIdOf = ({ granted }: ProductAccess) => granted?.id ?? '';

/** An application with a request that waits. */
async function waiting(given: Asking = {}) {
	const application = await portal.application(company);
	const asked = await ask(application.id, given);
	return { application, asked, requestId: idOf(asked) };
}

/** An application that has access. */
async function having(given: Asking = {}) {
	const one = await waiting(given);
	const access = await portal.admin.api.accesses.approve.mutate({ requestId: one.requestId });
	return { ...one, access, place: { organizationId: company.id, accessId: accessIdOf(access) } };
}

const mailTo = (address: string, subject: string) => portal.mailTo(address, subject);
const mailsAbout = (text: string) => portal.smtp.messages.filter(({ subject }) => subject?.includes(text));

describe('asking for access', () => {
	test('by an automatic plan grants it in the same call, and both pages hear of it', async () => {
		const { id, name } = await portal.application(company);
		const [teammate, admin] = [await member.listen(), await portal.admin.listen()];
		await Promise.all([teammate.hears('online'), admin.hears('settings')]);
		const access = await ask(id, { plan: 'Trial', message: 'To try it.' });
		expect(access).toMatchObject({
			applicationId: id,
			product: { id: product.id, slug: product.slug, name: product.name },
			granted: { plan: { name: 'Trial', approval: 'automatic' }, endsAt: null },
			request: {
				status: 'approved',
				message: 'To try it.',
				decidedBy: { name: 'Portico' },
				requestedBy: { id: company.owner.userId }
			}
		});
		expect(isGranted(access, Date.now())).toBe(true);
		expect(await accessesOf({ id })).toEqual([access]);
		await teammate.hears('access.approved');
		await admin.hears('access.approved');
		const words = teammate.events.filter((event) => event.name.startsWith('access.')).map(sayEvent);
		expect(words).toEqual([
			`asked for access of ${name} to ${product.name}, plan Trial`,
			`approved access of ${name} to ${product.name}, plan Trial`
		]);
	});

	test('by a plan that is decided about waits, writes to the portal admins, and is counted live', async () => {
		const admin = await portal.admin.listen();
		await admin.hears('settings');
		const before = (await portal.admin.api.organizations.list.query({})).accessRequests;
		const { application, asked } = await waiting({ by: member, message: 'We ship parcels.' });
		expect(asked).toMatchObject({ granted: null, request: { status: 'pending', decidedAt: null } });
		await admin.hears('access.requested');
		expect((await portal.admin.api.organizations.list.query({})).accessRequests).toBe(before + 1);
		const text = await mailTo('admin@example.test', `${company.name} asks for access to ${product.name}`);
		expect(text).toContain(application.name);
		expect(text).toContain('by the plan Business');
		// What a stranger writes isn’t mailed to whoever governs the portal.
		expect(text).not.toContain('We ship parcels.');
		const { requests } = await portal.admin.api.accesses.list.query({ search: application.name });
		expect(requests).toMatchObject([
			{ application: { id: application.id }, message: 'We ship parcels.', status: 'pending', granted: null }
		]);
	});

	test('again while a request waits is refused, and so is the plan that it has', async () => {
		const { application } = await waiting();
		expect(await refusal(ask(application.id))).toMatchObject({ status: 409, reason: 'PENDING' });
		const { application: other } = await having();
		const same = await refusal(ask(other.id));
		expect(same).toMatchObject({ status: 409, reason: 'SAME' });
		expect(same.fields.planId).toBe(
			`${other.name} has access to ${product.name} by the plan Business already.`
		);
	});

	test('for another plan keeps the old one until it is decided, and its id for ever', async () => {
		const application = await portal.application(company);
		const first = await ask(application.id, { plan: 'Trial' });
		const asked = await ask(application.id, { plan: 'Business' });
		expect(asked).toMatchObject({
			granted: { id: accessIdOf(first), plan: { name: 'Trial' } },
			request: { status: 'pending', plan: { name: 'Business' } }
		});
		await portal.admin.api.accesses.reject.mutate({ requestId: idOf(asked), reason: 'Not yet.' });
		expect(await accessesOf(application)).toMatchObject([
			{
				granted: { plan: { name: 'Trial' }, endsAt: null },
				request: { status: 'rejected', reason: 'Not yet.' }
			}
		]);
		const again = await ask(application.id, { plan: 'Business' });
		const access = await portal.admin.api.accesses.approve.mutate({ requestId: idOf(again) });
		expect(access.granted).toMatchObject({
			id: accessIdOf(first),
			plan: { name: 'Business' },
			grantedAt: first.granted?.grantedAt
		});
	});

	test('can be for an application that is made by it, or by neither', async () => {
		const name = unique('Made');
		const wanted = {
			organizationId: company.id,
			product: product.slug,
			planId: product.plans.Business ?? ''
		};
		const { request } = member.api.accesses;
		const made = await request.mutate({ ...wanted, newApplication: name });
		const { applications, accesses } = await open(company.owner, company);
		const application = applications.find((one) => one.name === name);
		expect(application).toMatchObject({ id: made.applicationId, createdBy: { id: member.userId } });
		expect(application?.credentials).toHaveLength(1);
		expect(accesses).toContainEqual(made);
		expect(await refusal(request.mutate({ ...wanted, newApplication: name }))).toMatchObject({
			reason: 'TAKEN',
			fields: { newApplication: `There is already an application with the name ${name}.` }
		});
		const neither = await refusal(request.mutate(wanted));
		expect(neither.fields).toHaveProperty('applicationId');
		const both = { ...wanted, applicationId: made.applicationId, newApplication: unique('Both') };
		expect((await refusal(request.mutate(both))).fields).toHaveProperty('applicationId');
		// Where the request is refused, there is no new application either.
		const refused = { ...wanted, product: 'nowhere', newApplication: unique('Refused') };
		expect(await refusal(request.mutate(refused))).toMatchObject({ status: 404 });
		const after = await open(company.owner, company);
		expect(after.applications).toHaveLength(applications.length);
	});

	test('for what isn’t offered is refused: not found where one may not see it', async () => {
		const theirs = await portal.application(stranger);
		const asking = { in: stranger, by: stranger.owner, of: chosen };
		expect(await refusal(ask(theirs.id, asking))).toMatchObject({ status: 404 });
		expect(await refusal(stranger.owner.api.accesses.getOffer.query({ product: chosen.slug }))).toMatchObject(
			{ status: 404 }
		);
		// Who sees it through one organization is told that the other can't have it.
		const both = await portal.member(company);
		const second = await portal.company({ owner: both, admin: portal.admin });
		const application = await portal.application(second);
		expect(await refusal(ask(application.id, { in: second, by: both, of: chosen }))).toMatchObject({
			status: 409,
			reason: 'NOT_OFFERED'
		});
		const { places } = await both.api.accesses.getOffer.query({ product: chosen.slug });
		expect(places.map(({ organization }) => organization.id)).toEqual([company.id]);
	});

	test('by a closed plan, by one of another product, or for a retired product is refused', async () => {
		const closing = await insertProduct(portal);
		const application = await portal.application(company);
		const foreign = { ...closing, plans: product.plans };
		expect(await refusal(ask(application.id, { of: foreign }))).toMatchObject({ status: 404 });
		const { requestId } = await waiting({ of: closing });
		const held = await having({ of: closing });
		await portal.inDatabase((db) =>
			db
				.updateTable('plan')
				.set({ closedAt: new Date() })
				.where('id', '=', closing.plans.Business ?? '')
				.execute()
		);
		expect(await refusal(ask(application.id, { of: closing }))).toMatchObject({
			status: 409,
			reason: 'CLOSED'
		});
		// What was asked for before the plan was closed can still be approved.
		expect(await portal.admin.api.accesses.approve.mutate({ requestId })).toMatchObject({
			request: { status: 'approved' }
		});
		const late = await ask(application.id, { of: closing, plan: 'Trial' });
		expect(late.granted).not.toBe(null);
		const { asked } = await waiting({ of: await reopened(closing) });
		await portal.inDatabase((db) =>
			db
				.updateTable('product')
				.set({ status: 'retired', retiredAt: new Date() })
				.where('id', '=', closing.id)
				.execute()
		);
		expect(await refusal(portal.admin.api.accesses.approve.mutate({ requestId: idOf(asked) }))).toMatchObject(
			{
				status: 409,
				reason: 'OBSTACLE',
				message: `${closing.name} is retired.`
			}
		);
		// Those who have access still see it.
		expect(await refusal(ask(held.application.id, { of: closing, plan: 'Trial' }))).toMatchObject({
			status: 409,
			reason: 'RETIRED'
		});
		await portal.admin.api.accesses.reject.mutate({ requestId: idOf(asked) });
	});

	test('is kept to Super admins where the organization says so, also withdrawing and ending', async () => {
		const organizationId = company.id;
		const { requestId } = await waiting({ by: member });
		const { place, application } = await having();
		const before = await company.owner.api.organizations.configure.mutate({
			organizationId,
			isAccessRestricted: true
		});
		expect(before).toMatchObject({ isAccessRestricted: true, isRevealRestricted: false });
		const calls = [
			() => ask(application.id, { by: member }),
			() => member.api.accesses.withdraw.mutate({ organizationId, requestId }),
			() => member.api.accesses.endOwn.mutate(place)
		];
		for (const call of calls) expect(await refusal(call())).toMatchObject({ status: 403 });
		const {
			places: [mine]
		} = await member.api.accesses.getOffer.query({ product: product.slug });
		expect(mine?.organization.canAsk).toBe(false);
		await company.owner.api.organizations.configure.mutate({ organizationId, isAccessRestricted: false });
		const { recent } = await open(member, company);
		expect(recent.slice(0, 2).map(sayEvent)).toEqual([
			'let every member ask for access to APIs',
			'let only Super admins ask for access to APIs'
		]);
		await member.api.accesses.withdraw.mutate({ organizationId, requestId });
	});
});

const reopened = async (one: Offered) => {
	await portal.inDatabase((db) =>
		db.updateTable('plan').set({ closedAt: null }).where('productId', '=', one.id).execute()
	);
	return one;
};

describe('a decision', () => {
	test('is mailed to the requester and the Super admins, and heard by the team', async () => {
		const other = await portal.company({ admin: portal.admin });
		const asker = await portal.member(other);
		const bystander = await portal.member(other);
		const teammate = await bystander.listen();
		await teammate.hears('online');
		const application = await portal.application(other);
		const asked = await ask(application.id, { in: other, by: asker });
		await portal.admin.api.accesses.approve.mutate({ requestId: idOf(asked) });
		await teammate.hears('access.approved');
		const subject = `${application.name} has access to ${product.name}`;
		for (const { email } of [asker, other.owner]) {
			expect(await mailTo(email, subject)).toContain('by the plan Business');
		}
		const second = await portal.application(other);
		const again = await ask(second.id, { in: other, by: asker });
		const reason = 'Please try it with the plan Trial first.';
		await portal.admin.api.accesses.reject.mutate({ requestId: idOf(again), reason });
		await teammate.hears('access.rejected');
		for (const { email } of [asker, other.owner]) {
			const text = await mailTo(email, `${second.name} gets no access to ${product.name}`);
			expect(text).toContain(reason);
		}
		expect(mailsAbout(application.name).flatMap(getRecipients)).not.toContain(bystander.email);
	});

	test('is made once: the second is told by whom and when', async () => {
		const { requestId, application } = await waiting();
		await portal.admin.api.accesses.approve.mutate({ requestId });
		const second = await refusal(portal.admin.api.accesses.reject.mutate({ requestId }));
		expect(second).toMatchObject({ status: 409, reason: 'DECIDED' });
		expect(second.message).toMatch(
			/^This request is approved already by .+ at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.$/
		);
		const organizationId = company.id;
		expect(
			await refusal(company.owner.api.accesses.withdraw.mutate({ organizationId, requestId }))
		).toMatchObject({ status: 409, reason: 'DECIDED' });
		expect(await accessesOf(application)).toMatchObject([{ request: { status: 'approved' } }]);
	});

	test('about several has an answer for each in its place, and tells each team', async () => {
		const other = await portal.company({ admin: portal.admin });
		const page = await other.owner.listen();
		await page.hears('online');
		const theirs = await portal.application(other);
		const ids = [
			(await waiting()).requestId,
			(await waiting()).requestId,
			idOf(await ask(theirs.id, { in: other, by: other.owner }))
		];
		const nowhere = '00000000-0000-4000-8000-000000000000';
		const [done = '', ...open] = ids;
		await portal.admin.api.accesses.reject.mutate({ requestId: done });
		const answers = await portal.admin.api.accesses.decideMany.mutate({
			requestIds: [nowhere, ...open, done],
			decision: 'approved'
		});
		expect(answers).toMatchObject([
			{ id: nowhere, outcome: 'refused', reason: 'NOT_FOUND' },
			{ id: open[0], outcome: 'decided', access: { request: { status: 'approved' } } },
			{ id: open[1], outcome: 'decided', access: { applicationId: theirs.id } },
			{ id: done, outcome: 'refused', reason: 'DECIDED' }
		]);
		await page.hears('access.approved');
		expect(page.events.filter(({ name }) => name === 'access.approved')).toHaveLength(1);
	});

	test('can’t be an approval while the organization is suspended; a rejection can', async () => {
		const other = await portal.company({ admin: portal.admin });
		const application = await portal.application(other);
		const requestId = idOf(await ask(application.id, { in: other, by: other.owner }));
		await portal.admin.api.organizations.suspend.mutate({ organizationId: other.id });
		expect(await refusal(portal.admin.api.accesses.approve.mutate({ requestId }))).toMatchObject({
			reason: 'OBSTACLE',
			message: `${other.name} is suspended.`
		});
		const { requests } = await portal.admin.api.accesses.list.query({ organizationId: other.id });
		expect(requests).toMatchObject([{ id: requestId, organization: { status: 'suspended' } }]);
		const rejected = await portal.admin.api.accesses.reject.mutate({ requestId });
		expect(rejected.request?.status).toBe('rejected');
	});

	test('is looked up by status, product and organization, page by page', async () => {
		const listed = await insertProduct(portal);
		const all: string[] = [];
		const organizationId = company.id;
		const application = await portal.application(company);
		// One after the other, as one at a time may wait.
		for (let turn = 0; turn < 52; turn++) {
			const asked = await ask(application.id, { of: listed });
			all.push(idOf(asked));
			await company.owner.api.accesses.withdraw.mutate({ organizationId, requestId: idOf(asked) });
		}
		const query = { status: 'withdrawn', productId: listed.id, organizationId } as const;
		const first = await portal.admin.api.accesses.list.query(query);
		expect(first.product).toEqual({ id: listed.id, name: listed.name });
		const second = await portal.admin.api.accesses.list.query({ ...query, after: first.next });
		expect(second.next).toBe(null);
		const ids = [...first.requests, ...second.requests].map(({ id }) => id);
		expect(ids).toEqual(all.toReversed());
		const none = await portal.admin.api.accesses.list.query({ ...query, organizationId: stranger.id });
		expect(none.requests).toEqual([]);
	}, 300_000);
});

describe('access ends', () => {
	test('by whom it belongs to, at once, and comes back by asking', async () => {
		const { application, place, access } = await having();
		const ended = await member.api.accesses.endOwn.mutate(place);
		expect(isGranted(ended, Date.now() + 1)).toBe(false);
		expect(await refusal(member.api.accesses.endOwn.mutate(place))).toMatchObject({ reason: 'ENDED' });
		const text = await mailTo(company.owner.email, `Access of ${application.name} to ${product.name} ends`);
		expect(text).toContain('Its credentials don’t open it any more.');
		const back = await ask(application.id, { plan: 'Trial' });
		expect(back.granted).toMatchObject({ id: accessIdOf(access), plan: { name: 'Trial' }, endsAt: null });
		expect(back.granted?.grantedAt).not.toBe(access.granted?.grantedAt);
	});

	test('by the provider on a day with a reason, which can be taken back until then', async () => {
		const { application, place, access } = await having();
		const page = await member.listen();
		await page.hears('online');
		const reason = 'The contract ends.';
		const { end, keep } = portal.admin.api.accesses;
		const ending = await end.mutate({ ...place, inDays: 30, reason });
		expect(isGranted(ending, Date.now())).toBe(true);
		expect(isGranted(ending, Date.now() + 31 * 86_400_000)).toBe(false);
		await page.hears('access.ended');
		const day = ending.granted?.endsAt?.slice(0, 10) ?? '';
		expect(sayEvent(page.events.at(-1) as never)).toBe(
			`ended access of ${application.name} to ${product.name} on ${day}: ${reason}`
		);
		expect(
			await mailTo(company.owner.email, `Access of ${application.name} to ${product.name} ends`)
		).toContain(reason);
		expect(await refusal(end.mutate(place))).toMatchObject({ status: 409, reason: 'ENDING' });
		const kept = await keep.mutate(place);
		expect(kept.granted).toEqual(access.granted);
		await page.hears('access.kept');
		expect(await refusal(keep.mutate(place))).toMatchObject({ status: 409, reason: 'DECIDED' });
		await mailTo(company.owner.email, `Access of ${application.name} to ${product.name} goes on`);
	});

	test('by the provider at once, and an automatic plan doesn’t bring it back', async () => {
		const { application, place } = await having();
		const ended = await portal.admin.api.accesses.end.mutate(place);
		expect(isGranted(ended, Date.now() + 1)).toBe(false);
		expect(await refusal(portal.admin.api.accesses.keep.mutate(place))).toMatchObject({ reason: 'ENDED' });
		const asked = await ask(application.id, { plan: 'Trial' });
		expect(asked.request).toMatchObject({ status: 'pending', plan: { name: 'Trial' } });
		expect(isGranted(asked, Date.now() + 1)).toBe(false);
		const back = await portal.admin.api.accesses.approve.mutate({ requestId: idOf(asked) });
		expect(isGranted(back, Date.now())).toBe(true);
	});

	test('and giving up what the provider is ending doesn’t make it theirs to bring back', async () => {
		const { application, place } = await having();
		await portal.admin.api.accesses.end.mutate({ ...place, inDays: 30, reason: 'The contract ends.' });
		await company.owner.api.accesses.endOwn.mutate(place);
		const asked = await ask(application.id, { plan: 'Trial' });
		expect(asked.request?.status).toBe('pending');
	});

	test('with the application, whose request goes from the list and the count', async () => {
		const { application, requestId } = await waiting();
		const admin = await portal.admin.listen();
		await admin.hears('settings');
		const before = (await portal.admin.api.organizations.list.query({})).accessRequests;
		await company.owner.api.applications.delete.mutate({
			organizationId: company.id,
			applicationId: application.id
		});
		await admin.hears('access.withdrawn');
		expect((await portal.admin.api.organizations.list.query({})).accessRequests).toBe(before - 1);
		expect(await refusal(portal.admin.api.accesses.approve.mutate({ requestId }))).toMatchObject({
			status: 404
		});
		expect(await accessesOf(application)).toEqual([]);
	});
});

describe('what a stranger sees', () => {
	test('is nothing: neither events, nor requests, nor the product', async () => {
		const page = await stranger.owner.listen();
		await page.hears('online');
		const { application, requestId, asked } = await waiting({ of: chosen });
		await portal.admin.api.accesses.approve.mutate({ requestId });
		await portal.application(stranger);
		await page.hears('application.created');
		expect(page.events.map(({ organizationId }) => organizationId)).toEqual([stranger.id]);
		const { api } = stranger.owner;
		const foreign = { organizationId: stranger.id, requestId };
		expect(await refusal(api.accesses.withdraw.mutate(foreign))).toMatchObject({ status: 404 });
		expect(
			await refusal(api.accesses.withdraw.mutate({ organizationId: company.id, requestId }))
		).toMatchObject({ status: 404 });
		expect(await refusal(ask(application.id, { by: stranger.owner, of: chosen }))).toMatchObject({
			status: 404
		});
		expect(await refusal(ask(application.id, { by: stranger.owner, in: stranger }))).toMatchObject({
			status: 404
		});
		expect(asked.request?.status).toBe('pending');
		expect(await refusal(api.accesses.list.query({}))).toMatchObject({ status: 403 });
	});
});

describe('a credential of an application whose plan wants young ones', () => {
	const day = 86_400;
	test('works no longer than the shortest of its plans says', async () => {
		const plans = [{ name: 'Short', approval: 'automatic' as const, credentialDays: 30 }];
		const strict = await insertProduct(portal, { plans });
		const application = await portal.application(company);
		const place = { organizationId: company.id, applicationId: application.id };
		const { create, rotate } = company.owner.api.credentials;
		const free = await create.mutate({ ...place, label: 'Before' });
		expect(free.expiresAt).toBe(null);
		await ask(application.id, { of: strict, plan: 'Short' });
		const long = await refusal(create.mutate({ ...place, label: 'Long', expiresInSeconds: 90 * day }));
		expect(long).toMatchObject({ status: 400, reason: 'INVALID' });
		expect(long.fields.expiresInSeconds).toBe(
			'A credential of this application works for 30 days at most, by the plan of an API that it opens.'
		);
		const within = (expiresAt: string | null, days: number) =>
			Math.abs(Date.parse(expiresAt ?? '') - Date.now() - days * day * 1000) < 600_000;
		const short = await create.mutate({ ...place, label: 'Short', expiresInSeconds: 7 * day });
		expect(within(short.expiresAt, 7)).toBe(true);
		const longest = await create.mutate({ ...place, label: 'Longest' });
		expect(within(longest.expiresAt, 30)).toBe(true);
		const rotated = await rotate.mutate({ ...place, credentialId: free.id, overlapSeconds: 0 });
		expect(within(rotated.expiresAt, 30)).toBe(true);
	});
});

test('what was decided stands in the export of activity', async () => {
	const name = unique('Exported');
	const { id } = await company.owner.api.applications.create.mutate({
		organizationId: company.id,
		name,
		description: ''
	});
	await ask(id, { plan: 'Trial' });
	const answer = await portal.admin.request('/api/activity.csv?kind=access');
	expect(answer.status).toBe(200);
	expect(await answer.text()).toContain(`asked for access of ${name} to ${product.name}, plan Trial`);
});
