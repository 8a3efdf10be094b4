import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusal, getPortal, unique, type Company, type Portal, type Visitor } from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const approved = () => portal.company({ admin: portal.admin });
const organizations = () => portal.admin.api.organizations;
const open = async (company: Company, by: Visitor = company.owner) =>
	(await by.api.organizations.open.query({ slug: company.slug })).snapshot;
const listed = async (company: Company) =>
	(await organizations().list.query({ search: company.name })).organizations[0];
const asking = ({ id: organizationId, name }: Company) => ({ organizationId, name });

/** The seven days are over, and a process starts: what fell due is carried out. */
async function letDaysPass(company: Company) {
	await portal.inDatabase((db) =>
		db
			.updateTable('organization')
			.set({ deletesAt: new Date(Date.now() - 1000) })
			.where('id', '=', company.id)
			.execute()
	);
	if (portal.server.databaseUrl) await portal.server.restart();
}

describe('the deletion of an organization', () => {
	test('asks for its name, is told to every member, and is taken back by whoever may', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const organizationId = company.id;
		const watching = await member.listen();
		await watching.hears('online');
		const wrong = await refusal(
			organizations().scheduleDeletionAsPortal.mutate({ organizationId, name: 'Something else' })
		);
		expect(wrong).toMatchObject({ status: 400, fields: { name: `Type the name as it is: ${company.name}` } });
		expect(await refusal(member.api.organizations.scheduleDeletion.mutate(asking(company)))).toMatchObject({
			status: 403
		});
		const { deletion } = await organizations().scheduleDeletionAsPortal.mutate(asking(company));
		const days = (Date.parse(deletion?.at ?? '') - Date.now()) / 86_400_000;
		expect(days).toBeGreaterThan(6.99);
		expect(days).toBeLessThanOrEqual(7);
		await watching.hears('organization.deletionScheduled');
		await portal.smtp.waitFor(
			({ subject, to }) =>
				subject?.startsWith(`${company.name} will be deleted on`) === true &&
				JSON.stringify(to).includes(member.email)
		);
		const again = await refusal(organizations().scheduleDeletionAsPortal.mutate(asking(company)));
		expect(again).toMatchObject({ status: 409, message: expect.stringContaining('Portal Admin has asked') });
		// Everything works until then; only whose decision it was takes it back.
		await portal.application(company);
		const cancelling = company.owner.api.organizations.cancelDeletion.mutate({ organizationId });
		expect(await refusal(cancelling)).toMatchObject({ status: 403, reason: 'BY_PORTAL' });
		await organizations().cancelDeletionAsPortal.mutate({ organizationId });
		expect(await refusal(organizations().cancelDeletionAsPortal.mutate({ organizationId }))).toMatchObject({
			status: 409
		});
		await watching.hears('organization.deletionCancelled');

		await company.owner.api.organizations.scheduleDeletion.mutate(asking(company));
		expect((await listed(company))?.deletion).toMatchObject({ isByPortal: false });
		await company.owner.api.organizations.cancelDeletion.mutate({ organizationId });
		expect((await listed(company))?.deletion).toBeNull();
		await portal.smtp.waitFor(({ subject }) => subject === `${company.name} stays`);
	});

	test('is carried out after its days: everything of it goes, accounts and the portal’s own record stay', async () => {
		const company = await approved();
		const member = await portal.member(company);
		const application = await portal.application(company);
		await portal.invitation(company);
		await organizations().scheduleDeletionAsPortal.mutate(asking(company));
		await letDaysPass(company);
		await portal.smtp.waitFor(
			({ subject, to }) =>
				subject === `${company.name} has been deleted` && JSON.stringify(to).includes(member.email)
		);
		for (const one of [company.owner, member]) {
			expect(await refusal(open(company, one))).toMatchObject({ status: 404 });
			expect((await one.api.sessions.get.query({})).account?.email).toBe(one.email);
		}
		expect(await listed(company)).toBeUndefined();
		const left = await portal.inDatabase(async (db) => ({
			credentials: await db
				.selectFrom('credential')
				.select('id')
				.where('applicationId', '=', application.id)
				.execute(),
			invitations: await db
				.selectFrom('invitation')
				.select('id')
				.where('organizationId', '=', company.id)
				.execute(),
			events: await db
				.selectFrom('event')
				.select(['name', 'portalSeq'])
				.where('organizationId', '=', company.id)
				.orderBy('id')
				.execute()
		}));
		expect(left).toMatchObject({ credentials: [], invitations: [] });
		expect(left.events.every(({ portalSeq }) => portalSeq !== null)).toBe(true);
		expect(left.events.at(-1)?.name).toBe('organization.deleted');
		// The name is free again.
		await portal.company({ name: company.name });
	});

	test('is not carried out when it was taken back, nor before its time', async () => {
		const company = await approved();
		await organizations().scheduleDeletionAsPortal.mutate(asking(company));
		await portal.server.restart();
		expect((await listed(company))?.deletion).not.toBeNull();
		await organizations().cancelDeletionAsPortal.mutate({ organizationId: company.id });
		await portal.server.restart();
		expect((await listed(company))?.id).toBe(company.id);
	});
});

test('a request that waits is decided, not deleted', async () => {
	const company = await portal.company({ name: unique('Waiting') });
	expect(await refusal(organizations().scheduleDeletionAsPortal.mutate(asking(company)))).toMatchObject({
		status: 409,
		reason: 'PENDING'
	});
});
