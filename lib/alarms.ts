/**
 * What the portal's admins are told on their overview when something goes wrong that nobody is waiting for: each kind with
 * its words. `raiseAlarm` and `clearAlarms` are in src/news/alarms.ts.
 */
export const alarms = {
	'forwarded-header':
		'Requests come through a proxy, but TRUSTED_PROXIES is 0: all of them count as one address.',
	'proxies-fewer':
		'Requests come through fewer proxies than TRUSTED_PROXIES says: people can choose the address that limits count.',
	'proxies-more':
		'Requests seem to come through more proxies than TRUSTED_PROXIES says: people behind one of them count as one address. Count your proxies before you change it.',
	'mail-server': 'The settings of the mail server can’t be read, so no e-mail goes out.',
	'tidy-sessions': 'Sessions that are over could not be deleted.',
	'tidy-limits': 'Limits that are over could not be deleted.',
	'tidy-organizations': 'An organization whose time has come could not be deleted.',
	'tidy-events': 'What organizations that are gone knew of themselves could not be deleted.',
	'tidy-old': 'E-mails and invitations older than the settings keep them could not be deleted.',
	'tidy-messages': 'E-mails that were left lying could not be queued again.',
	'tidy-devices': 'Browsers that nobody uses any more could not be forgotten.',
	'tidy-usage': 'Counts of requests older than they are kept could not be deleted.',
	'tidy-plans': 'Teams could not be told of the changed limits of a plan.',
	'tidy-products':
		'API products could not be retired on their announced day, or their teams could not be told.',
	'tidy-expiries': 'People could not be told that a credential ends soon.'
} as const satisfies Record<string, string>;

export type AlarmKind = keyof typeof alarms;

export const isAlarmKind = (kind: string): kind is AlarmKind => Object.hasOwn(alarms, kind);

export type Alarm = {
	kind: AlarmKind;
	/** What else is known of it; empty where nothing is. */
	detail: string;
	raisedAt: string;
	lastAt: string;
	count: number;
};
