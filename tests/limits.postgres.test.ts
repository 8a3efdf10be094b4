import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OwnQuotas } from '#lib/quotas.ts';
import { getPortal, type Portal } from './factories.ts';
import { createGateway, createKeyOf, forward } from './gateways.ts';
import type { Server } from './harness.ts';
import { startSecond } from './race.ts';
import { getRecipients } from './smtp.ts';

/** How many requests gateways let through, whichever process they ask. */

let portal: Portal;
let other: Server;
let token: string;
beforeAll(async () => {
	portal = await getPortal();
	other = await startSecond(portal);
	({ token } = await createGateway(portal));
});
afterAll(async () => {
	await other.dispose();
	await portal.stop();
});

async function ask(secret: string, origin: string, gateway = token) {
	const { status, headers, text } = await forward(origin, gateway, { 'x-api-key': secret });
	const { reason = null, detail = null } = text
		? (JSON.parse(text) as { reason?: string; detail?: string })
		: {};
	return { status, reason, detail, headers };
}

/** Asks both processes at once, again and again, until each has said so often that it is too much. */
async function spendAll(secret: string, times = 3): Promise<number> {
	let through = 0;
	await Promise.all(
		[portal.server.origin, other.origin].map(async (origin) => {
			for (let refused = 0; refused < times;) {
				const { status, reason } = await ask(secret, origin);
				if (status === 200) through += 1;
				else {
					expect({ status, reason }).toEqual({ status: 429, reason: 'limited' });
					refused += 1;
				}
			}
		})
	);
	return through;
}

async function furnish(quotas: OwnQuotas) {
	const company = await portal.company({ admin: portal.admin });
	const key = await createKeyOf(company);
	await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId: company.id, ...quotas });
	return { company, organizationId: company.id, ...key };
}

test('a month holds what it says over two processes; its people are told at 80 % and at the end, once each', async () => {
	const { company, organizationId, secret, place } = await furnish({ credentialPerMonth: 60 });
	const page = await company.owner.listen();
	await page.hears('news true');
	const neared = () => page.words.filter((word) => word === 'application.neared').length;
	// One after the other past the first level: what passes both at once is told of the end alone.
	let through = 0;
	for (let each = 0; each < 25; each += 1) {
		for (const origin of [portal.server.origin, other.origin])
			if ((await ask(secret, origin)).status === 200) through += 1;
	}
	await page.until(() => neared() === 1, 'the first level');
	through += await spendAll(secret);
	expect(through).toBeLessThanOrEqual(60);
	// An eighth of what was left may lie with the process that the other one didn't see.
	expect(through).toBeGreaterThanOrEqual(50);
	await page.until(() => neared() === 2, 'both levels');
	const levels = page.events.flatMap((event) => (event.name === 'application.neared' ? event.payload : []));
	expect(levels).toMatchObject([
		{ percent: 80, most: 60, credential: { id: place.credentialId } },
		{ percent: 100, most: 60 }
	]);
	const mails = () =>
		portal.smtp.messages.filter(
			(mail) =>
				getRecipients(mail).includes(company.owner.email) &&
				/of this month’s requests$/.test(mail.subject ?? '')
		);
	await expect.poll(() => mails().length).toBe(2);
	// In either order: one may be delivered while the other is.
	const said = mails().map(({ subject }) => /used (.+?) of/.exec(subject ?? '')?.[1]);
	expect(said.toSorted()).toEqual(['80 %', 'all']);
	const { taken } = await company.owner.api.quotas.list.query({ organizationId });
	expect(taken[place.credentialId]).toBe(60);

	// Raised: in force on both, and said in the headers.
	await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId, credentialPerMonth: 1000 });
	for (const origin of [portal.server.origin, other.origin]) {
		await expect.poll(async () => (await ask(secret, origin)).status, { interval: 200 }).toBe(200);
		const { headers } = await ask(secret, origin);
		expect(headers.get('ratelimit-policy')).toMatch(
			/^"credential-month";q=1000;w=2(?:419|505|592|678)\d{3}$/
		);
		expect(headers.get('ratelimit')).toMatch(/^"credential-month";r=\d+;t=\d+$/);
	}
	// Any number: nothing is said.
	await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId });
	await expect
		.poll(async () => (await ask(secret, other.origin)).headers.get('ratelimit'), { interval: 200 })
		.toBeNull();
});

