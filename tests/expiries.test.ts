import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, type Portal } from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

const day = 86_400_000;

test('a credential that ends within a week is told to Super admins and to who created it, once', async () => {
	const company = await portal.company({ admin: portal.admin });
	const [creator, bystander] = [await portal.member(company), await portal.member(company)];
	const application = await portal.application(company, creator);
	const place = { organizationId: company.id, applicationId: application.id };
	const create = (label: string, days: number) =>
		creator.api.credentials.create.mutate({
			...place,
			label,
			expiresInSeconds: days * 86_400
		});
	const [near, far, rotated] = [await create('Near', 5), await create('Far', 20), await create('Rotated', 5)];
	await creator.api.credentials.rotate.mutate({
		...place,
		credentialId: rotated.id,
		overlapSeconds: 604_800
	});
	// As if all had been created weeks ago: of a short life only the last quarter counts as its end.
	await portal.inDatabase((db) =>
		db
			.updateTable('credential')
			.set({ createdAt: new Date(Date.now() - 60 * day) })
			.where('id', 'in', [near.id, far.id, rotated.id])
			.execute()
	);
	for (let start = 0; start < 2; start++) {
		await portal.server.restart();
		await portal.smtp.waitFor(
			(mail) =>
				mail.subject?.startsWith(`A credential of ${application.name} ends on`) === true &&
				getRecipients(mail).includes(creator.email)
		);
	}
	const told = async () =>
		(await company.owner.api.activity.list.query({ organizationId: company.id })).events.filter(
			({ name }) => name === 'credential.expiring'
		);
	expect(await told()).toMatchObject([{ payload: { credential: { id: near.id, label: 'Near' } } }]);
	const mails = portal.smtp.messages.filter(({ subject }) => subject?.startsWith('A credential of '));
	expect(mails.flatMap(getRecipients).sort()).toEqual([company.owner.email, creator.email].sort());
	expect(mails.flatMap(getRecipients)).not.toContain(bystander.email);
	expect(mails[0]?.text).toContain(`/orgs/${company.slug}/applications/${application.id}`);
});
