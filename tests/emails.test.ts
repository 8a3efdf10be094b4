import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	refusal,
	getPortal,
	unique,
	uniqueEmail,
	type Company,
	type Portal,
	type Visitor
} from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const flat = (text: string | undefined) => (text ?? '').replace(/\s+/g, ' ');

async function colleague(): Promise<Visitor & { name: string; email: string }> {
	const one = await portal.person({ firstName: 'Colleague' });
	await portal.admin.api.accounts.setPortalAdmin.mutate({ accountId: one.userId, isPortalAdmin: true });
	return { ...one, name: `${one.firstName} ${one.lastName}` };
}

const read = (name: string) => portal.admin.api.emails.get.query({ name });

/** Saves a text on top of the newest version. */
async function save(name: string, text: { subject?: string; body?: string; note?: string }) {
	const { subject, body, version } = await read(name);
	return portal.admin.api.emails.update.mutate({ name, subject, body, version, ...text });
}

test('every e-mail is listed with what it is for; one that was changed says by whom', async () => {
	const before = await portal.admin.api.emails.list.query({});
	expect(before.length).toBeGreaterThanOrEqual(13);
	for (const { description } of before) expect(description).toMatch(/^To .+\.$/);
	expect(before.find(({ name }) => name === 'member-removed')).toMatchObject({
		label: 'Member removed',
		isChanged: false,
		by: null
	});
	await save('member-removed', { subject: 'Goodbye from {{organizationName}}' });
	const after = await portal.admin.api.emails.list.query({});
	expect(after.find(({ name }) => name === 'member-removed')).toMatchObject({
		isChanged: true,
		version: 1,
		by: 'Portal Admin'
	});
});

test('the next message uses the new text, and one that waits keeps the one that it was queued with', async () => {
	const [waiting, next] = [
		await portal.company({ name: unique('Waiting') }),
		await portal.company({ name: unique('Next') })
	];
	const approve = ({ id }: Company) => portal.admin.api.organizations.approve.mutate({ organizationId: id });
	portal.smtp.pause();
	try {
		await approve(waiting);
		await save('organization-approved', {
			subject: 'Welcome, {{organizationName}}',
			body: '<mj-text>Our own words for {{firstName}}.</mj-text><part-button href="{{organizationUrl}}">Go</part-button>'
		});
		await approve(next);
	} finally {
		portal.smtp.resume();
	}
	const old = await portal.smtp.waitFor(({ subject }) => subject === `${waiting.name} is approved`);
	expect(flat(old.text)).toContain('Invite your teammates');
	const fresh = await portal.smtp.waitFor(({ subject }) => subject === `Welcome, ${next.name}`);
	expect(flat(fresh.text)).toContain('Our own words for Dev.');
	expect(fresh.html).toContain('Our own words for <bdi>Dev</bdi>.');
	expect(flat(fresh.text)).not.toContain('Invite your teammates');
	await portal.admin.api.emails.reset.mutate({ name: 'organization-approved', version: 1 });
});

test('versions stay: one is compared, brought back and set back, and each step is heard and recorded', async () => {
	const name = 'member-role-changed';
	const watching = await portal.admin.listen();
	await watching.hears('settings');
	const original = await read(name);
	expect(original).toMatchObject({ version: 0, isDefault: true, versions: [] });
	await save(name, { subject: 'First', note: 'Shorter' });
	await save(name, { subject: 'Second' });
	const { api } = portal.admin;
	await api.emails.restore.mutate({ name, version: 2, from: 1 });
	expect(await read(name)).toMatchObject({ version: 3, subject: 'First' });
	await api.emails.reset.mutate({ name, version: 3 });
	const back = await read(name);
	expect(back).toMatchObject({ version: 4, isDefault: true, subject: original.subject, body: original.body });
	expect(back.versions).toMatchObject([
		{ version: 4, isDefault: true },
		{ version: 3, note: 'Version 1 again', author: 'Portal Admin' },
		{ version: 2 },
		{ version: 1, note: 'Shorter', isDefault: false }
	]);
	const second = await api.emails.getVersion.query({ name, version: 2 });
	expect(second).toEqual({ subject: 'Second', body: original.body });
	expect(await refusal(api.emails.getVersion.query({ name, version: 9 }))).toMatchObject({ status: 404 });
	const older = await api.emails.listVersions.query({ name, before: 3 });
	expect(older.versions.map(({ version }) => version)).toEqual([2, 1]);
	// News of other e-mails may come in between.
	const about = () =>
		watching.events.filter(({ payload }) => 'email' in payload && payload.email.name === name);
	await watching.until(() => about().length === 4, 'the four steps');
	const told = about();
	expect(told.map((one) => one.name)).toEqual([
		'email.changed',
		'email.changed',
		'email.restored',
		'email.reset'
	]);
	expect(told[0]?.payload).toEqual({ email: { name, version: 1, isDefault: false, note: 'Shorter' } });
});

