import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutIsolates } from '#lib/direction.ts';
import { sayEvent } from '#lib/events.ts';
import { getPortal, type Portal } from './factories.ts';
import { startServer } from './harness.ts';
import { createPlan, giveAccess, planValues, publishProduct } from './products.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
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
		for (const { email } of [creator, company.owner])
			await portal.smtp.waitFor(
				(mail) =>
					mail.subject?.startsWith(`A credential of ${application.name} ends on`) === true &&
					getRecipients(mail).includes(email)
			);
	}
	const told = async () =>
		(await company.owner.api.activity.list.query({ organizationId: company.id })).events.filter(
			({ name }) => name === 'credential.expiring'
		);
	expect(await told()).toMatchObject([{ payload: { credential: { id: near.id, label: 'Near' } } }]);
	const mails = portal.smtp.messages.filter(({ subject }) =>
		subject?.startsWith(`A credential of ${application.name} `)
	);
	expect(mails.flatMap(getRecipients).sort()).toEqual([company.owner.email, creator.email].sort());
	expect(mails.flatMap(getRecipients)).not.toContain(bystander.email);
	expect(mails[0]?.text).toContain(`/orgs/${company.slug}/applications/${application.id}`);
});

test('one that a plan will find too old is told once for that day, and for its own end when that comes first', async () => {
	const company = await portal.company({ admin: portal.admin });
	const application = await portal.application(company);
	const place = { organizationId: company.id, applicationId: application.id };
	const { owner } = company;
	const create = (label: string, days: number | null) =>
		owner.api.credentials.create.mutate({
			...place,
			label,
			expiresInSeconds: days === null ? null : days * 86_400
		});
	const keys = [await create('Aging', null), await create('Ending', 3), await create('Young', null)];
	const [aging, ending] = keys;
	const product = await publishProduct(portal);
	const plan = await createPlan(portal, product.id, { credentialDays: 30 });
	await giveAccess(portal, { ...place, productId: product.id, planId: plan.id });
	const makeOld = (ids: (string | undefined)[], days: number) =>
		portal.inDatabase((db) =>
			db
				.updateTable('credential')
				.set({ createdAt: new Date(Date.now() - days * day) })
				.where('id', 'in', ids.map(String))
				.execute()
		);
	await makeOld([aging?.id, ending?.id], 25);
	const told = async () =>
		(await owner.api.activity.list.query({ organizationId: company.id })).events
			.filter(({ name }) => name === 'credential.expiring')
			.map((event) => withoutIsolates(sayEvent(event)));
	const words = (label: string, end: string) =>
		expect.stringMatching(new RegExp(`^says that .*${label}.* ${end} \\d{4}-\\d\\d-\\d\\d( on)?$`)) as string;
	const tooOld = `is too old for ${product.name} from`;
	await portal.server.restart();
	await expect.poll(told).toHaveLength(2);
	expect((await told()).toSorted()).toEqual([words('Aging', tooOld), words('Ending', 'ends on')]);
	const subject = `A credential of ${application.name} opens ${product.name} until`;
	await portal.smtp.waitFor((mail) => mail.subject?.startsWith(subject) === true);
	// With another age it has another end, which is told once, too.
	await portal.admin.api.plans.update.mutate({
		planId: plan.id,
		...planValues({ name: plan.name, credentialDays: 29 })
	});
	for (let start = 0; start < 2; start++) {
		await portal.server.restart();
		await expect.poll(told).toHaveLength(3);
	}
	expect((await told())[0]).toEqual(words('Aging', tooOld));
	const toldByMail = () =>
		portal.smtp.messages.filter((mail) => mail.subject?.startsWith(subject)).flatMap(getRecipients);
	await expect.poll(toldByMail).toEqual([owner.email, owner.email]);
});

test('its end is told when it comes, once by two processes: to Super admins and to who created it, also of what was rotated', async ({
	onTestFinished
}) => {
	const company = await portal.company({ admin: portal.admin });
	const creator = await portal.member(company);
	const bystander = await portal.member(company);
	const application = await portal.application(company, creator);
	const place = { organizationId: company.id, applicationId: application.id };
	const create = (label: string, expiresInSeconds: number | null) =>
		creator.api.credentials.create.mutate({ ...place, label, expiresInSeconds });
	const rotated = await create('Rotated', null);
	const revoked = await create('Revoked', 600);
	await creator.api.credentials.rotate.mutate({ ...place, credentialId: rotated.id, overlapSeconds: 3600 });
	await creator.api.credentials.revoke.mutate({ ...place, credentialId: revoked.id });
	// As if the hour of the overlap were over.
	await portal.inDatabase((db) =>
		db
			.updateTable('credential')
			.set({ expiresAt: new Date() })
			.where('id', 'in', [rotated.id, revoked.id])
			.execute()
	);
	const ended = await create('Ended', 5);
	const { databaseUrl, dataFolder } = portal.server;
	if (databaseUrl) {
		const second = await startServer({
			database: 'postgres',
			env: { DATABASE_URL: databaseUrl, DATA_FOLDER: dataFolder, SMTP_URL: portal.smtp.url }
		});
		onTestFinished(() => second.dispose());
	}
	const mails = (to: string, label: string) =>
		portal.smtp.messages.filter(
			(mail) =>
				mail.subject === `A credential of ${application.name} has ended` &&
				getRecipients(mail).includes(to) &&
				mail.text?.includes(`“${label}”`)
		);
	for (const label of ['Rotated', 'Ended']) {
		for (const { email } of [company.owner, creator])
			await portal.smtp.waitFor(() => mails(email, label).length > 0);
	}
	// Whatever would be told twice is told again before what ends after it.
	await portal.server.restart();
	await create('Marker', 2);
	for (const { email } of [company.owner, creator])
		await portal.smtp.waitFor(() => mails(email, 'Marker').length > 0);
	for (const label of ['Rotated', 'Ended', 'Marker'])
		expect([company.owner, creator, bystander].map(({ email }) => mails(email, label).length)).toEqual([
			1, 1, 0
		]);
	const words = (label: string) => mails(creator.email, label)[0]?.text?.replace(/\s+/g, ' ');
	expect(words('Rotated')).toContain('Another credential has taken its place.');
	expect(words('Ended')).not.toContain('Another credential');
	const { events } = await company.owner.api.activity.list.query({ organizationId: company.id });
	const told = events.filter(({ name }) => name === 'credential.expired');
	expect(told.map(({ payload }) => payload)).toMatchObject([
		{ isReplaced: false, credential: { label: 'Marker' } },
		{ isReplaced: false, credential: { label: 'Ended', id: ended.id } },
		{ isReplaced: true, credential: { label: 'Rotated', id: rotated.id } }
	]);
	expect(Date.parse(told[1]?.at ?? '')).toBeGreaterThanOrEqual(Date.parse(ended.expiresAt ?? ''));
}, 300_000);
