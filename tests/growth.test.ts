import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyOrganization } from '#lib/apply.ts';
import { credentialState, endedShown } from '#lib/views.ts';
import { startPortal, uniqueEmail, type Company, type Portal } from './factories.ts';

/** What grows with every day of work stays small where it travels, and is kept for as long as the settings say. */

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
});
afterAll(() => portal.stop());

const snapshotOf = async ({ slug, owner }: Company) =>
	(await owner.api.organizations.open.query({ slug })).snapshot;

test('of 30 rotations a page gets those that work and the latest that ended, live and afresh; the rest on demand', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { owner } = company;
	const application = await portal.application(company);
	const page = await owner.listen();
	await page.hears('online');
	const place = { organizationId: company.id, applicationId: application.id };
	const before = await snapshotOf(company);
	let credentialId = application.credentials[0]?.id ?? '';
	const ids = [credentialId];
	const rounds = endedShown + 10;
	for (let round = 0; round < rounds; round++) {
		({ id: credentialId } = await owner.api.credentials.rotate.mutate({
			...place,
			credentialId,
			overlapSeconds: 0
		}));
		ids.push(credentialId);
	}
	const after = await snapshotOf(company);
	const shown = after.applications[0]?.credentials ?? [];
	expect(shown.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 1 + endedShown));
	await page.until(() => page.events.some(({ seq }) => seq >= after.seq), 'the last rotation');
	const followed = page.events.filter(({ seq }) => seq > before.seq).reduce(applyOrganization, before);
	expect(followed.applications).toEqual(after.applications);

	const { credentials, next } = await owner.api.credentials.list.query(place);
	expect(credentials.map(({ id }) => id)).toEqual(ids.toReversed().slice(1));
	expect(credentials.every((one) => credentialState(one, Date.now()) === 'revoked')).toBe(true);
	expect(next).toBeNull();

	// What is said of the application itself doesn't grow with them, and takes none of them away.
	await owner.api.applications.update.mutate({ ...place, name: application.name, description: 'New' });
	await page.until(() => page.events.some(({ name }) => name === 'application.updated'), 'the update');
	const updated = page.events.find(({ name }) => name === 'application.updated');
	expect(JSON.stringify(updated).length).toBeLessThan(1500);
	const fresh = await snapshotOf(company);
	expect(page.events.filter(({ seq }) => seq > before.seq).reduce(applyOrganization, before)).toEqual(fresh);
	expect(fresh.applications[0]).toMatchObject({ description: 'New', credentials: shown });
	page.socket.disconnect();
});

test('e-mails that are done with and invitations that ended go after the days of the settings; what waits and what happened stays', async () => {
	const company = await portal.company({ admin: portal.admin });
	const [ended, open, young] = [
		await portal.invitation(company),
		await portal.invitation(company),
		await portal.invitation(company)
	];
	for (const { id: invitationId } of [ended, young])
		await company.owner.api.invitations.revoke.mutate({ organizationId: company.id, invitationId });
	await portal.admin.api.settings.update.mutate({ retentionDays: 30 });
	const days = (count: number) => new Date(Date.now() - count * 86_400_000);
	const waiting = uniqueEmail();
	await portal.inDatabase(async (db) => {
		const old = [ended.id, open.id];
		await db
			.updateTable('invitation')
			.set({ expiresAt: days(31) })
			.where('id', 'in', old)
			.execute();
		await db
			.updateTable('invitation')
			.set({ expiresAt: days(29) })
			.where('id', '=', young.id)
			.execute();
		const message = { recipientName: '', template: 'password-changed', subject: 'Old', content: null };
		const rows = (['sent', 'failed', 'kept', 'outdated', 'queued'] as const).map((state) => ({
			...message,
			state,
			recipient: waiting,
			// A message without a job is taken up again when its time is over.
			nextTryAt: state === 'queued' ? days(-1) : null
		}));
		await db
			.insertInto('message')
			.values(rows.map((row) => ({ ...row, createdAt: days(31) })))
			.execute();
		await db
			.insertInto('message')
			.values(rows.map((row) => ({ ...row, createdAt: days(29) })))
			.execute();
	});
	await portal.server.restart();
	const left = () =>
		portal.inDatabase(async (db) => ({
			messages: await db
				.selectFrom('message')
				.select(['state', 'createdAt'])
				.where('recipient', '=', waiting)
				.execute(),
			invitations: await db.selectFrom('invitation').select('id').execute()
		}));
	// Each is deleted by a statement of its own.
	const isDone = async () => {
		const { messages, invitations } = await left();
		return messages.length <= 6 && invitations.length <= 2;
	};
	await expect.poll(isDone, { interval: 500 }).toBe(true);
	const { messages, invitations } = await left();
	expect(messages).toHaveLength(6);
	const old = messages.filter(({ createdAt }) => createdAt < days(30));
	expect(old.map(({ state }) => state)).toEqual(['queued']);
	expect(invitations.map(({ id }) => id).sort()).toEqual([open.id, young.id].sort());
	const { events } = await company.owner.api.activity.list.query({ organizationId: company.id });
	expect(events.filter(({ name }) => name === 'invitation.revoked')).toHaveLength(2);
});