test('a limit of a month counts what was let through before it was set; “Try it” and pages say so before a gateway asks', async () => {
	const { company, organizationId, secret, place } = await furnish({});
	for (let step = 0; step < 3; step += 1) expect((await ask(secret, portal.server.origin)).status).toBe(200);
	const counted = () =>
		portal.inDatabase((db) =>
			db
				.selectFrom('usageCount')
				.select((eb) => eb.fn.sum<string>('count').as('sum'))
				.where('credentialId', '=', place.credentialId)
				.where('span', '=', 'day')
				.executeTakeFirst()
		);
	await expect.poll(async () => Number((await counted())?.sum)).toBe(3);
	const tryIt = () => portal.admin.api.gateways.check.mutate({ key: secret });
	for (const limit of ['credentialPerMonth', 'applicationPerMonth'] as const) {
		await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId, [limit]: 3 });
		expect(await tryIt()).toMatchObject({ status: 429, answer: { reason: 'limited' } });
		const list = await company.owner.api.quotas.list.query({ organizationId });
		const subject = limit === 'credentialPerMonth' ? place.credentialId : place.applicationId;
		expect([list.taken[subject], list.applications.map(({ percent }) => percent)]).toEqual([3, [100]]);
		for (const origin of [portal.server.origin, other.origin])
			await expect.poll(async () => (await ask(secret, origin)).status, { interval: 200 }).toBe(429);
		expect(await tryIt()).toMatchObject({ status: 429, answer: { reason: 'limited' } });
		await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId });
		expect(await tryIt()).toMatchObject({ status: 200, answer: { isActive: true } });
	}
});

test('a limit of a few requests a second is taken for a second at a time, so that each process gets its turn', async () => {
	const { secret, place } = await furnish({ credentialPerSecond: 1 });
	const leases = () =>
		portal.inDatabase(async (db) => {
			const { rows } = await sql<{ left: number }>`
				select (lease.value->>1)::bigint - floor(extract(epoch from clock_timestamp())) as left
				from rate_lease, jsonb_each(leases) as lease where subject = ${place.credentialId}`.execute(db);
			return rows.map(({ left }) => Number(left));
		});
	for (const origin of [portal.server.origin, other.origin, portal.server.origin]) {
		await expect.poll(async () => (await ask(secret, origin)).status, { interval: 100 }).toBe(200);
		for (const left of await leases()) expect(left).toBeLessThanOrEqual(1);
	}
});

test('of a limit that was raised people are told anew', async () => {
	const { company, organizationId, secret } = await furnish({ credentialPerMonth: 5 });
	const page = await company.owner.listen();
	await page.hears('news true');
	const told = () =>
		page.events.flatMap((event) => (event.name === 'application.neared' ? [event.payload.most] : []));
	const useUp = async () => {
		for (let status = 200; status === 200;) ({ status } = await ask(secret, portal.server.origin));
	};
	await useUp();
	await page.until(() => told().includes(5), 'the end of the month');
	await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId, credentialPerMonth: 20 });
	await useUp();
	await page.until(() => told().includes(20), 'the end of more');
});

test('all credentials of an application share its limit; what is refused says when to come again', async () => {
	const { company, organizationId, secret, place } = await furnish({ applicationPerMonth: 8 });
	const { applicationId } = place;
	const { id } = await company.owner.api.credentials.create.mutate({
		organizationId,
		applicationId,
		label: 'Second'
	});
	const second = await company.owner.api.credentials.reveal.mutate({ ...place, credentialId: id });
	let through = 0;
	const secrets = [secret, second.secret];
	for (let step = 0; step < 20; step += 1) {
		const { status } = await ask(secrets[step % 2] ?? '', portal.server.origin);
		if (status === 200) through += 1;
	}
	expect(through).toBe(8);
	const { status, headers } = await ask(secret, portal.server.origin);
	expect(status).toBe(429);
	const wait = Number(headers.get('retry-after'));
	const next = new Date();
	next.setUTCMonth(next.getUTCMonth() + 1, 1);
	next.setUTCHours(0, 0, 0, 0);
	expect(Math.abs(Date.now() / 1000 + wait - next.getTime() / 1000)).toBeLessThan(60);
	expect(headers.get('content-type')).toBe('application/problem+json');
});

test('who is refused hears which limit it was, and that nothing of it is left, also where another process spent it', async () => {
	const { organizationId, secret } = await furnish({ credentialPerSecond: 10 });
	let refused: Awaited<ReturnType<typeof ask>> | undefined;
	while (!refused) {
		await Promise.all(Array.from({ length: 10 }, () => ask(secret, other.origin)));
		const asked = await ask(secret, portal.server.origin);
		if (asked.status === 429) refused = asked;
	}
	expect(refused.headers.get('ratelimit')).toBe('"credential-second";r=0;t=1');
	expect(refused.detail).toBe('This key has reached its limit of 10 requests a second.');
	await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId, applicationPerMonth: 1 });
	await expect
		.poll(async () => (await ask(secret, portal.server.origin)).detail, { interval: 200 })
		.toBe('The application of this key has reached its limit of 1 request a month.');
});

