import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, refusal, type Portal, type Visitor } from './factories.ts';
import { createPlan, giveAccess, publishProduct } from './products.ts';

/** Which credentials somebody can try an API product with. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const list = (by: Visitor, product: string) => by.api.credentials.listOpening.query({ product });

test('those of applications that have access now, where the person may reveal them, and that open it', async () => {
	const product = await publishProduct(portal, { visibility: 'organizations' });
	const plan = await createPlan(portal, product.id, { credentialDays: 30 });
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const organizationId = company.id;
	const give = async (given: { endsAt?: Date } = {}) => {
		const application = await portal.application(company);
		const applicationId = application.id;
		await giveAccess(portal, {
			organizationId,
			applicationId,
			productId: product.id,
			planId: plan.id,
			...given
		});
		return application;
	};
	const held = await give();
	await give({ endsAt: new Date(Date.now() - 1000) });
	await portal.application(company);
	const { credentials } = company.owner.api;
	const create = (label: string) =>
		credentials.create.mutate({ organizationId, applicationId: held.id, label });
	const [aged, revoked, good] = [await create('Aged'), await create('Revoked'), await create('Good')];
	await credentials.revoke.mutate({ organizationId, applicationId: held.id, credentialId: revoked.id });
	await portal.inDatabase((db) =>
		db
			.updateTable('credential')
			.set({ createdAt: new Date(Date.now() - 31 * 86_400_000) })
			.where('id', '=', aged.id)
			.execute()
	);
	for (const by of [company.owner, member]) {
		const listed = await list(by, product.slug);
		expect(listed).toMatchObject([{ organization: { slug: company.slug }, application: { id: held.id } }]);
		const labels = listed[0]?.credentials.map(({ label }) => label) ?? [];
		expect(labels).toContain('Good');
		expect(labels).not.toContain('Aged');
		expect(labels).not.toContain('Revoked');
		const { secret } = await credentials.reveal.mutate({
			...{ organizationId, applicationId: held.id },
			credentialId: good.id
		});
		expect(JSON.stringify(listed)).not.toContain(secret);
	}
	await company.owner.api.organizations.configure.mutate({ organizationId, isRevealRestricted: true });
	expect(await list(member, product.slug)).toEqual([]);
	expect(await list(company.owner, product.slug)).toHaveLength(1);
	await portal.admin.api.organizations.suspend.mutate({ organizationId });
	expect(await refusal(list(company.owner, product.slug))).toMatchObject({ status: 404 });

	// What one may not see is as what isn't there; who sees it has none of others.
	const stranger = (await portal.company({ admin: portal.admin })).owner;
	for (const slug of [product.slug, 'there-is-none'])
		expect(await refusal(list(stranger, slug))).toMatchObject({ status: 404 });
	expect(await list(portal.admin, product.slug)).toEqual([]);
});
