import { afterAll, describe, expect, test } from 'vitest';
import { applyOrganization } from '#lib/apply.ts';
import { sayEvent } from '#lib/events.ts';
import { isGranted } from '#lib/products.ts';
import { accessIdOf, idOf, startAsking } from './asking.ts';
import { refusal, unique } from './factories.ts';
import { insertProduct, type Offered } from './offers.ts';

const { portal, company, member, stranger, product, chosen, open, accessesOf, ask, waiting, having } =
	await startAsking();
afterAll(() => portal.stop());

const reopened = async (one: Offered) => {
	await portal.inDatabase((db) =>
		db.updateTable('plan').set({ closedAt: null }).where('productId', '=', one.id).execute()
	);
	return one;
};

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
		const text = await portal.mailTo(
			'admin@example.test',
			`${company.name} asks for access to ${product.name}`
		);
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

	test('leaves nothing of what the organization may not see any more, but of what it has; the provider sees all', async () => {
		const offered = await insertProduct(portal, { for: [company] });
		const { reject, end, list } = portal.admin.api.accesses;
		const rejected = await waiting({ of: offered });
		await reject.mutate({ requestId: rejected.requestId });
		const ended = await having({ of: offered });
		await end.mutate(ended.place);
		const held = await having({ of: offered });
		const pending = await waiting({ of: offered });
		const ids = [rejected, ended, held, pending].map(({ application }) => application.id);
		const seen = async () =>
			(await open(company.owner, company)).accesses.filter(({ product: { id } }) => id === offered.id);
		expect((await seen()).map((one) => one.applicationId).toSorted()).toEqual(ids.toSorted());
		expect((await seen()).every(({ isOffered }) => isOffered)).toBe(true);
		const pair = { productId: offered.id, organizationId: company.id };
		await portal.admin.api.products.choose.mutate({ ...pair, isChosen: false });
		const name = unique('Told to nobody');
		await portal.admin.api.products.update.mutate({ productId: offered.id, summary: name });
		expect(await seen()).toMatchObject([{ applicationId: held.application.id, isOffered: false }]);
		// What happens meanwhile brings no row back to an open page.
		const page = await open(company.owner, company);
		await reject.mutate({ requestId: pending.requestId });
		await end.mutate(held.place);
		const { events } = await company.owner.api.activity.since.query({
			organizationId: company.id,
			after: page.seq
		});
		expect(events?.map((event) => event.name)).toEqual(['access.rejected', 'access.ended']);
		const after = (events ?? []).reduce(applyOrganization, page);
		expect(after.accesses).toEqual((await open(company.owner, company)).accesses);
		expect(await seen()).toEqual([]);
		expect(await refusal(company.owner.api.accesses.getOffer.query({ product: offered.slug }))).toMatchObject(
			{ status: 404 }
		);
		const { requests } = await list.query({ status: 'rejected', productId: offered.id });
		expect(requests.map(({ application }) => application.id).toSorted()).toEqual(
			[rejected, pending].map(({ application }) => application.id).toSorted()
		);
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
		expect(mine?.organization).toMatchObject({ isOffered: true, canAsk: false });
		await company.owner.api.organizations.configure.mutate({ organizationId, isAccessRestricted: false });
		const { recent } = await open(member, company);
		expect(recent.slice(0, 2).map(sayEvent)).toEqual([
			'let every member ask for access to APIs',
			'let only Super admins ask for access to APIs'
		]);
		await member.api.accesses.withdraw.mutate({ organizationId, requestId });
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
		expect(new Set(page.events.map(({ organizationId }) => organizationId))).toEqual(new Set([stranger.id]));
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
		// That of an application which is made for it, too.
		const { applicationId } = await company.owner.api.accesses.request.mutate({
			organizationId: company.id,
			newApplication: unique('Young'),
			product: strict.slug,
			planId: strict.plans.Short ?? ''
		});
		const { applications } = await open(company.owner, company);
		const made = applications.find(({ id }) => id === applicationId);
		expect(made?.credentials.map(({ expiresAt }) => within(expiresAt, 30))).toEqual([true]);
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
