import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusal, startPortal, unique, type Portal } from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await startPortal();
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
		{ topic: 'expiries', isWanted: true }
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
		{ topic: 'expiries', isWanted: true }
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
