import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
	adminPassword,
	password,
	startPortal,
	uniqueEmail,
	type Portal,
	type Visitor
} from '../factories.ts';
import { getRecipients, startSmtp, type Smtp } from '../smtp.ts';
import { getBrowser, openAs } from './browser.ts';

/** A portal admin sets up the mail server, tries it, and looks after messages that didn't get through. */

let browser: Browser;
let portal: Portal;
let receiver: Smtp;
const login = { user: 'portico', pass: 'smtp-password-8472' };
beforeAll(async () => {
	receiver = await startSmtp({ login });
	[browser, portal] = await Promise.all([getBrowser(), startPortal({ SMTP_URL: '' })]);
});
afterAll(async () => {
	await portal.stop();
	await receiver.stop();
});

const open = (as: Visitor, path: string) => openAs(browser, portal.server.origin, as, path);

async function register(): Promise<string> {
	const email = uniqueEmail();
	const person = { email, firstName: 'Dev', lastName: 'Eloper', password };
	await portal.visitor().api.accounts.register.mutate(person);
	return email;
}

test('a mail server is tried as it is typed, saved, and seen by the other admin; its password stays where it is', async () => {
	const colleague = portal.visitor();
	await colleague.api.sessions.create.mutate({ email: 'admin@example.test', password: adminPassword });
	const [one, other] = [
		await open(portal.admin, '/admin/settings/general'),
		await open(colleague, '/admin/settings/email')
	];
	const { page } = one;
	await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'E-mail' }).click();
	await page.getByText('No mail server is set up').waitFor();
	await page.getByRole('textbox', { name: 'Host', exact: true }).fill('127.0.0.1');
	await page.getByRole('textbox', { name: 'Port', exact: true }).fill(String(receiver.port));
	await page.getByLabel('Encryption').selectOption('none');
	await page.getByRole('textbox', { name: /^User/ }).fill(login.user);
	await page.getByLabel(/^Password/).fill('wrong');
	await page.getByRole('button', { name: 'Send test e-mail' }).click();
	await page.getByText('Say which address e-mails come from.').waitFor();
	await page.getByLabel('From address').fill('portal@provider.example');
	await page.getByRole('button', { name: 'Send test e-mail' }).click();
	await page.getByText('It came to an end at “Login”.').waitFor();
	await page.getByText(/^535 .*Wrong user or password/).waitFor();
	await page.getByLabel(/^Password/).fill(login.pass);
	await page.getByRole('button', { name: 'Send test e-mail' }).click();
	await page.getByText('The mail server has taken it').waitFor();
	await page.getByText(/^235 /).waitFor();
	await receiver.waitFor(({ subject }) => subject === 'Test e-mail of Portico');

	await page.getByRole('button', { name: 'Save' }).click();
	await page.getByText('Saved, and in force').waitFor();
	await page.getByText('Set, and shown to nobody').waitFor();
	// On the colleague's open page, without a word of the password.
	await other.page.getByText('set “Host” to 127.0.0.1').first().waitFor();
	expect(await other.page.getByLabel('From address').inputValue()).toBe('portal@provider.example');
	for (const { page } of [one, other]) expect(await page.content()).not.toContain(login.pass);
	// Elsewhere it is asked for anew.
	await other.page.getByRole('textbox', { name: 'Host', exact: true }).fill('localhost');
	await other.page.getByRole('button', { name: 'Save' }).click();
	await other.page.getByText('Type the password again').waitFor();
	await other.page.getByRole('button', { name: 'Keep the stored one' }).click();
	await other.page.getByRole('textbox', { name: 'Host', exact: true }).fill('127.0.0.1');
	await other.page.getByLabel('Messages a minute').fill('500');
	await other.page.getByRole('button', { name: 'Save' }).click();
	await other.page.getByText('Saved, and in force').waitFor();
	await page.getByText('set “Messages a minute” to 500').first().waitFor();
	for (const person of [one, other]) person.forgive(/400/);
	expect([...one.complaints, ...other.complaints]).toEqual([]);
	await Promise.all([one.close(), other.close()]);
});

test('messages that failed raise an alarm, and are sent again from the mailbox, one or all', async () => {
	await portal.admin.api.mailServers.update.mutate({
		host: '127.0.0.1',
		port: receiver.port,
		security: 'none',
		username: login.user,
		password: login.pass,
		fromAddress: 'portal@provider.example'
	});
	const { page, complaints, close } = await open(portal.admin, '/admin');
	receiver.fail({ at: 'recipient', code: 550 });
	const emails = [await register(), await register(), await register()];
	await page.getByText('3 e-mails could not be sent.').waitFor();
	await page.getByRole('link', { name: 'See why' }).click();
	const row = (email = '') => page.locator(`[data-message="${email}"]`);
	for (const email of emails) await row(email).getByText('550 Not here').waitFor();
	await row(emails[0]).getByText('1 attempt').waitFor();
	receiver.fail();
	await row(emails[0])
		.getByRole('button', { name: /^Resend/ })
		.click();
	await receiver.waitFor((mail) => getRecipients(mail).includes(emails[0] ?? ''));
	// It has left the list of what failed by itself.
	await row(emails[0]).waitFor({ state: 'detached' });
	await page.getByText('2 messages could not be sent.').waitFor();
	await page.getByRole('button', { name: 'Resend all failed' }).click();
	await page.getByText('2 of 2 queued again').waitFor();
	for (const email of emails) await receiver.waitFor((mail) => getRecipients(mail).includes(email));
	await page.getByText('No message fits this search and state.').waitFor();
	await page.getByRole('link', { name: 'Sent', exact: true }).click();
	await page.getByLabel('Search by reader or subject').fill(emails[1] ?? '');
	await row(emails[2]).waitFor({ state: 'detached' });
	await row(emails[1]).getByRole('button').click();
	await page.getByRole('dialog').getByText(/^250 /).waitFor();
	await page.getByRole('dialog').getByText('Its text is kept no longer').waitFor();
	await page.keyboard.press('Escape');
	await page.goto('/admin');
	await page.getByText('Everything here moves by itself.').waitFor();
	expect(await page.getByText('could not be sent').count()).toBe(0);
	// One that doesn't get on is an alarm too, once it has waited long.
	receiver.fail({ at: 'sender', code: 451 });
	const recipient = await register();
	const createdAt = new Date(Date.now() - 11 * 60_000);
	await portal.inDatabase((db) =>
		db.updateTable('message').set({ createdAt }).where('recipient', '=', recipient).execute()
	);
	await page.getByText('1 e-mail waits to be sent, the first one since 11 minutes ago.').waitFor();
	receiver.fail();
	await page.getByText('waits to be sent').waitFor({ state: 'hidden' });
	expect(complaints).toEqual([]);
	await close();
});

test('a person chooses which e-mails come', async () => {
	const visitor = portal.visitor();
	const email = await register();
	await visitor.api.sessions.create.mutate({ email, password });
	const { page, complaints, close } = await open(visitor, '/dashboard/personal');
	await page.getByRole('button', { name: 'Account of Dev Eloper' }).click();
	await page.getByRole('menuitem', { name: 'E-mail notifications' }).click();
	await page.getByLabel('Changes of your role').uncheck();
	await page.getByText('Saved, and in force').waitFor();
	await page.reload();
	expect(await page.getByLabel('Changes of your role').isChecked()).toBe(false);
	expect(await page.getByLabel('Suspended and restored organizations').isChecked()).toBe(true);
	expect(complaints).toEqual([]);
	await close();
});