test('of those who save at once one is first; the others are told who, and nothing is overwritten', async () => {
	const name = 'organization-suspended';
	const { api, name: who } = await colleague();
	const { subject, body } = await read(name);
	const savers = [portal.admin.api, api];
	const answers = await Promise.allSettled(
		Array.from({ length: 8 }, (_, index) =>
			(savers[index % 2] ?? api).emails.update.mutate({ name, subject: `Try ${index}`, body, version: 0 })
		)
	);
	expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
	const { versions } = await read(name);
	expect(versions).toHaveLength(1);
	const late = await refusal(portal.admin.api.emails.update.mutate({ name, subject, body, version: 0 }));
	expect(late).toMatchObject({ status: 409, reason: 'CHANGED' });
	expect(late.message).toMatch(
		new RegExp(`^(Portal Admin|${who}) saved version 1 at \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC\\.`)
	);
	expect(await refusal(api.emails.reset.mutate({ name, version: 0 }))).toMatchObject({ status: 409 });
	const restoring = api.emails.restore.mutate({ name, version: 0, from: 0 });
	expect(await refusal(restoring)).toMatchObject({ status: 409 });
	expect((await read(name)).versions).toHaveLength(1);
});

describe('a text that can’t be sent is refused when it is saved, with its place', () => {
	const good = '<part-button href="{{acceptUrl}}">See it</part-button>';
	test.each([
		['an include', `${good}\n<mj-include path="/etc/passwd" />`, /^Line 2: <mj-include> isn’t taken/],
		[
			'a secret of somebody',
			`${good}\n\n<mj-text>{{passwordHash}}</mj-text>`,
			/^Line 3: This message has no {{/
		],
		[
			'a variable of another message',
			`${good}<mj-text>{{verifyUrl}}</mj-text>`,
			/^Line 1: This message has no {{v/
		],
		['no link to accept', '<mj-text>{{acceptUrl</mj-text>', /^Line 1: (Two braces|{{acceptUrl}} is missing)/],
		[
			'a link to accept that is not always there',
			`<!-- if roleLabel -->${good}<!-- end -->`,
			/^Line 1: {{acceptUrl}} is missing/
		],
		['a script', `${good}\n<mj-raw><script>alert(1)</script></mj-raw>`, /^Line 2: <mj-raw> can’t stand here/],
		['a script in a text', `${good}\n<mj-text><script>1</script></mj-text>`, /^Line 2: <script> can’t stand/],
		['a form', `${good}\n<mj-text>\n<form></form></mj-text>`, /^Line 3: <form> can’t stand inside <mj-text>/],
		['a frame', `${good}\n<mj-text><iframe /></mj-text>`, /^Line 2: <iframe>/],
		['a picture', `${good}\n<mj-text><img src="https://evil.example/x" /></mj-text>`, /^Line 2: <img>/],
		['an event', `${good}\n<mj-text><b onclick="x()">b</b></mj-text>`, /^Line 2: <b> can’t have onclick/],
		[
			'an event through an attribute',
			`${good}\n<mj-text css-class='x" onclick="y'>b</mj-text>`,
			/^Line 2: css-class of <mj-text> has a value/
		],
		[
			'a font',
			`<mj-font name="x" href="https://evil.example" />${good}`,
			/^Line 1: <mj-font> can’t stand here/
		],
		[
			'a style that loads',
			`${good}\n<mj-text><b style="background:url(//evil.example)">b</b></mj-text>`,
			/^Line 2: The style/
		],
		[
			'a foreign link',
			`${good}\n<mj-text><a href="https://evil.example">x</a></mj-text>`,
			/^Line 2: A link of <a>/
		],
		[
			'a foreign link through ours',
			`${good}\n<mj-text><a href="{{portalUrl}}.evil.example">x</a></mj-text>`,
			/^Line 2: A link of <a>/
		],
		['a script as a link', `${good}\n<part-button href="javascript:x">x</part-button>`, /^Line 2: A link of/],
		['a foreign address', `${good}\n<mj-text>Go to https://evil.example</mj-text>`, /^Line 2: Addresses are/],
		['a tag that stays open', `${good}\n<mj-text>\n<b>bold\n</mj-text>`, /^Line 3: <b> isn’t closed/],
		['an attribute that MJML has not', `${good}\n<mj-text colour="red">x</mj-text>`, /^Line 2: .*colour/],
		['a value that MJML has not', `${good}\n<mj-text color="reddish">x</mj-text>`, /^Line 2: .*color/],
		['too long a text', good + '<mj-text>x</mj-text>'.repeat(3000), /^Line 1: The text has more than 50,000/],
		[
			'too long a message',
			good + '<part-note>x</part-note>'.repeat(390),
			/^Line 1: The message would have \d+ kB/
		]
	])('%s', async (_, body, message) => {
		const name = 'invitation-created';
		const wrong = { name, subject: 'Fine', body, version: 0 };
		const refused = await refusal(portal.admin.api.emails.update.mutate(wrong));
		expect(refused).toMatchObject({ status: 400, reason: 'INVALID' });
		expect(refused.fields.body).toMatch(message);
		// The editor says the same while it is typed, and nothing wrong can be sent as a test.
		const { problems, rendered } = await portal.admin.api.emails.preview.mutate({
			name,
			subject: 'Fine',
			body
		});
		const [first] = problems;
		expect(`Line ${first?.line}: ${first?.message}`).toBe(refused.fields.body);
		expect(rendered).toBeNull();
		const test = portal.admin.api.emails.sendTest.mutate({ name, subject: 'Fine', body });
		expect((await refusal(test)).status).toBe(400);
		expect((await read(name)).version).toBe(0);
	});

	test.each([
		['a link that is a secret', 'Open {{acceptUrl}}', /is a link/],
		['a variable that it has not', 'Hello {{lastName}}', /has no {{lastName}}/],
		['half a variable', 'Hello {{firstName', /Two braces/],
		['a second line', 'Hello\r\nBcc: victim@example.test', /can’t be seen/],
		['another direction', 'Hello \u202emoc', /can’t be seen/],
		['a web address', 'See https://evil.example', /web address/],
		['nothing', '  ', /missing/]
	])('a subject with %s', async (_, subject, message) => {
		const wrong = { name: 'invitation-created', subject, body: good, version: 0 };
		const refused = await refusal(portal.admin.api.emails.update.mutate(wrong));
		expect(refused.status).toBe(400);
		expect(refused.fields.subject).toMatch(message);
	});

	test('five megabytes', async () => {
		const body = JSON.stringify({ name: 'x', subject: 'x', body: 'x'.repeat(5_000_000), version: 0 });
		const headers = { 'content-type': 'application/json' };
		const response = await portal.admin.request('/trpc/emails.update', { method: 'POST', body, headers });
		expect(response.status).toBe(413);
	});

	test('an e-mail that there is not', async () => {
		for (const name of ['nothing', '__proto__', '../catalogue']) {
			expect(await refusal(portal.admin.api.emails.get.query({ name }))).toMatchObject({ status: 400 });
		}
		expect((await portal.admin.request('/admin/emails/nothing')).status).toBe(404);
	});
});

test('a test goes to oneself alone, marked, with sample values and links of this portal', async () => {
	const { api, email } = await colleague();
	const draft = {
		name: 'invitation-created',
		subject: 'Draft for {{organizationName}}',
		body: '<mj-text>Not saved yet, {{firstName}}.</mj-text><part-button href="{{acceptUrl}}">See it</part-button>'
	};
	expect(await api.emails.sendTest.mutate(draft)).toEqual({ to: email });
	const mail = await portal.smtp.waitFor(({ subject }) => subject === '[Test] Draft for Northwind Logistics');
	expect(getRecipients(mail)).toEqual([email]);
	expect(flat(mail.text)).toContain('This is a test of the e-mail “Invitation created”');
	expect(flat(mail.text)).toContain('Not saved yet, Linus.');
	const links = [...(mail.html || '').matchAll(/href="([^"]*)"/g)].map(([, link = '']) => link);
	expect(links.length).toBeGreaterThan(1);
	for (const link of links) expect(link.startsWith(portal.server.origin), link).toBe(true);
	expect((await read('invitation-created')).version).toBe(0);
});

test('links are of our origin, whatever host a request names', async () => {
	const company = await portal.company({ admin: portal.admin });
	const email = uniqueEmail();
	const input = {
		organizationId: company.id,
		firstName: 'In',
		lastName: 'Vitee',
		email,
		role: 'team_member'
	};
	const response = await company.owner.request('/trpc/invitations.create', {
		method: 'POST',
		body: JSON.stringify(input),
		headers: {
			'content-type': 'application/json',
			'x-forwarded-host': 'evil.example',
			'x-forwarded-proto': 'https',
			forwarded: 'host=evil.example'
		}
	});
	expect(response.status).toBe(200);
	const mail = await portal.smtp.waitFor((one) => getRecipients(one).includes(email));
	expect(`${mail.html}${mail.text}`).not.toContain('evil.example');
	expect(mail.text).toContain(`${portal.server.origin}/invitations/`);
});

test('who edits an e-mail is told to the others, and that they have left', async () => {
	const other = await colleague();
	const watching = await other.listen();
	await watching.hears('settings');
	const name = 'account-approved';
	const page = { name, pageId: '11111111-1111-4111-8111-111111111111' };
	const here = await portal.admin.api.emails.attend.mutate({ ...page, isHere: true });
	expect(here).toMatchObject([{ pageId: page.pageId, name: 'Portal Admin' }]);
	await watching.hears(`editors ${name} Portal Admin`);
	// Nobody closes another one's page.
	await other.api.emails.attend.mutate({ ...page, isHere: false });
	expect(await portal.admin.api.emails.attend.mutate({ ...page, isHere: true })).toHaveLength(1);
	const own = { name, pageId: '22222222-2222-4222-8222-222222222222' };
	expect(await other.api.emails.attend.mutate({ ...own, isHere: true })).toHaveLength(2);
	await portal.admin.api.emails.attend.mutate({ ...page, isHere: false });
	await watching.until(() => watching.words.at(-1) === `editors ${name} ${other.name}`, 'the other leaving');
});
