import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { organizationOrders, type AdminOrganization } from '#lib/views.ts';
import { refusal, getPortal, unique, type Portal } from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const get = (organizationId: string) => portal.admin.api.organizations.get.query({ organizationId });

test('the page of an organization of many has the first of its members, those who govern it before others, and finds any', async () => {
	const company = await portal.company({ admin: portal.admin });
	const word = unique('Crowd').replace(' ', '');
	await portal.inDatabase(async (db) => {
		const people = Array.from({ length: 120 }, (_, i) => ({
			email: `${word}${i}@example.test`.toLowerCase(),
			passwordHash: 'none',
			firstName: i === 119 ? 'Zoë' : 'Some',
			lastName: `Body ${i}`,
			status: 'active' as const
		}));
		const accounts = await db.insertInto('account').values(people).returningAll().execute();
		const rows = accounts.map(({ id: userId, firstName, lastName, email }) => ({
			...{ organizationId: company.id, userId, firstName, lastName },
			role: email.startsWith(`${word}118@`.toLowerCase())
				? ('super_admin' as const)
				: ('team_member' as const)
		}));
		await db.insertInto('membership').values(rows).execute();
	});
	const find = (search: string) =>
		portal.admin.api.organizations.get.query({ organizationId: company.id, search });
	const all = await find('');
	expect([all.members.length, all.found, all.organization.memberCount]).toEqual([100, 121, 121]);
	expect(all.members.map(({ role }) => role).slice(0, 3)).toEqual([
		'super_admin',
		'super_admin',
		'team_member'
	]);
	const names = async (search: string) => (await find(search)).members.map(({ name }) => name);
	expect(await names('zoe body')).toEqual(['Zoë Body 119']);
	expect(await names(`${word}7@`)).toEqual(['Some Body 7']);
	expect(await names('100%')).toEqual([]);
	expect(await find('nobody at all')).toMatchObject({ members: [], found: 0 });
});

describe('the list of organizations', () => {
	test('comes in pages, in every order whole and without a row twice', async () => {
		const word = unique('Paged').replace(' ', '');
		const owner = await portal.person();
		// Some in the same microsecond: what a date alone could not tell apart.
		await portal.inDatabase((db) =>
			db
				.insertInto('organization')
				.values(
					Array.from({ length: 130 }, (_, i) => ({
						slug: `${word}-${i}`.toLowerCase(),
						name: `${word} ${String((i * 37) % 130).padStart(3, '0')}`,
						nameKey: `${word} ${String((i * 37) % 130).padStart(3, '0')}`.toLowerCase(),
						status: 'approved' as const,
						requestedBy: owner.userId,
						requestedAt: new Date(1_795_000_000_000 + Math.floor(i / 60))
					}))
				)
				.execute()
		);
		const names: Record<string, string[]> = {};
		for (const order of organizationOrders) {
			const query = { search: word, status: 'approved' as const, order };
			let page: { organizations: AdminOrganization[]; next: { value: string; id: string } | null } =
				await portal.admin.api.organizations.list.query(query);
			const rows = [...page.organizations];
			for (let pages = 1; page.next; pages++) {
				expect(pages).toBeLessThan(4);
				page = await portal.admin.api.organizations.listMore.query({ ...query, after: page.next });
				rows.push(...page.organizations);
			}
			expect(rows).toHaveLength(130);
			expect(new Set(rows.map(({ id }) => id)).size).toBe(130);
			names[order] = rows.map(({ name }) => name);
		}
		expect(names.oldest).toEqual(names.newest?.toReversed());
		expect(names.name).toEqual(names.name?.toSorted());
	});

	test('searches names, requesters and their addresses, within a status', async () => {
		const owner = await portal.person({ firstName: unique('Priscilla') });
		const company = await portal.company({ owner });
		const found = async (search: string, status: 'pending' | 'approved' | null = null) =>
			(await portal.admin.api.organizations.list.query({ search, status })).organizations.map(({ id }) => id);
		expect(await found(company.name.toUpperCase())).toEqual([company.id]);
		expect(await found(owner.email)).toEqual([company.id]);
		expect(await found(`${owner.firstName} ${owner.lastName}`)).toEqual([company.id]);
		expect(await found(company.name, 'pending')).toEqual([company.id]);
		expect(await found(company.name, 'approved')).toEqual([]);
		// What a search may hold is text, never a pattern.
		for (const wildcard of ['%', '_'])
			expect(await found(`${company.name.slice(0, -1)}${wildcard}`)).toEqual([]);
	});
});

