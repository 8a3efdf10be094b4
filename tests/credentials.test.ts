import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { sql } from 'kysely';
import { applyOrganization } from '#lib/apply.ts';
import { sayEvent } from '#lib/events.ts';
import { getPortal, password, refusal, type Company, type Portal, type Visitor } from './factories.ts';

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

describe('an application that moves out of a personal space', () => {
	async function packed() {
		const company = await portal.company({ admin: portal.admin });
		const mover = await portal.member(company);
		const space = await portal.space(mover);
		const application = await portal.application(space);
		const credentialId = application.credentials[0]?.id ?? '';
		const move = (values: object = {}) =>
			mover.api.applications.move.mutate({
				organizationId: space.id,
				targetId: company.id,
				applicationId: application.id,
				name: application.name,
				...values
			});
		return { company, mover, space, application, credentialId, move };
	}

	test('goes from one page to the other, with the same secret, told in both places and no more than belongs there', async () => {
		const { company, mover, space, application, credentialId, move } = await packed();
		const applicationId = application.id;
		const at = (organizationId: string) => ({ organizationId, applicationId, credentialId });
		const { secret } = await mover.api.credentials.reveal.mutate(at(space.id));
		const unseen = await mover.api.credentials.create.mutate({
			organizationId: space.id,
			applicationId,
			label: 'Unseen'
		});
		const [before, spaceBefore] = [await open(company), await open(space)];
		const governing = () => portal.admin.api.organizations.list.query({ search: company.name });
		const countBefore = (await governing()).organizations[0]?.applicationCount ?? 0;
		// Made after the one that comes: its place in the list is below.
		const newer = await portal.application(company);
		const [theirs, own] = await Promise.all([company.owner.listen(), mover.listen()]);
		await Promise.all([theirs.hears('online'), own.hears('online')]);
		await move({ name: 'Billing' });
		await Promise.all([theirs.hears('credential.known'), own.hears('application.moved')]);

		const [after, spaceAfter] = [await open(company), await open(space)];
		expect(after.applications.map(({ id }) => id)).toEqual([newer.id, application.id]);
		expect(after.applications[1]).toMatchObject({ name: 'Billing', createdBy: { id: mover.userId } });
		expect(after.applications[1]?.credentials.map(({ id }) => id).sort()).toEqual(
			[credentialId, unseen.id].sort()
		);
		expect(spaceAfter.applications).toEqual([]);
		const ofCompany = after.recent.filter(({ seq }) => seq > before.seq).toReversed();
		const ofSpace = spaceAfter.recent.filter(({ seq }) => seq > spaceBefore.seq);
		const { recent: _, ...shown } = ofCompany.reduce(applyOrganization, before);
		const { recent: __, ...fresh } = after;
		expect(shown).toEqual(fresh);
		expect(ofSpace.reduce(applyOrganization, spaceBefore).applications).toEqual([]);
		expect(ofCompany.slice(1).map(sayEvent)).toEqual([
			'brought the application Billing from their personal space',
			`knows the credential “Default” (…${secret.slice(-4)}) of Billing from their personal space`
		]);
		expect(ofSpace.map(sayEvent)).toEqual([
			`moved the application ${application.name} to ${company.name}, as Billing`
		]);
		// Teammates hear nothing of the space: not its id, not what the application was called there.
		const heard = JSON.stringify([after, theirs.events]);
		for (const secretOfSpace of [space.id, space.slug, application.name])
			expect(heard).not.toContain(secretOfSpace);
		expect(theirs.events.map(({ organizationId }) => organizationId)).not.toContain(space.id);
		expect((await governing()).organizations[0]?.applicationCount).toBe(countBefore + 2);

		// Everybody there uses it; nobody finds it where it was.
		expect(await company.owner.api.credentials.reveal.mutate(at(company.id))).toEqual({ secret });
		expect(await refusal(mover.api.credentials.reveal.mutate(at(space.id)))).toMatchObject({ status: 404 });
		expect(await refusal(move())).toMatchObject({ status: 404 });
		// What its owner had seen counts when they go; what they had not seen doesn't.
		const asked = { organizationId: company.id, memberId: mover.memberId };
		const seen = await company.owner.api.members.listRevealed.query(asked);
		expect(seen.map(({ id }) => id)).toEqual([credentialId]);
		await company.owner.api.members.remove.mutate(asked);
		const exposed = await company.owner.api.credentials.listExposed.query({ organizationId: company.id });
		expect(exposed.map(({ id, people }) => [id, people])).toEqual([
			[credentialId, [`${mover.firstName} ${mover.lastName}`]]
		]);
		// It stays when the account goes, with which the space goes.
		await mover.api.accounts.deleteOwn.mutate({ email: mover.email, currentPassword: password });
		expect(await company.owner.api.credentials.reveal.mutate(at(company.id))).toEqual({ secret });
		expect(
			(await company.owner.api.credentials.listExposed.query({ organizationId: company.id })).map(
				({ id }) => id
			)
		).toEqual([credentialId]);
	});

	test('is refused at the field whose name is taken there, and goes under another', async () => {
		const { company, application, move } = await packed();
		const taken = await portal.application(company);
		const refused = await refusal(move({ name: taken.name.toUpperCase() }));
		expect(refused).toMatchObject({ status: 409, reason: 'TAKEN' });
		expect(Object.keys(refused.fields)).toEqual(['name']);
		expect((await refusal(move({ name: ' ' }))).fields.name).toBeDefined();
		await move({ name: `${taken.name} II` });
		expect((await open(company)).applications.map(({ id }) => id)).toContain(application.id);
	});

	test('is refused, and nothing changes, where it can’t go', async () => {
		const { company, mover, space, application, move } = await packed();
		const elsewhere = await portal.company({ admin: portal.admin });
		const pending = await portal.company({ owner: mover });
		const [before, foreign] = [await open(space), await open(elsewhere)];
		// Not a member: as if there were no such organization.
		const unknown = { status: 404, message: 'This was not found.' };
		expect(await refusal(move({ targetId: elsewhere.id }))).toMatchObject(unknown);
		expect(await refusal(move({ targetId: crypto.randomUUID() }))).toMatchObject(unknown);
		expect(await refusal(move({ targetId: pending.id }))).toMatchObject({
			status: 403,
			reason: 'ORGANIZATION_PENDING'
		});
		for (const targetId of [space.id, space.id.toUpperCase()]) {
			const refused = await refusal(move({ targetId }));
			expect(refused.fields).toEqual({ targetId: 'Choose an organization.' });
		}
		await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
		expect(await refusal(move())).toMatchObject({ status: 403, reason: 'ORGANIZATION_SUSPENDED' });
		await portal.admin.api.organizations.restore.mutate({ organizationId: company.id });
		// What belongs to a company doesn't go anywhere, nor does what is somebody else’s.
		const theirs = await portal.application(company);
		const out = { organizationId: company.id, applicationId: theirs.id, targetId: company.id };
		expect(await refusal(move(out))).toMatchObject({ status: 403 });
		expect(await refusal(move({ applicationId: theirs.id }))).toMatchObject({ status: 404 });
		const thief = await refusal(
			company.owner.api.applications.move.mutate({
				organizationId: space.id,
				targetId: company.id,
				applicationId: application.id,
				name: application.name
			})
		);
		expect(thief).toMatchObject({ status: 404 });
		const { maxApplications } = (await portal.admin.api.sessions.get.query({})).settings;
		await portal.admin.api.settings.update.mutate({ maxApplications: 1 });
		const full = await refusal(move()).finally(() =>
			portal.admin.api.settings.update.mutate({ maxApplications })
		);
		expect(full).toMatchObject({ status: 409, reason: 'TOO_MANY' });
		expect(Object.keys(full.fields)).toEqual(['targetId']);
		expect(await open(space)).toEqual(before);
		expect(await open(elsewhere)).toEqual(foreign);
		await move();
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
