import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { sql } from 'kysely';
import { getPortal, refusal, type Company, type Portal, type Visitor } from './factories.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

async function furnish() {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const application = await portal.application(company);
	const place = {
		organizationId: company.id,
		applicationId: application.id,
		credentialId: application.credentials[0]?.id ?? ''
	};
	return { company, member, application, place };
}

const open = async ({ owner, slug }: Company) =>
	(await owner.api.organizations.open.query({ slug })).snapshot;

/** Every row of every table as text. */
async function dump() {
	return portal.inDatabase(async (db) => {
		const { rows } = await sql<{ name: string }>`
			select format('%I.%I', schemaname, tablename) as name from pg_tables
			where schemaname not in ('pg_catalog', 'information_schema')`.execute(db);
		const texts = await Promise.all(
			rows.map(async ({ name }) => {
				const table = await sql<{ text: string }>`select t::text as text from ${sql.raw(name)} t`.execute(db);
				return table.rows.map(({ text }) => `${name}: ${text}`).join('\n');
			})
		);
		return texts.join('\n');
	});
}

describe('an application', () => {
	test('of one member is on everybody’s page at once, with its first credential', async () => {
		const { company, member } = await furnish();
		const page = await company.owner.listen();
		await page.hears('online');
		const created = await portal.application(company, member);
		await page.hears('application.created');
		const seen = (await open(company)).applications.find(({ id }) => id === created.id);
		expect(seen).toMatchObject({ name: created.name, createdBy: { id: member.userId } });
		expect(seen?.credentials).toHaveLength(1);
	});

	test('with the name of another is refused at the field; one of another organization may have it', async () => {
		const { company, member, application } = await furnish();
		const create = (by: Visitor, organizationId: string, name: string) =>
			by.api.applications.create.mutate({ organizationId, name, description: '' });
		const refused = await refusal(create(member, company.id, application.name.toUpperCase()));
		expect(refused).toMatchObject({ status: 409, reason: 'TAKEN' });
		expect(refused.fields.name).toBeDefined();
		const other = await furnish();
		await create(other.member, other.company.id, application.name);
	});

	test('takes its credentials along when it is deleted', async () => {
		const { company, member, application, place } = await furnish();
		await member.api.applications.delete.mutate({
			organizationId: company.id,
			applicationId: application.id
		});
		expect((await open(company)).applications).toEqual([]);
		expect(await refusal(company.owner.api.credentials.reveal.mutate(place))).toMatchObject({ status: 404 });
	});
});

