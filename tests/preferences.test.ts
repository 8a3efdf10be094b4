import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusal, getPortal, unique, type Portal } from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const roleMail = (email: string) =>
	portal.smtp.messages.filter((mail) => {
		return getRecipients(mail).includes(email) && /^Your role in/.test(mail.subject ?? '');
	});

/** An organization with a member whose role changes back and forth. */
async function furnish() {
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	let role: 'super_admin' | 'team_member' = 'team_member';
	const changeRole = async () => {
		role = role === 'team_member' ? 'super_admin' : 'team_member';
		const { memberId, firstName, lastName } = member;
		await company.owner.api.members.update.mutate({
			organizationId: company.id,
			memberId,
			firstName,
			lastName,
			role
		});
	};
	/** After what was asked for before: messages are sent one after the other. */
	const settle = async () => {
		const { token } = await portal.invitation(company);
		return token;
	};
	return { company, member, changeRole, settle };
}

test('a person does without e-mails of a topic, and still gets what is essential', async () => {
	const { company, member, changeRole, settle } = await furnish();
	expect(await member.api.preferences.list.query({})).toEqual([
		{ topic: 'roles', isWanted: true },
		{ topic: 'suspensions', isWanted: true },
		{ topic: 'expiries', isWanted: true },
		{ topic: 'limits', isWanted: true },
		{ topic: 'access', isWanted: true },
		{ topic: 'plans', isWanted: true },
		{ topic: 'credentials', isWanted: false },
		{ topic: 'answers', isWanted: false }
	]);
	await member.api.preferences.update.mutate({ topic: 'roles', isWanted: false });
	await changeRole();
	await settle();
	expect(roleMail(member.email)).toHaveLength(0);
	await member.api.preferences.update.mutate({ topic: 'roles', isWanted: true });
	await changeRole();
	await portal.smtp.waitFor(() => roleMail(member.email).length === 1);
	await member.api.preferences.update.mutate({ topic: 'roles', isWanted: false });
	await company.owner.api.members.remove.mutate({ organizationId: company.id, memberId: member.memberId });
	await portal.smtp.waitFor(
		(mail) => getRecipients(mail).includes(member.email) && /no longer a member/.test(mail.subject ?? '')
	);
	const wrong = member.api.preferences.update.mutate({ topic: 'requests', isWanted: false });
	expect(await refusal(wrong)).toMatchObject({ status: 404 });
});

test('one press in the mail program ends a topic for its reader; opening the link changes nothing', async () => {
	const { member, changeRole, settle } = await furnish();
	await changeRole();
	await portal.smtp.waitFor(() => roleMail(member.email).length === 1);
	const [mail] = roleMail(member.email);
	const headerOf = (name: string) => mail?.headerLines.find(({ key }) => key === name)?.line;
	expect(headerOf('list-unsubscribe-post')).toBe('List-Unsubscribe-Post: List-Unsubscribe=One-Click');
	expect(headerOf('list-id')).toBe('List-ID: <roles.localhost>');
	const [, link = ''] = /<([^<>]*)>/.exec(headerOf('list-unsubscribe') ?? '') ?? [];
	expect(link).toMatch(new RegExp(`^${portal.server.origin}/unsubscribe/[\\w.-]+$`));

	// As a scanner opens it, and as a page of another site would press it: without the mail program's words.
	for (const method of ['GET', 'HEAD']) expect((await fetch(link, { method })).status).toBe(200);
	const press = (url: string, body = 'List-Unsubscribe=One-Click') =>
		fetch(url, { method: 'POST', body: new URLSearchParams(body) });
	expect((await press(link, 'x=y')).status).toBe(400);
	const forged = `${link.slice(0, -1)}${link.endsWith('0') ? '1' : '0'}`;
	expect((await press(forged)).status).toBe(404);
	expect((await press(link.replace('.roles.', '.suspensions.'))).status).toBe(404);
	expect(await member.api.preferences.list.query({})).toContainEqual({ topic: 'roles', isWanted: true });

	expect((await press(link)).status).toBe(200);
	expect(await member.api.preferences.list.query({})).toEqual([
		{ topic: 'roles', isWanted: false },
		{ topic: 'suspensions', isWanted: true },
		{ topic: 'expiries', isWanted: true },
		{ topic: 'limits', isWanted: true },
		{ topic: 'access', isWanted: true },
		{ topic: 'plans', isWanted: true },
		{ topic: 'credentials', isWanted: false },
		{ topic: 'answers', isWanted: false }
	]);
	await changeRole();
	await settle();
	expect(roleMail(member.email)).toHaveLength(1);
	// The link is in no log: whoever reads one could end somebody's e-mails.
	expect(portal.server.logs).not.toContain(link.split('/').at(-1));

	// On the page the same press comes from our own form, before any script has loaded.
	const token = link.split('/').at(-1) ?? '';
	const page = await portal.visitor().request(`/unsubscribe/${token}`);
	expect(await page.text()).toContain('You will get no more of these');
	const form = {
		method: 'POST',
		headers: { accept: 'text/html' },
		body: new URLSearchParams({ isWanted: 'true' })
	};
	expect(await (await portal.visitor().request(`/unsubscribe/${token}`, form)).text()).toContain(
		'Stop these e-mails?'
	);
	expect(await member.api.preferences.list.query({})).toContainEqual({ topic: 'roles', isWanted: true });
	expect((await portal.visitor().request('/unsubscribe/nonsense')).status).toBe(404);
});

