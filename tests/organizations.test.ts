import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusal, getPortal, unique, type Company, type Portal, type Visitor } from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const open = async ({ owner, slug }: Company) =>
	(await owner.api.organizations.open.query({ slug })).snapshot.organization;

/** Runs with other settings and puts the usual ones back. */
async function withSettings(settings: Record<string, boolean>, run: () => Promise<void>) {
	const usual = { canRegisterOrganizations: true, isAutoApprovingOrganizations: false };
	await portal.admin.api.settings.update.mutate(settings);
	try {
		await run();
	} finally {
		await portal.admin.api.settings.update.mutate(usual);
	}
}

const mailsAbout = (name: string) =>
	portal.smtp.messages.filter(({ subject }) => subject?.includes(name)).map(({ subject }) => subject);

/** Everything that was queued before has been sent when a mail that was queued later arrives. */
async function settleMail() {
	await portal.person();
}

describe('asking for an organization', () => {
	test('makes it pending, with the requester as its Super admin, and writes to the portal admins', async () => {
		const owner = await portal.person({ firstName: 'Grace', lastName: 'Okafor' });
		const watching = await portal.admin.listen();
		await watching.hears('settings');
		const company = await portal.company({ owner });
		await watching.hears('organization.requested');
		const { snapshot } = await owner.api.organizations.open.query({ slug: company.slug });
		expect(snapshot.organization).toMatchObject({ name: company.name, status: 'pending', decidedAt: null });
		expect(snapshot.members).toMatchObject([{ userId: owner.userId, role: 'super_admin' }]);
		const mail = await portal.smtp.waitFor(({ subject }) => subject === `${company.name} asks to join`);
		expect(mail.text).toContain('Grace Okafor');
		expect(mail.text).toContain(`${portal.server.origin}/admin/organizations/${company.id}`);
	});

	test('holds nothing and invites nobody until it is approved', async () => {
		const company = await portal.company();
		const organizationId = company.id;
		const invite = () =>
			company.owner.api.invitations.create.mutate({
				organizationId,
				firstName: 'In',
				lastName: 'Vitee',
				email: 'invitee@early.test',
				role: 'team_member'
			});
		const create = () =>
			company.owner.api.applications.create.mutate({ organizationId, name: 'Early', description: '' });
		expect(await refusal(invite())).toMatchObject({ status: 403, reason: 'ORGANIZATION_PENDING' });
		expect(await refusal(create())).toMatchObject({ status: 403, reason: 'ORGANIZATION_PENDING' });
		await portal.admin.api.organizations.reject.mutate({ organizationId });
		expect(await refusal(invite())).toMatchObject({ status: 403, reason: 'ORGANIZATION_REJECTED' });
		await company.owner.api.organizations.requestAgain.mutate({ organizationId, name: company.name });
		await portal.admin.api.organizations.approve.mutate({ organizationId });
		await portal.admin.api.organizations.suspend.mutate({ organizationId });
		expect(await refusal(invite())).toMatchObject({ status: 403, reason: 'ORGANIZATION_SUSPENDED' });
		await settleMail();
		expect(
			portal.smtp.messages.filter(({ subject }) => subject?.includes(`invites you to ${company.name}`))
		).toEqual([]);
	});

	test('with auto-approve makes it at once', async () => {
		await withSettings({ isAutoApprovingOrganizations: true }, async () => {
			const company = await portal.company();
			expect(await open(company)).toMatchObject({ status: 'approved', decidedBy: null });
			await portal.invitation(company);
			expect(mailsAbout(`${company.name} asks`)).toEqual([]);
		});
	});

	test('is refused on the server while it is switched off, also again after a rejection', async () => {
		const rejected = await portal.company();
		await portal.admin.api.organizations.reject.mutate({ organizationId: rejected.id });
		await withSettings({ canRegisterOrganizations: false }, async () => {
			const owner = await portal.person();
			const name = unique('Company');
			const disabled = { status: 403, reason: 'ORGANIZATIONS_DISABLED' };
			expect(await refusal(owner.api.organizations.request.mutate({ name }))).toMatchObject(disabled);
			const again = rejected.owner.api.organizations.requestAgain;
			expect(await refusal(again.mutate({ organizationId: rejected.id, name }))).toMatchObject(disabled);
			const { organizations } = await owner.api.sessions.get.query({});
			expect(organizations.filter(({ isPersonal }) => !isPersonal)).toEqual([]);
		});
	});

	test('is refused a second time while the first request is pending, also at once', async () => {
		const owner = await portal.person();
		const asking = Array.from({ length: 6 }, () =>
			owner.api.organizations.request.mutate({ name: unique('Company') })
		);
		const answers = await Promise.allSettled(asking);
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		expect(await refusal(owner.api.organizations.request.mutate({ name: unique('Company') }))).toMatchObject({
			status: 409,
			reason: 'PENDING_REQUEST'
		});
		const { organizations } = await owner.api.sessions.get.query({});
		expect(organizations.filter(({ isPersonal }) => !isPersonal)).toHaveLength(1);
	});

	test.each([
		['', 'is missing'],
		['   ', 'is missing'],
		['x'.repeat(81), 'more than 80'],
		['Evil\u202eecin', "can’t be seen|can't be seen"],
		['Line\nbreak', "can't be seen"],
		['https://evil.example', 'web address']
	])('with the name %j is refused at the field', async (name, words) => {
		const owner = await portal.person();
		const { status, fields } = await refusal(owner.api.organizations.request.mutate({ name }));
		expect(status).toBe(400);
		expect(fields.name).toMatch(new RegExp(words));
		await owner.api.organizations.request.mutate({ name: unique('Company') });
	});

	test('with a taken name is refused whatever its case and spaces, and leaves nothing behind', async () => {
		const { name } = await portal.company();
		const owner = await portal.person();
		for (const variant of [name, name.toUpperCase(), ` ${name.replace(' ', '   ')} `]) {
			const refused = await refusal(owner.api.organizations.request.mutate({ name: variant }));
			expect(refused).toMatchObject({ status: 409, reason: 'TAKEN' });
			expect(refused.fields.name).toContain('There is already an organization');
		}
		// Nothing is in the way of another name.
		await owner.api.organizations.request.mutate({ name: unique('Company') });
	});

	test('with one name by five people at once: one gets it, the others may try again', async () => {
		const people = await Promise.all(Array.from({ length: 5 }, () => portal.person()));
		const name = unique('Company');
		const variants = [name, name.toUpperCase(), name.toLowerCase(), name.replace(' ', '  '), ` ${name}`];
		const answers = await Promise.allSettled(
			people.map((one, i) => one.api.organizations.request.mutate({ name: variants[i] ?? name }))
		);
		expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
		const losers = people.filter((_, i) => answers[i]?.status === 'rejected');
		for (const loser of losers) await loser.api.organizations.request.mutate({ name: unique('Company') });
		const { organizations } = await portal.admin.api.organizations.list.query({
			search: name.split(' ')[1] ?? ''
		});
		expect(organizations).toHaveLength(1);
	});

	test('can be renamed and withdrawn while it is pending, which frees the name', async () => {
		const company = await portal.company();
		const organizationId = company.id;
		const name = unique('Renamed');
		await company.owner.api.organizations.rename.mutate({ organizationId, name });
		expect(await open(company)).toMatchObject({ name, status: 'pending' });
		await company.owner.api.organizations.withdraw.mutate({ organizationId });
		expect(await refusal(company.owner.api.organizations.open.query({ slug: company.slug }))).toMatchObject({
			status: 404
		});
		expect(await refusal(portal.admin.api.organizations.approve.mutate({ organizationId }))).toMatchObject({
			status: 404
		});
		await company.owner.api.organizations.request.mutate({ name });
	});
});

