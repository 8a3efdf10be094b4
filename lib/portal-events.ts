import { sayMinute } from './dates.ts';
import { sentence } from './direction.ts';
import { event, harmless } from './event.ts';
import { sayPlaces, type GatewayHead } from './gateways.ts';
import { sayMailServerChange } from './mail-server.ts';
import { saySettings, type SettingKey, type Settings } from './settings.ts';
import { brandLabels, emailWords, fullName } from './views.ts';
import type { Account, BrandSettings, EmailVersion } from './views.ts';

/** What can happen on the portal outside of organizations: with accounts, settings and e-mails. */
type OfAccount = { account: Account };
type OfEmail = { email: EmailVersion };
type OfGateway = { gateway: GatewayHead };

export const portalEvents = {
	'account.registered': event(
		'portal',
		({ account }: OfAccount) => sentence`registered with ${account.email}`,
		harmless
	),
	'account.verified': event(
		'portal',
		({ account }: OfAccount) => sentence`confirmed the e-mail address ${account.email}`,
		harmless
	),
	'account.approved': event(
		'portal',
		({ account }: OfAccount) => sentence`approved the account of ${fullName(account)}`
	),
	'account.rejected': event(
		'portal',
		({ account }: OfAccount) => sentence`rejected the account of ${fullName(account)}`
	),
	'account.deactivated': event(
		'portal',
		({ account }: OfAccount) => sentence`deactivated the account of ${fullName(account)}`
	),
	'account.activated': event(
		'portal',
		({ account }: OfAccount) => sentence`activated the account of ${fullName(account)}`
	),
	'account.madeAdmin': event(
		'portal',
		({ account }: OfAccount) => sentence`made ${fullName(account)} a portal admin`
	),
	'account.removedAsAdmin': event(
		'portal',
		({ account }: OfAccount) => sentence`no longer lets ${fullName(account)} be a portal admin`
	),
	'account.renamed': event(
		'portal',
		({ account, previousName }: OfAccount & { previousName: string }) =>
			sentence`changed their name from ${previousName} to ${fullName(account)}`
	),
	'account.emailChanged': event(
		'portal',
		({ account, previousEmail }: OfAccount & { previousEmail: string }) =>
			sentence`changed their e-mail address from ${previousEmail} to ${account.email}`
	),
	'account.passwordChanged': event<'portal', OfAccount>('portal', () => 'set a new password'),
	'account.passwordResetSent': event(
		'portal',
		({ account }: OfAccount) => sentence`sent ${fullName(account)} a link to reset the password`
	),
	'account.deleted': event(
		'portal',
		({ account }: OfAccount) => sentence`deleted the account of ${fullName(account)} (${account.email})`
	),
	'account.notificationsChanged': event(
		'portal',
		({ account }: OfAccount) =>
			sentence`${account.isNotified ? 'lets' : 'no longer lets'} requests be e-mailed to ${fullName(account)}`
	),
	'settings.updated': event(
		'portal',
		({ settings, changed }: { settings: Settings; changed: SettingKey[] }) => saySettings(settings, changed)
	),
	'email.changed': event(
		'portal',
		({ email }: OfEmail) => sentence`changed ${emailWords(email)}${email.note && `: ${email.note}`}`
	),
	'email.restored': event(
		'portal',
		({ email, from }: OfEmail & { from: number }) =>
			sentence`brought back version ${from} of ${emailWords(email)}`
	),
	'email.reset': event(
		'portal',
		({ email }: OfEmail) => sentence`set ${emailWords(email, ' back to the default')}`
	),
	'brand.updated': event(
		'portal',
		({ changed }: { changed: (keyof BrandSettings)[] }) =>
			sentence`changed ${changed.map((one) => brandLabels[one]).join(', ')} of all e-mails`,
		harmless
	),
	'mailServer.updated': event('portal', sayMailServerChange, harmless),
	'gateway.created': event(
		'portal',
		({ gateway }: OfGateway) => sentence`added the gateway ${gateway.name}`,
		harmless
	),
	'gateway.updated': event('portal', ({ gateway, previous }: OfGateway & { previous: GatewayHead }) => {
		if (gateway.name !== previous.name)
			return sentence`renamed the gateway ${previous.name} to ${gateway.name}`;
		return sayPlaces(gateway) === sayPlaces(previous)
			? sentence`changed how the gateway ${gateway.name} is set up`
			: sentence`has the gateway ${gateway.name} look for keys in ${sayPlaces(gateway)}`;
	}),
	/** `endsAt`: until when the older token works. */
	'gateway.rotated': event(
		'portal',
		({ gateway, endsAt }: OfGateway & { endsAt: string | null }) =>
			sentence`rotated the token of the gateway ${gateway.name}${endsAt ? `; the older one works until ${sayMinute(endsAt)}` : ''}`
	),
	/** It asks about API products no longer, of which none was left. */
	'gateway.opened': event(
		'portal',
		({ gateway }: OfGateway) => sentence`has the gateway ${gateway.name} let in every working key`
	),
	'gateway.revoked': event(
		'portal',
		({ gateway }: OfGateway) => sentence`revoked the gateway ${gateway.name}`
	)
};
