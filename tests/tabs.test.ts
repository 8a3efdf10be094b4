import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { getPortal, password, refusal, unique, uniqueEmail, type Portal, type Visitor } from './factories.ts';
import { startServer } from './harness.ts';

/** Two links in two tabs of one browser, without a script: a button acts on what its tab shows. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

type Tab = { url: string; html: string };
type Browser = Pick<Visitor, 'request' | 'jar'>;

/** Opens a link as a browser does, and returns the page that it leads to. */
async function open(by: Browser, path: string): Promise<Tab> {
	const link = await by.request(path);
	expect(link.status).toBe(303);
	const url = link.headers.get('location') ?? '';
	const page = await by.request(url);
	return { url, html: await page.text() };
}

const unescaped = (text: string) =>
	text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
const attribute = (tag: string, name: string) =>
	unescaped(new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? '');

/** Presses the button of the form that holds the words, with its hidden fields and what is typed. */
async function press(by: Browser, { url, html }: Tab, button: string, typed: Record<string, string> = {}) {
	const form =
		[...html.matchAll(/<form\b[\s\S]*?<\/form>/g)].find(([one]) => one.includes(button))?.[0] ?? '';
	expect(form, `a form with ${button} in ${html}`).not.toBe('');
	const body = new URLSearchParams();
	for (const [tag] of form.matchAll(/<input\b[^>]*>/g)) {
		if (attribute(tag, 'name')) body.set(attribute(tag, 'name'), attribute(tag, 'value'));
	}
	for (const [name, value] of Object.entries(typed)) body.set(name, value);
	const action = attribute(/<form\b[^>]*>/.exec(form)?.[0] ?? '', 'action');
	const target = new URL(action || url, new URL(url, portal.server.origin));
	return by.request(`${target.pathname}${target.search}`, {
		method: 'POST',
		headers: { accept: 'text/html' },
		body
	});
}

const members = async (company: Awaited<ReturnType<Portal['company']>>) =>
	(await company.owner.api.organizations.open.query({ slug: company.slug })).snapshot.members.map(
		({ email }) => email
	);

describe('two links in two tabs', () => {
	test('of invitations: the older one is accepted, declined', async () => {
		const [alpha, beta] = [
			await portal.company({ admin: portal.admin }),
			await portal.company({ admin: portal.admin })
		];
		const email = uniqueEmail();
		const first = await portal.invitation(alpha, { email });
		const second = await portal.invitation(beta, { email });
		const browser = portal.visitor();
		const older = await open(browser, `/invitations/${first.token}`);
		const newer = await open(browser, `/invitations/${second.token}`);
		expect(older.html).toContain(alpha.name);
		expect(newer.html).toContain(beta.name);
		const joined = await press(browser, older, 'Set the password and join', { password });
		expect(joined.headers.get('location')).toBe(`/orgs/${alpha.slug}`);
		expect([(await members(alpha)).includes(email), (await members(beta)).includes(email)]).toEqual([
			true,
			false
		]);
		// What was answered is answered; the other one waits as before.
		expect((await press(browser, older, 'Decline the invitation')).status).toBe(409);
		const other = await portal.invitation(alpha);
		const another = await portal.invitation(beta);
		const one = await open(browser, `/invitations/${other.token}`);
		await browser.request('/logout', { method: 'POST', body: new URLSearchParams() });
		const shown = await open(browser, `/invitations/${other.token}`);
		await open(browser, `/invitations/${another.token}`);
		expect(one.url).toBe(shown.url);
		expect((await press(browser, shown, 'Decline the invitation')).headers.get('location')).toBe(one.url);
		const { api } = portal.visitor();
		expect(await api.invitations.open.query({ token: other.token })).toMatchObject({ state: 'declined' });
		expect(await api.invitations.open.query({ token: another.token })).toMatchObject({ state: 'pending' });
	});

	test('of resets and of confirmations: the older one is used', async () => {
		const [one, two] = [await portal.person(), await portal.person()];
		const tokens = [await portal.askForReset(one.email), await portal.askForReset(two.email)];
		const browser = portal.visitor();
		const older = await open(browser, `/reset-password/${tokens[0]}`);
		await open(browser, `/reset-password/${tokens[1]}`);
		const next = 'a password for the first';
		expect((await press(browser, older, 'Set the password', { password: next })).status).toBe(303);
		await portal.signIn(one.email, next);
		await portal.signIn(two.email);

		const [three, four] = [
			await portal.person({ isVerified: false }),
			await portal.person({ isVerified: false })
		];
		const proofs = [
			await portal.tokenFor(three.email, 'verify-email'),
			await portal.tokenFor(four.email, 'verify-email')
		];
		const confirming = await open(browser, `/verify-email/${proofs[0]}`);
		await open(browser, `/verify-email/${proofs[1]}`);
		const proven = await press(browser, confirming, 'Confirm this address');
		// Nobody is signed in here as that account: the owner sets a password next.
		expect(proven.headers.get('location')).toMatch(/^\/reset-password\?link=[0-9a-f]{16}&proven=1$/);
		const setting = await browser.request(proven.headers.get('location') ?? '');
		expect(await setting.text()).toContain(three.email);
		const states = await Promise.all(
			proofs.map(async (token) => (await portal.visitor().api.accounts.openEmail.query({ token })).state)
		);
		expect(states).toEqual(['used', 'valid']);
	});

	test('of setups and of e-mails to do without: each its own', async () => {
		await using server = await startServer({ database: inject('database'), isPrepared: true });
		const token = server.setupUrl?.split('/').at(-1) ?? '';
		const jar = new Map<string, string>();
		const browser: Browser = {
			jar,
			async request(path, init = {}) {
				const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
				const headers = { origin: server.origin, cookie, ...(init.headers as Record<string, string>) };
				const url = new URL(path as string, server.origin);
				const response = await fetch(url, { redirect: 'manual', ...init, headers });
				for (const line of response.headers.getSetCookie()) {
					const [pair = ''] = line.split(';');
					jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
				}
				return response;
			}
		};
		const older = await open(browser, `/setup/${token}`);
		const newer = await open(browser, '/setup/nonsense');
		expect(newer.html).toContain('This setup link is not valid');
		const typed = { firstName: 'Ada', lastName: 'Byron', email: 'ada@example.test', password };
		const done = await press(browser, older, 'Set up the portal', typed);
		expect(done.headers.get('location')).toBe('/admin');
	});
});

