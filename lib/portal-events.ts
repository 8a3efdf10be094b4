import { event } from './event.ts';
import { sayMailServerChange } from './mail-server.ts';
import { saySettings, type SettingKey, type Settings } from './settings.ts';
import { brandLabels, emailWords, fullName } from './views.ts';
import type { Account, BrandSettings, EmailVersion } from './views.ts';

/** What can happen on the portal outside of organizations: with accounts, settings and e-mails. */
type OfAccount = { account: Account };
type OfEmail = { email: EmailVersion };

export const portalEvents = {
	'account.registered': event('portal', ({ account }: OfAccount) => `registered with ${account.email}`),
	'account.verified': event(
		'portal',
		({ account }: OfAccount) => `confirmed the e-mail address ${account.email}`
	),
	'account.approved': event(
		'portal',
		({ account }: OfAccount) => `approved the account of ${fullName(account)}`
	),
	'account.rejected': event(
		'portal',
		({ account }: OfAccount) => `rejected the account of ${fullName(account)}`
	),
	'account.deactivated': event(
		'portal',
		({ account }: OfAccount) => `deactivated the account of ${fullName(account)}`
	),
	'account.activated': event(
		'portal',
		({ account }: OfAccount) => `activated the account of ${fullName(account)}`
	),
	'account.appointed': event(
		'portal',
		({ account }: OfAccount) => `made ${fullName(account)} a portal admin`
	),
	'account.dismissed': event(
		'portal',
		({ account }: OfAccount) => `no longer lets ${fullName(account)} be a portal admin`
	),
	'account.renamed': event(
		'portal',
		({ account, previousName }: OfAccount & { previousName: string }) =>
			`changed their name from ${previousName} to ${fullName(account)}`
	),
	'account.emailChanged': event(
		'portal',
		({ account, previousEmail }: OfAccount & { previousEmail: string }) =>
			`changed their e-mail address from ${previousEmail} to ${account.email}`
	),
	'account.passwordChanged': event<'portal', OfAccount>('portal', () => 'set a new password'),
	'account.passwordResetSent': event(
		'portal',
		({ account }: OfAccount) => `sent ${fullName(account)} a link to reset the password`
	),
	'account.deleted': event(
		'portal',
		({ account }: OfAccount) => `deleted the account of ${fullName(account)} (${account.email})`
	),
	'account.notificationsChanged': event(
		'portal',
		({ account }: OfAccount) =>
			`${account.isNotified ? 'lets' : 'no longer lets'} requests be e-mailed to ${fullName(account)}`
	),
	'settings.updated': event(
		'portal',
		({ settings, changed }: { settings: Settings; changed: SettingKey[] }) => saySettings(settings, changed)
	),
	'email.changed': event(
		'portal',
		({ email }: OfEmail) => `changed ${emailWords(email)}${email.note && `: ${email.note}`}`
	),
	'email.restored': event(
		'portal',
		({ email, from }: OfEmail & { from: number }) => `brought back version ${from} of ${emailWords(email)}`
	),
	'email.reset': event('portal', ({ email }: OfEmail) => `set ${emailWords(email, ' back to the default')}`),
	'brand.updated': event(
		'portal',
		({ changed }: { changed: (keyof BrandSettings)[] }) =>
			`changed ${changed.map((one) => brandLabels[one]).join(', ')} of all e-mails`
	),
	'mailServer.updated': event('portal', sayMailServerChange)
};