test('what a portal admin chooses about requests is what “General” shows', async () => {
	const watching = await portal.admin.listen();
	await watching.hears('settings');
	await portal.admin.api.preferences.update.mutate({ topic: 'requests', isWanted: false });
	await watching.hears('account.notificationsChanged');
	expect(await portal.admin.api.accounts.listAdmins.query({})).toMatchObject([{ isNotified: false }]);
	const unheard = unique('Unheard');
	await portal.company({ name: unheard });
	await portal.admin.api.preferences.update.mutate({ topic: 'requests', isWanted: true });
	const heard = unique('Heard');
	await portal.company({ name: heard });
	await portal.smtp.waitFor(({ subject }) => subject === `${heard} asks to join`);
	expect(portal.smtp.messages.some(({ subject }) => subject === `${unheard} asks to join`)).toBe(false);
});

test('what teammates do with credentials comes to who has asked for it, and to nobody who does it', async () => {
	const company = await portal.company({ admin: portal.admin });
	const [reader, bystander] = [await portal.member(company), await portal.member(company)];
	const stranger = await portal.person();
	for (const { api } of [reader, stranger, company.owner])
		await api.preferences.update.mutate({ topic: 'credentials', isWanted: true });
	const application = await portal.application(company);
	const place = { organizationId: company.id, applicationId: application.id };
	const { credentials } = company.owner.api;
	const { id } = await credentials.create.mutate({ ...place, label: 'Production' });
	const next = await credentials.rotate.mutate({ ...place, credentialId: id, overlapSeconds: 3600 });
	await credentials.revoke.mutate({ ...place, credentialId: next.id });
	const told = () => portal.smtp.messages.filter(({ text }) => text?.includes(`of ${application.name}`));
	await portal.smtp.waitFor(() => told().length === 3);
	expect(told().flatMap(getRecipients)).toEqual([reader.email, reader.email, reader.email]);
	const words = told().map(({ text }) => text?.replace(/\s+/g, ' '));
	expect(words[0]).toContain('has created the credential “Production”');
	expect(words[1]).toMatch(/has rotated the credential .* It takes the place of …\S{4}, which works until/);
	expect(words[2]).toMatch(/has revoked the credential .* It works no longer\./);
	expect(words.join()).not.toContain('ptk_');
	const link = told()[0]?.headerLines.find(({ key }) => key === 'list-unsubscribe')?.line ?? '';
	const [, url = ''] = /<([^<>]*)>/.exec(link) ?? [];
	const body = new URLSearchParams('List-Unsubscribe=One-Click');
	expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
	expect(await reader.api.preferences.list.query({})).toContainEqual({
		topic: 'credentials',
		isWanted: false
	});
	await company.owner.api.credentials.create.mutate({ ...place, label: 'Unheard' });
	await bystander.api.preferences.update.mutate({ topic: 'credentials', isWanted: true });
	await company.owner.api.credentials.create.mutate({ ...place, label: 'Heard' });
	await portal.smtp.waitFor(() => told().length === 4);
	expect(told().at(-1)?.text).toContain('“Heard”');
	expect(getRecipients(told().at(-1) as never)).toEqual([bystander.email]);
});

test('whoever has invited somebody and asks for it is told of the answer', async () => {
	const company = await portal.company({ admin: portal.admin });
	await company.owner.api.preferences.update.mutate({ topic: 'answers', isWanted: true });
	const joined = await portal.member(company, 'team_member', { isFrontDoor: true });
	const told = await portal.smtp.waitFor((mail) =>
		Boolean(mail.subject?.includes(`has joined ${company.name}`))
	);
	expect(getRecipients(told)).toEqual([company.owner.email]);
	expect(told.subject).toContain(joined.lastName);
	const { token } = await portal.invitation(company);
	await portal.visitor().api.invitations.decline.mutate({ token });
	await portal.smtp.waitFor((mail) =>
		Boolean(mail.subject?.includes(`has declined to join ${company.name}`))
	);
	await company.owner.api.preferences.update.mutate({ topic: 'answers', isWanted: false });
	await portal.member(company, 'team_member', { isFrontDoor: true });
	await portal.invitation(company);
	const answers = portal.smtp.messages.filter((mail) => / (joined|to join) /.test(mail.subject ?? ''));
	expect(answers.filter(({ subject }) => subject?.includes(company.name))).toHaveLength(2);
});