describe('deciding', () => {
	test('an approval opens it to its people and writes to the requester', async () => {
		const company = await portal.company();
		const page = await company.owner.listen();
		await page.hears('online');
		await portal.admin.api.organizations.approve.mutate({ organizationId: company.id });
		await page.hears('organization.approved');
		expect(await open(company)).toMatchObject({ status: 'approved', decidedBy: { name: 'Portal Admin' } });
		const mail = await portal.smtp.waitFor(({ subject }) => subject === `${company.name} is approved`);
		expect(mail.text).toContain(`${portal.server.origin}/orgs/${company.slug}`);
	});

	test('a rejection tells its reason on the page and by e-mail; the requester corrects and asks again', async () => {
		const company = await portal.company();
		const organizationId = company.id;
		const reason = 'We could not find you in the register of companies.';
		await portal.admin.api.organizations.reject.mutate({ organizationId, reason });
		expect(await open(company)).toMatchObject({ status: 'rejected', rejectionReason: reason });
		const mail = await portal.smtp.waitFor(({ subject }) => subject === `${company.name} was not approved`);
		expect(mail.text?.replace(/\s+/g, ' ')).toContain(reason);
		const name = unique('Corrected');
		await company.owner.api.organizations.requestAgain.mutate({ organizationId, name });
		expect(await open(company)).toMatchObject({
			name,
			status: 'pending',
			rejectionReason: null,
			decidedBy: null
		});
		await portal.admin.api.organizations.approve.mutate({ organizationId });
		expect((await open(company)).status).toBe('approved');
	});

	test('why it was rejected once is read by whom it was told to, and by nobody who joins later', async () => {
		const company = await portal.company();
		const organizationId = company.id;
		const reason = `We could not find ${unique('anything')}.`;
		const { organizations } = portal.admin.api;
		await organizations.reject.mutate({ organizationId, reason });
		// An event of another name that carries it too.
		await organizations.scheduleDeletionAsPortal.mutate({ organizationId, name: company.name });
		await organizations.cancelDeletionAsPortal.mutate({ organizationId });
		await company.owner.api.organizations.requestAgain.mutate({ organizationId, name: company.name });
		await organizations.approve.mutate({ organizationId });
		const member = await portal.member(company);
		const readBy = async ({ api, request }: Visitor) =>
			Promise.all([
				api.organizations.open.query({ slug: company.slug }),
				api.activity.list.query({ organizationId }),
				api.activity.since.query({ organizationId, after: 0 }),
				request(`/api/organizations/${organizationId}/activity.csv`).then((answer) => answer.text()),
				request(`/api/organizations/${organizationId}/activity.jsonl`).then((answer) => answer.text())
			]);
		for (const answer of await readBy(company.owner)) expect(JSON.stringify(answer)).toContain(reason);
		for (const answer of await readBy(member)) {
			expect(JSON.stringify(answer)).not.toContain(reason);
			expect(JSON.stringify(answer)).toContain('organization.rejected');
		}
	});

	test('a second decision is refused with who decided and when', async () => {
		const company = await portal.company({ admin: portal.admin });
		for (const decide of ['approve', 'reject'] as const) {
			const refused = await refusal(
				portal.admin.api.organizations[decide].mutate({ organizationId: company.id })
			);
			expect(refused).toMatchObject({ status: 409, reason: 'DECIDED' });
			expect(refused.message).toMatch(/is approved already by Portal Admin at \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
		}
	});

	test('is the portal admins’ alone, and never about a personal space', async () => {
		const owner = await portal.person();
		const { organizations } = await owner.api.sessions.get.query({});
		const organizationId = organizations[0]?.id ?? '';
		expect(organizations).toMatchObject([{ isPersonal: true }]);
		expect(await refusal(portal.admin.api.organizations.suspend.mutate({ organizationId }))).toMatchObject({
			status: 404
		});
		expect(await refusal(owner.api.organizations.approve.mutate({ organizationId }))).toMatchObject({
			status: 403
		});
		const invite = owner.api.invitations.create.mutate({
			organizationId,
			firstName: 'In',
			lastName: 'Vitee',
			email: 'someone@space.test',
			role: 'team_member'
		});
		expect(await refusal(invite)).toMatchObject({ status: 403 });
		const listed = await portal.admin.api.organizations.list.query({ search: owner.email });
		expect(listed.organizations).toEqual([]);
	});
});

describe('suspending', () => {
	test('shows its members nothing but that, closes their pages and refuses their calls; restoring undoes it', async () => {
		const company = await portal.company({ admin: portal.admin });
		const member = await portal.member(company);
		const application = await portal.application(company);
		const place = {
			organizationId: company.id,
			applicationId: application.id,
			credentialId: application.credentials[0]?.id ?? ''
		};
		const page = await member.listen();
		await page.hears('online');
		await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
		await page.hears('organization.suspended');
		const heard = page.events.length;
		expect(await refusal(member.api.credentials.reveal.mutate(place))).toMatchObject({
			status: 403,
			reason: 'ORGANIZATION_SUSPENDED'
		});
		const { snapshot } = await member.api.organizations.open.query({ slug: company.slug });
		expect(snapshot).toMatchObject({ members: [], invitations: [], applications: [], recent: [] });
		await portal.smtp.waitFor(({ subject }) => subject === `${company.name} is suspended`);

		await portal.admin.api.organizations.restore.mutate({ organizationId: company.id });
		await page.until(
			() => page.words.filter((word) => word === 'online').length > 1,
			'the way back into the room'
		);
		expect(page.events.length).toBeGreaterThanOrEqual(heard);
		await member.api.credentials.reveal.mutate(place);
		await portal.smtp.waitFor(({ subject }) => subject === `${company.name} is back`);
	});
});
