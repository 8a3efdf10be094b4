import { sql } from 'kysely';
import type { ParsedMail } from 'mailparser';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { isAwaited } from '../emails/about.ts';
import { catalogue, isEmailName } from '../emails/catalogue.ts';
import { password, startPortal, uniqueEmail, type Company, type Portal } from './factories.ts';
import { getRecipients } from './smtp.ts';

/** What somebody waits for at the screen goes before a thousand messages, past a slow mail server and a limit a minute. */

const many = 1000;
let portal: Portal;
let company: Company;
beforeAll(async () => {
	portal = await startPortal();
	company = await portal.company({ admin: portal.admin });
	await portal.inDatabase((db) =>
		sql`
			with people as (
				insert into account (email, password_hash, first_name, last_name, email_verified_at)
				select i || '@crowd.test', 'none', 'Many', 'No ' || i, now() from generate_series(1, ${sql.lit(many)}) i
				returning id
			)
			insert into membership (organization_id, user_id, first_name, last_name, role)
			select ${company.id}::uuid, id, 'Many', 'People', 'team_member' from people`.execute(db)
	);
});
afterAll(() => portal.stop());
afterEach(() => portal.smtp.release());

const isOfCrowd = ({ subject }: ParsedMail) => subject === `${company.name} is suspended`;
const ofCrowd = () => portal.smtp.messages.filter(isOfCrowd).length;
const queued = async () => (await portal.admin.api.messages.count.query({})).queued;
const arrives = (email: string, subject: string) =>
	portal.smtp.waitFor((mail) => mail.subject === subject && getRecipients(mail).includes(email));
const askForReset = async (email: string) => {
	await portal.visitor().api.accounts.requestReset.mutate({ email });
	await arrives(email, 'Reset your password');
};

test('a limit a minute: some of it is left to what somebody waits for, which goes out at once', async () => {
	const people = [await portal.person(), await portal.person(), await portal.person()];
	await expect.poll(queued).toBe(0);
	await portal.admin.api.mailServers.update.mutate({ perMinute: 5 });
	await portal.admin.api.organizations.suspend.mutate({ organizationId: company.id });
	await portal.smtp.waitFor(() => ofCrowd() === 2);
	for (const { email } of people) await askForReset(email);
	expect(ofCrowd()).toBe(2);
});

test.runIf(inject('database') === 'postgres')(
	'a limit of one a minute: the next place is for what somebody waits for',
	async () => {
		const person = await portal.person();
		await portal.admin.api.mailServers.update.mutate({ perMinute: 1 });
		const before = ofCrowd();
		await portal.visitor().api.accounts.requestReset.mutate({ email: person.email });
		await portal.inDatabase((db) => sql`update mail_try set at = now() - interval '58 seconds'`.execute(db));
		await arrives(person.email, 'Reset your password');
		expect(ofCrowd()).toBe(before);
	}
);

test('a mail server that is slow with what is queued is asked over another connection meanwhile', async () => {
	portal.smtp.hold(isOfCrowd);
	await portal.admin.api.mailServers.update.mutate({ perMinute: null });
	await expect.poll(() => portal.smtp.held).toBe(1);
	const before = ofCrowd();
	const person = await portal.person();
	await askForReset(person.email);
	const newcomer = { email: uniqueEmail(), firstName: 'Dev', lastName: 'Eloper', password };
	await portal.visitor().api.accounts.register.mutate(newcomer);
	await arrives(newcomer.email, 'Confirm your e-mail address');
	await portal.visitor().api.accounts.register.mutate(newcomer);
	await arrives(newcomer.email, 'You already have an account');
	const email = uniqueEmail();
	await person.api.accounts.changeEmail.mutate({ email, currentPassword: password });
	await arrives(email, 'Confirm your new e-mail address');
	expect([ofCrowd() - before, portal.smtp.held]).toEqual([0, 1]);
});

test('a thousand are queued: a reset passes them', async () => {
	const person = await portal.person();
	await portal.smtp.waitFor(() => ofCrowd() > 20);
	await portal.visitor().api.accounts.requestReset.mutate({ email: person.email });
	const atAsking = ofCrowd();
	const asked = performance.now();
	await arrives(person.email, 'Reset your password');
	const passed = ofCrowd() - atAsking;
	console.log(`reset after ${Math.round(performance.now() - asked)} ms, ${passed} of the others meanwhile`);
	expect(await queued()).toBeGreaterThan(many / 2);
});

test('what goes first never tells of what somebody else has done to many', () => {
	const names = Object.keys(catalogue).filter((name) => isEmailName(name) && isAwaited(name));
	expect(names.sort()).toEqual([
		'account-exists',
		'account-registered',
		'email-change-created',
		'email-change-refused',
		'password-reset',
		'password-reset-refused'
	]);
});