test('a form whose link the browser no longer has is refused, and acts on no other one', async () => {
	const [one, two] = [await portal.person(), await portal.person()];
	const browser = portal.visitor();
	const older = await open(browser, `/reset-password/${await portal.askForReset(one.email)}`);
	const name = [...browser.jar.keys()].find((key) => key.startsWith('portico_reset_password_')) ?? '';
	await open(browser, `/reset-password/${await portal.askForReset(two.email)}`);
	browser.jar.delete(name);
	const refused = await press(browser, older, 'Set the password', { password: 'for whom is this one' });
	expect(refused.status).toBe(409);
	expect(await refused.text()).toContain('Open the link again that led here.');
	await portal.signIn(one.email);
	await portal.signIn(two.email);
});

test('a browser keeps the ten links that it opened last', async () => {
	const browser = portal.visitor();
	const opened = [];
	for (let i = 0; i < 14; i++) opened.push(await browser.request(`/invitations/${'x'.repeat(30)}${i}`));
	const kept = [...browser.jar.keys()].filter((key) => key.startsWith('portico_invitations_'));
	expect(kept).toHaveLength(10);
	expect(kept).toContain(`portico_invitations_${opened.at(-1)?.headers.get('location')?.split('=')[1]}`);
});

test('an invitation whose role has changed since it was shown makes nobody what the page did not say', async () => {
	const company = await portal.company({ admin: portal.admin });
	const invitation = await portal.invitation(company);
	const browser = portal.visitor();
	const tab = await open(browser, `/invitations/${invitation.token}`);
	await company.owner.api.invitations.update.mutate({
		organizationId: company.id,
		invitationId: invitation.id,
		firstName: 'In',
		lastName: 'Vitee',
		role: 'super_admin'
	});
	const refused = await press(browser, tab, 'Set the password and join', { password });
	expect(refused.status).toBe(409);
	expect(await refused.text()).toContain('The invitation has changed since this page was opened');
	expect(await members(company)).not.toContain(invitation.email);

	const person = await portal.person();
	const mine = await portal.invitation(company, { email: person.email });
	const shown = { organizationName: company.name, role: 'super_admin' as const };
	for (const answer of ['acceptMine', 'declineMine'] as const) {
		const call = person.api.invitations[answer].mutate({ invitationId: mine.id, shown });
		expect(await refusal(call)).toMatchObject({ status: 409, reason: 'CHANGED' });
	}
});

test('a page that was drawn for another account changes nothing', async () => {
	const [one, other] = [await portal.person(), await portal.person()];
	const page = { url: '/organizations/new', html: await (await one.request('/organizations/new')).text() };
	const name = unique('Drawn for somebody else');
	const refused = await press(other, page, 'Organization name', { name });
	expect(refused.status).toBe(409);
	expect(unescaped(await refused.text())).toContain('this page was another account’s');
	expect((await press(one, page, 'Organization name', { name })).status).toBe(303);
	// Likewise whatever a page calls by its script.
	const called = await other.request('/trpc/accounts.rename', {
		method: 'POST',
		headers: { 'content-type': 'application/json', 'x-portico-account': one.userId },
		body: JSON.stringify({ firstName: 'Some', lastName: 'Body' })
	});
	expect(called.status).toBe(409);
	expect((await other.api.sessions.get.query({})).account?.firstName).toBe(other.firstName);
});