describe('a credential', () => {
	// Looks into the database, which here would cost two starts.
	if (inject('database') === 'postgres') {
		test('is shown to a teammate who asks, who is recorded, and lies nowhere but encrypted', async () => {
			const { company, member, place } = await furnish();
			const { secret } = await member.api.credentials.reveal.mutate(place);
			expect(secret).toMatch(/^ptk_[\w-]{49}$/);
			expect(await company.owner.api.credentials.copy.mutate(place)).toEqual({ secret });
			const snapshot = await open(company);
			expect(snapshot.recent.slice(0, 2).map(({ name }) => name)).toEqual([
				'credential.copied',
				'credential.revealed'
			]);
			expect(snapshot.recent[1]?.actor.id).toBe(member.userId);

			const activity = await company.owner.api.activity.list.query({ organizationId: company.id });
			const everything = JSON.stringify([snapshot, activity]) + portal.server.logs + (await dump());
			expect(everything).toContain(secret.slice(-4));
			expect(everything).not.toContain(secret);
			expect(everything).not.toContain(secret.slice(4, -4));
		});
	}

	test('comes in an answer that nothing may keep', async () => {
		const { member, place } = await furnish();
		const response = await member.request('/trpc/credentials.reveal', {
			method: 'POST',
			body: JSON.stringify(place),
			headers: { 'content-type': 'application/json' }
		});
		expect(response.status).toBe(200);
		expect(response.headers.get('cache-control')).toContain('no-store');
		const asQuery = await member.request(
			`/trpc/credentials.reveal?input=${encodeURIComponent(JSON.stringify(place))}`
		);
		expect(asQuery.status).toBe(405);
		expect(await asQuery.text()).not.toContain('ptk_');
	});

	test('can be kept to Super admins, at once', async () => {
		const { company, member, place } = await furnish();
		await member.api.credentials.reveal.mutate(place);
		const configure = (isRevealRestricted: boolean) =>
			company.owner.api.organizations.configure.mutate({ organizationId: company.id, isRevealRestricted });
		await configure(true);
		expect(await refusal(member.api.credentials.reveal.mutate(place))).toMatchObject({ status: 403 });
		expect(await refusal(member.api.credentials.copy.mutate(place))).toMatchObject({ status: 403 });
		await company.owner.api.credentials.reveal.mutate(place);
		await configure(false);
		await member.api.credentials.reveal.mutate(place);
	});

	test('that is rotated gives a new one; the old one ends now, or after the overlap', async () => {
		const { company, member, place } = await furnish();
		const { secret: first } = await member.api.credentials.reveal.mutate(place);
		const rotated = await member.api.credentials.rotate.mutate({ ...place, overlapSeconds: 3600 });
		const { secret: second } = await member.api.credentials.reveal.mutate({
			...place,
			credentialId: rotated.id
		});
		expect(second).not.toBe(first);
		const find = async (id: string) =>
			(await open(company)).applications[0]?.credentials.find((one) => one.id === id);
		const old = await find(place.credentialId);
		const left = Date.parse(old?.expiresAt ?? '') - Date.now();
		expect(left).toBeGreaterThan(3_500_000);
		expect(left).toBeLessThanOrEqual(3_600_000);
		// Both work until then.
		await member.api.credentials.reveal.mutate(place);

		const newest = { ...place, credentialId: rotated.id };
		await member.api.credentials.rotate.mutate({ ...newest, overlapSeconds: 0 });
		expect((await find(rotated.id))?.revokedAt).not.toBeNull();
		expect(await refusal(member.api.credentials.reveal.mutate(newest))).toMatchObject({
			status: 409,
			reason: 'REVOKED'
		});
	});

	test('that is revoked is dead for every further step', async () => {
		const { member, place } = await furnish();
		await member.api.credentials.revoke.mutate(place);
		const dead = { status: 409, reason: 'REVOKED' };
		expect(await refusal(member.api.credentials.reveal.mutate(place))).toMatchObject(dead);
		expect(await refusal(member.api.credentials.copy.mutate(place))).toMatchObject(dead);
		expect(await refusal(member.api.credentials.revoke.mutate(place))).toMatchObject(dead);
		expect(
			await refusal(member.api.credentials.rotate.mutate({ ...place, overlapSeconds: 0 }))
		).toMatchObject(dead);
	});

	// Looks into the database, which here would cost two starts.
	if (inject('database') === 'postgres') {
		test('with an expiry works until then; no span or one of centuries is refused at the field', async () => {
			const { company, application, place } = await furnish();
			const { create, reveal } = company.owner.api.credentials;
			const input = { organizationId: company.id, applicationId: application.id, label: 'Short' };
			for (const expiresInSeconds of [0, -1, 1.5, 1e11]) {
				const wrong = await refusal(create.mutate({ ...input, expiresInSeconds }));
				expect(wrong).toMatchObject({ status: 400, reason: 'INVALID' });
				expect(Object.keys(wrong.fields)).toEqual(['expiresInSeconds']);
			}
			const { id, createdAt, expiresAt } = await create.mutate({ ...input, expiresInSeconds: 3600 });
			expect(Date.parse(expiresAt ?? '') - Date.parse(createdAt)).toBeCloseTo(3_600_000, -4);
			await reveal.mutate({ ...place, credentialId: id });
			await portal.inDatabase((db) =>
				db
					.updateTable('credential')
					.set({ expiresAt: new Date(Date.now() - 1000) })
					.where('id', '=', id)
					.execute()
			);
			const expired = await refusal(reveal.mutate({ ...place, credentialId: id }));
			expect(expired).toMatchObject({ status: 409, reason: 'EXPIRED' });
		});
	}
});