describe('the page of an organization', () => {
	test('shows members, applications and each round of the request, and never a secret', async () => {
		const company = await portal.company();
		const organizationId = company.id;
		await portal.admin.api.organizations.reject.mutate({ organizationId, reason: 'The full name, please.' });
		const name = unique('Round two');
		await company.owner.api.organizations.requestAgain.mutate({ organizationId, name });
		await portal.admin.api.organizations.approve.mutate({ organizationId });
		const member = await portal.member(company);
		const application = await portal.application(company);
		const credentialId = application.credentials[0]?.id ?? '';
		const place = { organizationId, applicationId: application.id, credentialId };
		const { secret } = await member.api.credentials.reveal.mutate(place);

		const opened = await get(organizationId);
		expect(opened.organization).toMatchObject({
			name,
			status: 'approved',
			memberCount: 2,
			applicationCount: 1
		});
		expect(opened.members.map(({ email }) => email).sort()).toEqual(
			[company.owner.email, member.email].sort()
		);
		expect(opened.applications).toMatchObject([{ name: application.name, credentialCount: 1 }]);
		const rounds = opened.activity.toReversed().map((event) => event.name);
		expect(rounds.slice(0, 4)).toEqual([
			'organization.requested',
			'organization.rejected',
			'organization.requested',
			'organization.approved'
		]);
		expect(JSON.stringify(opened)).toContain('The full name, please.');
		// Who has looked at a credential is there, and nothing of its secret.
		expect(rounds).toContain('credential.revealed');
		expect(JSON.stringify(opened)).not.toContain(secret.slice(4, -4));
	});

	test('lets an admin correct the name, before the decision too; a taken one is refused', async () => {
		const company = await portal.company();
		const other = await portal.company();
		const page = await company.owner.listen();
		await page.hears('online');
		const correct = (name: string) =>
			portal.admin.api.organizations.correct.mutate({ organizationId: company.id, name });
		expect(await refusal(correct(other.name.toLowerCase()))).toMatchObject({ status: 409, reason: 'TAKEN' });
		expect((await refusal(correct('  '))).fields.name).toBeDefined();
		const name = unique('Corrected');
		await correct(name);
		await page.hears('organization.renamed');
		expect((await get(company.id)).organization).toMatchObject({ name, status: 'pending' });
	});

	test('names other organizations that may be the same company', async () => {
		const domain = `${unique('d').replace(' ', '')}.test`;
		const name = unique('Northwind');
		const first = await portal.company({
			owner: await portal.person({ email: `grace@${domain}` }),
			name,
			admin: portal.admin
		});
		const second = await portal.company({
			owner: await portal.person({ email: `linus@${domain}` }),
			name: `${name.replace(' ', '-').toUpperCase()}, Ltd.`
		});
		const { hints } = await get(second.id);
		expect(hints.similar.map(({ id }) => id)).toEqual([first.id]);
		expect(hints.sameDomain.map(({ id }) => id)).toEqual([first.id]);
		const third = await portal.company({ owner: await portal.person({ email: `x${domain}@gmail.com` }) });
		await portal.company({ owner: await portal.person({ email: `y${domain}@gmail.com` }) });
		expect((await get(third.id)).hints).toMatchObject({ similar: [], sameDomain: [] });
	});
});

describe('asking again', () => {
	test('is possible three times a day', async () => {
		const company = await portal.company();
		const organizationId = company.id;
		const again = () =>
			company.owner.api.organizations.requestAgain.mutate({ organizationId, name: company.name });
		for (let time = 0; time < 3; time++) {
			await portal.admin.api.organizations.reject.mutate({ organizationId });
			await again();
		}
		await portal.admin.api.organizations.reject.mutate({ organizationId });
		const refused = await refusal(again());
		expect(refused).toMatchObject({ status: 429 });
		expect(refused.message).toMatch(/^That was too often\. Try again in \d\d hours\.$/);
		expect((await get(organizationId)).organization.status).toBe('rejected');
	});

	test('with a name of letters that only look like those of another is refused', async () => {
		const { name } = await portal.company({ name: unique('Acope Oceanic') });
		const owner = await portal.person();
		// The Cyrillic а, о, с, е and р.
		const lookalike = name.replaceAll('a', 'а').replaceAll('o', 'о').replaceAll('c', 'с').replace('e', 'е');
		expect(lookalike).not.toBe(name);
		const refused = await refusal(owner.api.organizations.request.mutate({ name: lookalike }));
		expect(refused).toMatchObject({ status: 409, reason: 'TAKEN' });
		const { organizations } = await owner.api.sessions.get.query({});
		expect(organizations.filter(({ isPersonal }) => !isPersonal)).toEqual([]);
	});
});
