import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quotaKeys, type OwnQuotas } from '#lib/quotas.ts';
import { refusal, getPortal, type Portal } from './factories.ts';

/** Which limits hold: by the portal's settings, in an organization, in an application. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const none = Object.fromEntries(quotaKeys.map((key) => [key, 0]));

test('what is nearer holds: the application before the organization, that before the settings', async () => {
	const company = await portal.company({ admin: portal.admin });
	const organizationId = company.id;
	const [first, second] = [await portal.application(company), await portal.application(company)];
	const holding = async (id: string) => {
		const { applications } = await company.owner.api.quotas.list.query({ organizationId });
		return applications.find((one) => one.id === id)?.quotas;
	};
	expect(await holding(first.id)).toEqual(none);

	await portal.admin.api.settings.update.mutate({ credentialPerSecond: 5, applicationPerMonth: 1000 });
	const settings = { ...none, credentialPerSecond: 5, applicationPerMonth: 1000 };
	expect(await holding(first.id)).toEqual(settings);

	const desk = await portal.admin.listen();
	const page = await company.owner.listen();
	await Promise.all([desk.hears('news true'), page.hears('news true')]);
	const { setOfOrganization, setOfApplication, get } = portal.admin.api.quotas;
	await setOfOrganization.mutate({ organizationId, credentialPerSecond: 50, credentialPerMonth: 10 });
	await setOfApplication.mutate({ organizationId, applicationId: first.id, credentialPerSecond: 0 });
	await Promise.all(
		[desk, page].flatMap((one) => [one.hears('organization.limited'), one.hears('application.limited')])
	);
	expect(await holding(first.id)).toEqual({ ...settings, credentialPerSecond: 0, credentialPerMonth: 10 });
	expect(await holding(second.id)).toEqual({ ...settings, credentialPerSecond: 50, credentialPerMonth: 10 });
	expect(await get.query({ organizationId })).toMatchObject({
		settings,
		own: { credentialPerSecond: 50, credentialPerMonth: 10 }
	});

	await setOfOrganization.mutate({ organizationId });
	expect(await holding(second.id)).toEqual(settings);
	const { events } = await portal.admin.api.activity.listPortal.query({
		organizationId,
		kind: 'organization'
	});
	expect(events.map(({ name }) => name).filter((name) => name === 'organization.limited')).toHaveLength(2);
	// The same again is nothing that has happened.
	await setOfOrganization.mutate({ organizationId });
	const again = await portal.admin.api.activity.listPortal.query({ organizationId, kind: 'organization' });
	expect(again.events).toEqual(events);
	await portal.admin.api.settings.update.mutate({ credentialPerSecond: 0, applicationPerMonth: 0 });
});

describe('a limit that is none', () => {
	test.each<[string, OwnQuotas]>([
		['below nothing', { credentialPerSecond: -1 }],
		['in parts', { applicationPerSecond: 1.5 }],
		['no number', { credentialPerMonth: NaN }],
		['beyond what is counted', { applicationPerMonth: 3_000_000_000 }]
	])('%s is refused at its field, and nothing is changed', async (_, quotas) => {
		const company = await portal.company({ admin: portal.admin });
		const [field = ''] = Object.keys(quotas);
		const input = { organizationId: company.id, ...quotas };
		expect(await refusal(portal.admin.api.quotas.setOfOrganization.mutate(input))).toMatchObject({
			status: 400,
			fields: { [field]: expect.stringMatching(/^The limit is a whole number from 0 to /) }
		});
		expect(await portal.admin.api.quotas.get.query({ organizationId: company.id })).toMatchObject({
			own: {}
		});
	});
});

test('an application of another organization is not found', async () => {
	const [company, other] = [
		await portal.company({ admin: portal.admin }),
		await portal.company({ admin: portal.admin })
	];
	const application = await portal.application(other);
	const input = { organizationId: company.id, applicationId: application.id, credentialPerSecond: 1 };
	expect(await refusal(portal.admin.api.quotas.setOfApplication.mutate(input))).toMatchObject({
		status: 404
	});
	const stranger = await portal.person();
	expect(await refusal(stranger.api.quotas.list.query({ organizationId: company.id }))).toMatchObject({
		status: 404
	});
});