test('a credential that is listed as unused is not revoked as such once a gateway has let it in, on any process', async () => {
	const { company, organizationId, secret, place } = await furnish({});
	const { credentialId } = place;
	const longAgo = new Date(Date.now() - 100 * 86_400_000);
	await portal.inDatabase(async (db) => {
		await db.updateTable('credential').set({ createdAt: longAgo }).where('id', '=', credentialId).execute();
		await db.insertInto('usageWatch').values({ span: 'day', at: longAgo }).execute();
	});
	const { silent } = await company.owner.api.usage.listIdle.query({ organizationId });
	expect(silent.map(({ id }) => id)).toEqual([credentialId]);
	expect((await ask(secret, other.origin)).status).toBe(200);
	expect(
		await company.owner.api.credentials.revokeSilent.mutate({ organizationId, credentialIds: [credentialId] })
	).toEqual({ revoked: 0, left: 1 });
	expect((await ask(secret, portal.server.origin)).status).toBe(200);
});

test('a second lets through what it says, and the next one again; a question by introspection counts as well', async () => {
	const { secret } = await furnish({ credentialPerSecond: 2 });
	const introspect = () =>
		fetch(`${portal.server.origin}/api/introspect`, {
			method: 'POST',
			headers: { authorization: `Bearer ${token}` },
			body: new URLSearchParams({ token: secret })
		});
	let through = 0;
	let refused: Response | undefined;
	for (let step = 0; step < 200 && !refused; step += 1) {
		const answer = await introspect();
		if (answer.status === 200) {
			through += 1;
			expect(await answer.json()).toMatchObject({
				active: true,
				limits: [{ name: 'credential-second', most: 2, resets_in: 1 }]
			});
		} else refused = answer;
	}
	expect(through).toBeGreaterThanOrEqual(1);
	expect(refused?.status).toBe(429);
	expect(refused?.headers.get('retry-after')).toBe('1');
	await expect.poll(async () => (await ask(secret, portal.server.origin)).status).toBe(200);
});

test('a gateway of the kind of nginx hears 403, with the true status in a header', async () => {
	const nginx = await createGateway(portal, { kind: 'nginx' });
	const { secret } = await furnish({ credentialPerMonth: 1 });
	expect(await ask(secret, portal.server.origin, nginx.token)).toMatchObject({ status: 200 });
	const { status, headers } = await ask(secret, portal.server.origin, nginx.token);
	expect(status).toBe(403);
	expect(headers.get('x-portico-status')).toBe('429');
	expect(headers.get('retry-after')).not.toBeNull();
});

test('a process that ends gives back what it has not spent', async () => {
	const { organizationId, company, secret, place } = await furnish({ credentialPerMonth: 1000 });
	const third = await startSecond(portal);
	for (let step = 0; step < 5; step += 1)
		expect(await ask(secret, third.origin)).toMatchObject({ status: 200 });
	await third.dispose();
	const { taken } = await company.owner.api.quotas.list.query({ organizationId });
	expect(taken[place.credentialId]).toBe(5);
});

test('a limit that is lowered holds on both processes with the word of it, whatever either had taken before', async () => {
	const origins = [portal.server.origin, other.origin];
	for (const [used, lowered] of [
		[10, 40],
		[30, 20]
	] as const) {
		const { organizationId, secret } = await furnish({ credentialPerMonth: 1000 });
		// Each has a share of what was, many times what is to come.
		for (const origin of origins)
			for (let step = 0; step < used / 2; step += 1)
				expect(await ask(secret, origin)).toMatchObject({ status: 200 });
		await portal.admin.api.quotas.setOfOrganization.mutate({ organizationId, credentialPerMonth: lowered });
		// Heard at once where it was done, a moment later by the other one: what that lets through until then counts as used.
		let [before, through] = [used as number, 0];
		const hears = async () => {
			const { status, headers } = await ask(secret, other.origin);
			const isHeard = headers.get('ratelimit-policy')?.includes(`q=${lowered};`);
			if (status === 200 && isHeard) through += 1;
			else if (status === 200) before += 1;
			return isHeard;
		};
		await expect.poll(hears, { interval: 5 }).toBe(true);
		through += await spendAll(secret, 10);
		expect(through).toBeLessThanOrEqual(Math.max(0, lowered - before));
	}
});
