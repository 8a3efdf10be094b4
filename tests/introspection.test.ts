import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPortal, type Company, type Portal } from './factories.ts';

const gatewayToken = 'a-token-of-a-gateway-long-enough-to-be-one';
let portal: Portal;
beforeAll(async () => {
	portal = await startPortal({ GATEWAY_TOKEN: `${'x'.repeat(40)},${gatewayToken}` });
});
afterAll(() => portal.stop());

/** As a gateway asks: without cookie or origin. */
async function ask(token: string, bearer: string | null = gatewayToken) {
	const response = await fetch(`${portal.server.origin}/api/introspect`, {
		method: 'POST',
		body: new URLSearchParams({ token }),
		headers: bearer === null ? {} : { authorization: `Bearer ${bearer}` }
	});
	return { status: response.status, headers: response.headers, text: await response.text() };
}
const answer = async (token: string) => JSON.parse((await ask(token)).text) as object;
const inactive = { active: false };

async function furnish(company: Company) {
	const application = await portal.application(company);
	const credentialId = application.credentials[0]?.id ?? '';
	const place = { organizationId: company.id, applicationId: application.id, credentialId };
	const { secret } = await company.owner.api.credentials.reveal.mutate(place);
	return { application, place, secret };
}

test('a credential works until it is revoked or replaced, and says whose it is', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { application, place, secret } = await furnish(company);
	const asked = await ask(secret);
	expect(asked.headers.get('cache-control')).toBe('no-store');
	expect(JSON.parse(asked.text)).toEqual({
		active: true,
		token_type: 'api_key',
		client_id: application.id,
		credential: { id: place.credentialId, label: 'Default' },
		application: { id: application.id, name: application.name },
		organization: { id: company.id, name: company.name },
		iat: expect.any(Number)
	});
	const { api } = company.owner;
	const second = await api.credentials.rotate.mutate({ ...place, overlapSeconds: 3600 });
	const inAnHour = Math.floor(Date.now() / 1000) + 3600;
	const overlapping = (await answer(secret)) as { active: boolean; exp: number };
	expect(overlapping.active).toBe(true);
	expect(Math.abs(overlapping.exp - inAnHour)).toBeLessThan(60);
	const next = { ...place, credentialId: second.id };
	const { secret: newSecret } = await api.credentials.reveal.mutate(next);
	await api.credentials.revoke.mutate(next);
	expect(await answer(newSecret)).toEqual(inactive);
	await api.applications.delete.mutate({ organizationId: company.id, applicationId: application.id });
	expect(await answer(secret)).toEqual(inactive);
});

test('stops with a suspension at once, and works again when the organization is restored', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { secret } = await furnish(company);
	const organizationId = company.id;
	await portal.admin.api.organizations.suspend.mutate({ organizationId });
	expect(await answer(secret)).toEqual(inactive);
	await portal.admin.api.organizations.restore.mutate({ organizationId });
	expect(await answer(secret)).toMatchObject({ active: true });
});

test('a personal space works as long as its account: deactivated, activated', async () => {
	const person = await portal.person();
	const { secret } = await furnish(await portal.space(person));
	expect(await answer(secret)).toMatchObject({ active: true });
	await portal.admin.api.accounts.deactivate.mutate({ accountId: person.userId });
	expect(await answer(secret)).toEqual(inactive);
	await portal.admin.api.accounts.activate.mutate({ accountId: person.userId });
	expect(await answer(secret)).toMatchObject({ active: true });
});

test('a credential of a personal space goes on working while its application moves, and is somebody’s all along', async () => {
	const company = await portal.company({ admin: portal.admin });
	const mover = await portal.member(company);
	const space = await portal.space(mover);
	const { application, secret } = await furnish(space);
	let isOver = false;
	const owners: string[] = [];
	const asking = (async () => {
		// Once more after the move.
		for (let isLast = false; !isLast;) {
			isLast = isOver;
			const said = (await answer(secret)) as { active: boolean; organization?: { id: string } };
			owners.push(said.active ? (said.organization?.id ?? '') : 'nobody');
		}
	})();
	await mover.api.applications.move.mutate({
		organizationId: space.id,
		targetId: company.id,
		applicationId: application.id,
		name: 'Moved'
	});
	isOver = true;
	await asking;
	expect(owners.filter((id) => id !== space.id && id !== company.id)).toEqual([]);
	// Never back.
	expect(owners.lastIndexOf(space.id)).toBeLessThan(owners.indexOf(company.id));
	expect(await answer(secret)).toMatchObject({
		active: true,
		client_id: application.id,
		application: { id: application.id, name: 'Moved' },
		organization: { id: company.id, name: company.name }
	});
	// It lives and ends with the organization now, no longer with the account of who made it.
	await portal.admin.api.accounts.deactivate.mutate({ accountId: mover.userId });
	expect(await answer(secret)).toMatchObject({ active: true });
	await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
	expect(await answer(secret)).toEqual(inactive);
});

test('answers to the gateway alone, tells nothing of what is none, and writes no secret into the log', async () => {
	const company = await portal.company({ admin: portal.admin });
	const { secret } = await furnish(company);
	for (const bearer of [null, 'wrong', `${gatewayToken}x`, '']) {
		const refused = await ask(secret, bearer);
		expect(refused.status).toBe(401);
		expect(refused.text).not.toContain(company.name);
	}
	const asPerson = await company.owner.request('/api/introspect', {
		method: 'POST',
		body: new URLSearchParams({ token: secret })
	});
	expect(asPerson.status).toBe(401);
	const changed = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`;
	for (const token of [changed, 'ptk_', `ptk_${'a'.repeat(49)}`, '\u0000', 'Bearer']) {
		expect(await answer(token)).toEqual(inactive);
	}
	for (const token of ['', 'x'.repeat(600), 'x'.repeat(5_000)]) {
		const refused = await ask(token);
		expect([refused.status, refused.text]).toEqual([400, expect.stringMatching(/error_description":".{10}/)]);
	}
	const several = await fetch(`${portal.server.origin}/api/introspect`, {
		method: 'POST',
		body: new URLSearchParams([
			['token', secret],
			['token', changed]
		]),
		headers: { authorization: `Bearer ${gatewayToken}` }
	});
	expect([several.status, await several.text()]).toEqual([
		400,
		expect.stringContaining('one token at a time')
	]);
	expect(portal.server.logs).not.toContain(secret);
	expect(portal.server.logs).not.toContain(gatewayToken);
});
