import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	getPortal,
	isSignedIn,
	password,
	refusal,
	type Person,
	type Portal,
	type Visitor
} from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const iphone =
	'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';

/** Signs in on the page, as that browser. */
async function signIn(email: string, by: Visitor = portal.visitor(), userAgent = firefox): Promise<Visitor> {
	const answer = await by.request('/login', {
		method: 'POST',
		body: new URLSearchParams({ email, password }),
		headers: { accept: 'text/html', 'user-agent': userAgent }
	});
	expect(answer.status).toBe(303);
	return by;
}
const list = (one: Visitor) => one.api.sessions.list.query({});
const alertsTo = (address: string) =>
	portal.smtp.messages.filter(
		(one) => one.subject === 'New sign-in to Portico' && getRecipients(one).includes(address)
	);
const changePassword = (person: Person, next: string) =>
	person.api.accounts.changePassword.mutate({ currentPassword: password, password: next });

describe('the list of sessions', () => {
	test('says with which browser, from which network and since when; one is this device', async () => {
		const person = await portal.person();
		const other = await signIn(person.email);
		await signIn(person.email, portal.visitor(), `<b>Trust me</b>/1.0`);
		const rows = await list(other);
		expect(rows.map(({ isCurrent }) => isCurrent)).toEqual([true, false, false]);
		expect(rows[0]).toMatchObject({ device: 'Firefox on Windows' });
		// What a client writes about itself beyond the names that are known is nobody's to read.
		expect(rows.map(({ device }) => device).join()).not.toContain('Trust');
		for (const { address, createdAt, lastSeenAt } of rows) {
			expect(address).toMatch(/^10\.\d+\.\d+\.0\/24$/);
			for (const date of [createdAt, lastSeenAt])
				expect(Math.abs(Date.now() - Date.parse(date))).toBeLessThan(600_000);
		}
		expect(JSON.stringify(rows)).not.toMatch(/[0-9a-f]{64}/);
	});

	test('knows when each was used last', async () => {
		const person = await portal.person();
		const before = new Date(Date.now() - 3_600_000);
		await portal.inDatabase((db) =>
			db.updateTable('session').set({ lastSeenAt: before }).where('userId', '=', person.userId).execute()
		);
		await list(person);
		const [row] = await list(person);
		expect(Date.now() - Date.parse(row?.lastSeenAt ?? '')).toBeLessThan(600_000);
	});
});

describe('ending a session', () => {
	test('closes its pages and kills its cookie; the others are told, and strangers find nothing', async () => {
		const person = await portal.person();
		const other = await signIn(person.email);
		const [mine, theirs] = [await person.listen(), await other.listen()];
		await Promise.all([mine.hears('online'), theirs.hears('online')]);
		const sessionId = (await list(other)).find(({ isCurrent }) => isCurrent)?.id ?? '';
		const stranger = await portal.person();
		expect(await refusal(stranger.api.sessions.end.mutate({ sessionId }))).toMatchObject({ status: 404 });
		expect(await refusal(person.api.sessions.end.mutate({ sessionId: 'x' }))).toMatchObject({ status: 400 });
		expect(await isSignedIn(other)).toBe(true);

		await person.api.sessions.end.mutate({ sessionId });
		await Promise.all([theirs.hears('ended'), theirs.hears('disconnect'), mine.hears('account')]);
		expect(await isSignedIn(other)).toBe(false);
		const again = await other.listen();
		await again.until(() => again.words.some((word) => word.startsWith('connect_error')), 'the refusal');
		expect(await list(person)).toHaveLength(1);
		expect(mine.words).not.toContain('disconnect');
	});

	test('of all others leaves this one alone', async () => {
		const person = await portal.person();
		const others = [await signIn(person.email), await signIn(person.email)];
		const pages = await Promise.all(others.map((one) => one.listen()));
		await Promise.all(pages.map((page) => page.hears('online')));
		await person.api.sessions.endOthers.mutate({});
		await Promise.all(pages.map((page) => page.hears('disconnect')));
		expect(await Promise.all([person, ...others].map(isSignedIn))).toEqual([true, false, false]);
	});

	test('by signing out closes its pages too', async () => {
		const person = await portal.person();
		const page = await person.listen();
		await page.hears('online');
		const cookie = person.cookie();
		await person.request('/logout', { method: 'POST', body: new URLSearchParams() });
		await page.hears('disconnect');
		const answer = await portal.visitor().request('/trpc/sessions.get?input=%7B%7D', { headers: { cookie } });
		expect(await answer.text()).toContain('"account":null');
	});
});

