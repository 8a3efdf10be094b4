import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { organizationNameOf } from '#lib/activity.ts';
import { applyOrganization } from '#lib/apply.ts';
import { applyPortal } from '#lib/apply-portal.ts';
import { sayEvent } from '#lib/events.ts';
import { channel } from '../src/database/announcing.ts';
import { getPortal, type Company, type Portal } from './factories.ts';

/** What another version of the portal has written, before an upgrade or in the midst of one: told by its name, never an error. */

let portal: Portal;
let company: Company;
beforeAll(async () => {
	portal = await getPortal();
	company = await portal.company({ admin: portal.admin });
});
afterAll(() => portal.stop());

/** Names that nobody has, one of them of what every object has, with payloads in which nothing is what it is elsewhere. */
const unknown = [
	// As it was called once: rows keep their name.
	{ name: 'account.moved', payload: { account: 'somebody', previousEmail: 1 } },
	{ name: 'contract.signed', payload: {} },
	{ name: 'invitation.forwarded', payload: { invitation: null, organization: null } },
	{ name: 'member.promoted', payload: { member: null, credential: null, application: null, account: null } },
	{ name: 'constructor', payload: { organization: 'x' } }
];
const names = unknown.map(({ name }) => name);

async function publishUnknown(): Promise<void> {
	const actor = { id: company.owner.userId, name: 'Newer', kind: 'developer' };
	const given = unknown.map((one) => ({ ...one, actor, isForOrganization: true, isForPortal: true }));
	await portal.inDatabase((db) =>
		sql`
			select pg_notify(${channel}, json_build_object('kind', 'event', 'id', id)::text)
			from publish_events(${company.id}::uuid, ${JSON.stringify(given)}::text::jsonb) as id`.execute(db)
	);
}

test('an event whose name isn’t known changes no page, and is listed and exported by its name', async () => {
	const [page, adminPage] = [await company.owner.listen(), await portal.admin.listen()];
	await page.hears('online');
	const openOwn = async () =>
		(await company.owner.api.organizations.open.query({ slug: company.slug })).snapshot;
	const openPortal = () => portal.admin.api.organizations.list.query({ search: company.name });
	const [own, ofPortal] = [await openOwn(), await openPortal()];
	await publishUnknown();

	const { recent, seq, ...rest } = await openOwn();
	const news = recent.filter((one) => one.seq > own.seq).toReversed();
	expect(news.map(({ name }) => name)).toEqual(names);
	expect(news.reduce(applyOrganization, own)).toEqual({ ...own, recent, seq });
	expect({ ...own, ...rest }).toEqual(own);
	const after = await openPortal();
	const portalNews = after.recent.filter((one) => one.seq > ofPortal.seq).toReversed();
	expect(portalNews.map(({ name }) => name)).toEqual(names);
	expect(portalNews.reduce(applyPortal, ofPortal)).toEqual(after);

	// The open pages hear of them, and of what comes after them.
	const { id } = await portal.application(company);
	for (const one of [page, adminPage]) {
		await one.until(() => one.events.some(({ name }) => name === 'application.created'), 'the next event');
		expect(one.events.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
	}
	expect((await openOwn()).applications.map((one) => one.id)).toEqual([id]);

	const organizationId = company.id;
	const lists = [
		await company.owner.api.activity.list.query({ organizationId }),
		await portal.admin.api.activity.listPortal.query({ organizationId })
	];
	for (const { events, organizations } of lists) {
		const listed = events.slice(1, 1 + names.length).toReversed();
		expect(listed.map(({ name }) => name)).toEqual(names);
		expect(listed.map(sayEvent)).toEqual(names.map((name) => `caused the event “${name}”`));
		expect(listed.map((one) => organizationNameOf(one, organizations))).toEqual(
			names.map(() => company.name)
		);
		expect(listed.map((one) => organizationNameOf(one, {}))).toEqual(
			names.map(() => 'a deleted organization')
		);
	}

	for (const path of [`/api/organizations/${company.id}/activity`, '/api/activity']) {
		const by = path === '/api/activity' ? portal.admin : company.owner;
		const csv = await (await by.request(`${path}.csv`)).text();
		const lines = (await (await by.request(`${path}.jsonl`)).text()).trim().split('\n');
		const exported = lines.map(
			(line) => JSON.parse(line) as { event: string; text: string; payload: object }
		);
		for (const { name, payload } of unknown) {
			expect(csv).toContain(`,${name},caused the event “${name}”,`);
			const text = `caused the event “${name}”`;
			expect(exported).toContainEqual(expect.objectContaining({ event: name, text, payload }));
		}
	}
});

test('one whose name isn’t known is a line on the page that lists what happened', async () => {
	await publishUnknown();
	const lists = [
		[company.owner, `/orgs/${company.slug}/activity`],
		[portal.admin, '/admin/activity']
	] as const;
	for (const [by, path] of lists) {
		const answer = await by.request(path);
		expect(answer.status, path).toBe(200);
		const html = await answer.text();
		for (const name of names)
			expect(html.includes(`caused the event “${name}”`), `${path} ${name}`).toBe(true);
	}
});
