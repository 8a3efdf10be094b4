import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getPortal, type Company, type Portal } from './factories.ts';
import type { Server } from './harness.ts';
import { insertProduct, type Offered } from './offers.ts';
import { fulfilled, ofOrganization, on, race, rounds, startSecond } from './race.ts';

/** What two people do about one access in the same instant, one on each of two processes. */

let portal: Portal;
let second: Server;
let product: Offered;
let company: Company;
beforeAll(async () => {
	portal = await getPortal();
	second = await startSecond(portal);
	product = await insertProduct(portal, {
		plans: [{ name: 'Trial', approval: 'automatic' }, { name: 'Business' }]
	});
	company = await portal.company({ admin: portal.admin });
});
afterAll(async () => {
	await second.dispose();
	await portal.stop();
});

async function findAccess({ owner, slug }: Company, id: string) {
	const { snapshot } = await owner.api.organizations.open.query({ slug });
	return snapshot.accesses.find(({ applicationId }) => applicationId === id);
}

/** An application, and how it is asked for on either process. */
async function standing(of = company) {
	const { id } = await portal.application(of);
	const asking = (by: ReturnType<typeof on>, plan = 'Business') =>
		by.accesses.request.mutate({
			organizationId: of.id,
			applicationId: id,
			product: product.slug,
			planId: product.plans[plan] ?? ''
		});
	return { id, asking };
}

async function waiting(of = company) {
	const { id, asking } = await standing(of);
	const { request } = await asking(of.owner.api);
	return { id, requestId: request?.id ?? '' };
}

const eventsOf = async ({ owner, id }: Company, requestId: string) => {
	const { events } = await owner.api.activity.since.query({ organizationId: id, after: 0 });
	return (events ?? []).flatMap(({ name, payload }) =>
		'access' in payload && payload.access.request?.id === requestId ? name : []
	);
};

describe('of two who meet at one request', () => {
	test.each(rounds)('one approves and one rejects: the first has its way (%i)', async () => {
		const { id, requestId } = await waiting();
		const answers = await race(portal, ofOrganization(company), [
			() => portal.admin.api.accesses.approve.mutate({ requestId }),
			() => on(second, portal.admin).accesses.reject.mutate({ requestId })
		]);
		expect(fulfilled(answers)).toHaveLength(1);
		const access = await findAccess(company, id);
		const isApproved = answers[0].status === 'fulfilled';
		expect(access?.request?.status).toBe(isApproved ? 'approved' : 'rejected');
		expect(access?.granted !== null).toBe(isApproved);
		expect(await eventsOf(company, requestId)).toHaveLength(2);
	});

	test.each(rounds)('both ask for the same: there is one request (%i)', async () => {
		const { id, asking } = await standing();
		const answers = await race(portal, ofOrganization(company), [
			() => asking(company.owner.api),
			() => asking(on(second, company.owner))
		]);
		expect(fulfilled(answers)).toHaveLength(1);
		const { requests } = await portal.admin.api.accesses.list.query({ organizationId: company.id });
		expect(requests.filter(({ application }) => application.id === id)).toHaveLength(1);
	});

	test.each(rounds)('both get it at once: it is granted once (%i)', async () => {
		const { id, asking } = await standing();
		const answers = await race(portal, ofOrganization(company), [
			() => asking(company.owner.api, 'Trial'),
			() => asking(on(second, company.owner), 'Trial')
		]);
		expect(fulfilled(answers)).toHaveLength(1);
		expect(await findAccess(company, id)).toMatchObject({ granted: { plan: { name: 'Trial' } } });
	});

	test.each(rounds)('one approves and one withdraws: the first has its way (%i)', async () => {
		const { id, requestId } = await waiting();
		const organizationId = company.id;
		const answers = await race(portal, ofOrganization(company), [
			() => portal.admin.api.accesses.approve.mutate({ requestId }),
			() => on(second, company.owner).accesses.withdraw.mutate({ organizationId, requestId })
		]);
		expect(fulfilled(answers)).toHaveLength(1);
		const access = await findAccess(company, id);
		const isApproved = answers[0].status === 'fulfilled';
		expect(access?.request?.status).toBe(isApproved ? 'approved' : 'withdrawn');
		expect(access?.granted !== null).toBe(isApproved);
	});

	test.each(rounds)('one approves and one suspends: nothing is approved after that (%i)', async () => {
		const other = await portal.company({ admin: portal.admin });
		const { id, requestId } = await waiting(other);
		const [approval, suspension] = await race(portal, ofOrganization(other), [
			() => portal.admin.api.accesses.approve.mutate({ requestId }),
			() => on(second, portal.admin).organizations.suspend.mutate({ organizationId: other.id })
		]);
		expect(suspension.status).toBe('fulfilled');
		await portal.admin.api.organizations.restore.mutate({ organizationId: other.id });
		const names = (
			await other.owner.api.activity.since.query({ organizationId: other.id, after: 0 })
		).events?.map(({ name }) => name);
		const access = await findAccess(other, id);
		expect(access?.request?.status).toBe(approval.status === 'fulfilled' ? 'approved' : 'pending');
		if (approval.status === 'fulfilled') {
			expect(names?.indexOf('access.approved')).toBeLessThan(names?.indexOf('organization.suspended') ?? -1);
		}
	});

	test.each(rounds)('two portal admins decide about several, some of them the same (%i)', async () => {
		const other = await portal.company({ admin: portal.admin });
		const ids = [(await waiting()).requestId, (await waiting(other)).requestId, (await waiting()).requestId];
		const answers = await race(portal, ofOrganization(company), [
			() => portal.admin.api.accesses.decideMany.mutate({ requestIds: ids, decision: 'approved' }),
			() =>
				on(second, portal.admin).accesses.decideMany.mutate({
					requestIds: ids.toReversed(),
					decision: 'rejected'
				})
		]);
		expect(fulfilled(answers)).toHaveLength(2);
		const outcomes = answers.map((answer) => {
			const rows = answer.status === 'fulfilled' ? (answer.value as { outcome: string }[]) : [];
			return rows.map(({ outcome }) => outcome);
		});
		expect(outcomes.toSorted((one, next) => ((one[0] ?? '') < (next[0] ?? '') ? -1 : 1))).toEqual([
			['decided', 'decided', 'decided'],
			['refused', 'refused', 'refused']
		]);
	});
});