describe('a new password', () => {
	test('asks for the present one, ends the other sessions and is told by e-mail', async () => {
		const person = await portal.person();
		const other = await signIn(person.email);
		const [mine, theirs] = [await person.listen(), await other.listen()];
		await Promise.all([mine.hears('online'), theirs.hears('online')]);
		const change = person.api.accounts.changePassword;
		const wrong = await refusal(
			change.mutate({ currentPassword: 'wrong password', password: 'a fine new one' })
		);
		expect(wrong).toMatchObject({ status: 400, fields: { currentPassword: 'This is not your password.' } });
		expect((await refusal(changePassword(person, 'short'))).fields).toHaveProperty('password');
		await changePassword(person, 'a fine new one');
		await theirs.hears('disconnect');
		expect(await Promise.all([person, other].map(isSignedIn))).toEqual([true, false]);
		expect(mine.words).not.toContain('disconnect');
		await portal.smtp.waitFor(
			(one) => one.subject === 'Your password was changed' && getRecipients(one).includes(person.email)
		);
	});

	test('can be tried ten times in a quarter of an hour, also when a hundred try at once', async () => {
		const person = await portal.person();
		const guesses = Array.from({ length: 100 }, async (_, i) => {
			const guess = person.api.accounts.changePassword.mutate({
				currentPassword: `guess number ${i}`,
				password: 'a fine new one'
			});
			return (await refusal(guess)).status;
		});
		const statuses = await Promise.all(guesses);
		expect(statuses.filter((status) => status === 400)).toHaveLength(10);
		expect(statuses.filter((status) => status === 429)).toHaveLength(90);
		// While all these are hashed, others are served.
		await portal.person();
	});
});

describe('the e-mail about a new device', () => {
	test('comes for a browser that is not known, names it, and comes once', async () => {
		const person = await portal.person();
		expect(alertsTo(person.email)).toEqual([]);
		const phone = await signIn(person.email, portal.visitor(), iphone);
		const mail = await portal.smtp.waitFor((one) => alertsTo(person.email).includes(one));
		const text = (mail.text ?? '').replace(/\s+/g, ' ');
		expect(text).toContain('Safari on iOS');
		expect(text).toMatch(/Network 10\.\d+\.\d+\.0\/24/);
		expect(text).toContain(`${portal.server.origin}/profile`);
		// Both are known by now: by their cookies, which outlive the sessions.
		await phone.request('/logout', { method: 'POST', body: new URLSearchParams() });
		await signIn(person.email, phone, iphone);
		await signIn(person.email, person);
		await signIn(person.email, portal.visitor(), firefox);
		await portal.smtp.waitFor(
			(one) => alertsTo(person.email).includes(one) && (one.text ?? '').includes('Firefox')
		);
		expect(alertsTo(person.email)).toHaveLength(2);
	});

	test('never goes to an address that nobody has proven', async () => {
		const person = await portal.person({ isVerified: false });
		await signIn(person.email, portal.visitor(), iphone);
		await person.api.accounts.verifyEmail.mutate({
			token: await portal.tokenFor(person.email, 'verify-email')
		});
		await signIn(person.email, portal.visitor(), firefox);
		await portal.smtp.waitFor(
			(one) => alertsTo(person.email).includes(one) && (one.text ?? '').includes('Firefox')
		);
		expect(alertsTo(person.email)).toHaveLength(1);
	});
});
