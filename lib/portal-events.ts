import { sentence } from './direction.ts';
import { event } from './event.ts';
import { mailServerChange, sayMailServerChange } from './mail-server.ts';
import { z } from './schema.ts';
import { saySettings, settingsView } from './settings.ts';
import { accountView, brandLabels, brandView, emailVersionView, emailWords, fullName } from './views.ts';

/** What can happen on the portal outside of organizations: with accounts, settings and e-mails. */
const account = z.object({ account: accountView });
const email = z.object({ email: emailVersionView });

export const portalEvents = {
	'account.registered': event('portal', account, ({ account }) => sentence`registered with ${account.email}`),
	'account.verified': event(
		'portal',
		account,
		({ account }) => sentence`confirmed the e-mail address ${account.email}`
	),
	'account.approved': event(
		'portal',
		account,
		({ account }) => sentence`approved the account of ${fullName(account)}`
	),
	'account.rejected': event(
		'portal',
		account,
		({ account }) => sentence`rejected the account of ${fullName(account)}`
	),
	'account.deactivated': event(
		'portal',
		account,
		({ account }) => sentence`deactivated the account of ${fullName(account)}`
	),
	'account.activated': event(
		'portal',
		account,
		({ account }) => sentence`activated the account of ${fullName(account)}`
	),
	'account.appointed': event(
		'portal',
		account,
		({ account }) => sentence`made ${fullName(account)} a portal admin`
	),
	'account.dismissed': event(
		'portal',
		account,
		({ account }) => sentence`no longer lets ${fullName(account)} be a portal admin`
	),
	'account.renamed': event(
		'portal',
		account.extend({ previousName: z.string() }),
		({ account, previousName }) => sentence`changed their name from ${previousName} to ${fullName(account)}`
	),
	'account.emailChanged': event(
		'portal',
		account.extend({ previousEmail: z.string() }),
		({ account, previousEmail }) =>
			sentence`changed their e-mail address from ${previousEmail} to ${account.email}`
	),
	'account.passwordChanged': event('portal', account, () => 'set a new password'),
	'account.passwordResetSent': event(
		'portal',
		account,
		({ account }) => sentence`sent ${fullName(account)} a link to reset the password`
	),
	'account.deleted': event(
		'portal',
		account,
		({ account }) => sentence`deleted the account of ${fullName(account)} (${account.email})`
	),
	'account.notificationsChanged': event(
		'portal',
		account,
		({ account }) =>
			sentence`${account.isNotified ? 'lets' : 'no longer lets'} requests be e-mailed to ${fullName(account)}`
	),
	'settings.updated': event(
		'portal',
		z.object({ settings: settingsView, changed: z.array(settingsView.keyof()) }),
		({ settings, changed }) => saySettings(settings, changed)
	),
	'email.changed': event(
		'portal',
		email,
		({ email }) => sentence`changed ${emailWords(email)}${email.note && `: ${email.note}`}`
	),
	'email.restored': event(
		'portal',
		email.extend({ from: z.number() }),
		({ email, from }) => sentence`brought back version ${from} of ${emailWords(email)}`
	),
	'email.reset': event(
		'portal',
		email,
		({ email }) => sentence`set ${emailWords(email, ' back to the default')}`
	),
	'brand.updated': event(
		'portal',
		z.object({ changed: z.array(brandView.keyof()) }),
		({ changed }) => sentence`changed ${changed.map((one) => brandLabels[one]).join(', ')} of all e-mails`
	),
	'mailServer.updated': event('portal', mailServerChange, sayMailServerChange)
};
