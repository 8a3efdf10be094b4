import { defaultName } from './default-name.ts';
import { email, portalName, wholeNumber } from './fields.ts';
import { sayNumber } from './numbers.ts';
import { z } from './schema.ts';

/**
 * The portal's settings: one row each. What `settings.update` takes, what pages are told, how "Settings" > "General" asks,
 * what "Activity" says and which columns of `portal` are read follow from it. Whoever adds one adds a row here and a
 * migration with a column of the same name and default.
 */

interface Common {
	/** In "Settings" > "General" and in "Activity". */
	label: string;
	/** As on a fresh portal. */
	default: boolean | number | string | null;
}

/** Saved as soon as it is turned. */
interface Switch extends Common {
	kind: 'switch';
	default: boolean;
	/** What follows from it. */
	on: string;
	off: string;
}

/** In the form of the portal, saved together with the others there; in whole numbers. */
interface Count extends Common {
	kind: 'count';
	default: number;
	/** What an error calls it. */
	noun: string;
	min: number;
	max: number;
	hint: string;
	/** Whether the hint begins with the bounds. */
	isRangeTold?: true;
}

/** In the form of the portal; null where it is optional and nothing was typed. */
export interface Text extends Common {
	kind: 'text';
	default: string | null;
	type: 'text' | 'email';
	hint?: string;
	isOptional: boolean;
}

/** In the order of the page. */
export const settingRows = {
	canRegister: {
		kind: 'switch',
		default: true,
		label: 'Enable API consumers to register to the portal',
		on: 'Everybody can make an account.',
		off: 'New accounts come by invitation only.'
	},
	canSignIn: {
		kind: 'switch',
		default: true,
		label: 'Enable API consumers to sign in to the portal',
		on: 'Developers can sign in.',
		off: 'Only portal admins can sign in. Who is signed in already stays.'
	},
	isAutoApprovingAccounts: {
		kind: 'switch',
		default: true,
		label: 'Auto-approve API consumers registering to the portal',
		on: 'A new account works at once.',
		off: 'A new account waits in “Users” until one of you approves it.'
	},
	canRegisterOrganizations: {
		kind: 'switch',
		default: true,
		label: 'Enable API consumers to register organizations',
		on: 'Developers see “Create an organization”.',
		off: 'The button is gone, and the server refuses.'
	},
	isAutoApprovingOrganizations: {
		kind: 'switch',
		default: false,
		label: 'Auto-approve API consumers registering organization',
		on: 'An organization exists at once.',
		off: 'An organization waits in “Organizations” until one of you approves it.'
	},
	/** What pages and e-mails call the portal. */
	name: {
		kind: 'text',
		default: defaultName,
		label: 'Portal name',
		type: 'text',
		isOptional: false
	},
	/** Whom people write to who need help; null when nobody is named. */
	supportEmail: {
		kind: 'text',
		default: null,
		label: 'Support e-mail',
		type: 'email',
		hint: 'E-mails end with it.',
		isOptional: true
	},
	/** For how many days an invitation can be accepted. */
	invitationDays: {
		kind: 'count',
		default: 7,
		label: 'Lifetime of invitations in days',
		noun: 'The lifetime in days',
		min: 1,
		max: 30,
		hint: 'for invitations sent from now on.',
		isRangeTold: true
	},
	/** How many members and open invitations an organization may hold. */
	maxMembers: {
		kind: 'count',
		default: 100,
		label: 'Members of an organization',
		noun: 'The limit',
		min: 1,
		max: 10_000,
		hint: 'The most, with open invitations.'
	},
	/** How many invitations of an organization may be open. */
	maxOpenInvitations: {
		kind: 'count',
		default: 50,
		label: 'Open invitations of an organization',
		noun: 'The limit',
		min: 1,
		max: 10_000,
		hint: 'The most at once.'
	},
	/** How many invitations an organization may send a day. */
	invitationsPerDay: {
		kind: 'count',
		default: 50,
		label: 'Invitations of an organization a day',
		noun: 'The limit',
		min: 1,
		max: 10_000,
		hint: 'The most, whoever sends them: it keeps strangers from being written to.'
	},
	/** How many invitations one person may send in ten minutes. */
	invitationsPerInviter: {
		kind: 'count',
		default: 30,
		label: 'Invitations of one person in 10 minutes',
		noun: 'The limit',
		min: 1,
		max: 10_000,
		hint: 'Raise the limits before a large company brings its people.'
	},
	/** How many applications an organization may hold. */
	maxApplications: {
		kind: 'count',
		default: 100,
		label: 'Applications of an organization',
		noun: 'The limit',
		min: 1,
		max: 10_000,
		hint: 'The most, each with its credentials.'
	},
	/** How many changes one person may make in a minute: never so few that nobody could raise it again. */
	changesPerPerson: {
		kind: 'count',
		default: 600,
		label: 'Changes of one person in a minute',
		noun: 'The limit',
		min: 60,
		max: 100_000,
		hint: 'More is refused until the minute is over. You have three times as many.'
	},
	/** How many changes the members of an organization may make in a minute. */
	changesPerOrganization: {
		kind: 'count',
		default: 2400,
		label: 'Changes in an organization in a minute',
		noun: 'The limit',
		min: 60,
		max: 100_000,
		hint: 'Of all its members together.'
	},
	/** How many requests gateways let through with one credential in a second; 0 for any number. */
	credentialPerSecond: {
		kind: 'count',
		default: 0,
		label: 'Requests of a credential in a second',
		noun: 'The limit',
		min: 0,
		max: 1_000_000,
		hint: 'The most that a gateway lets through; 0 for any number.'
	},
	/** The same in a month of the calendar, in UTC. */
	credentialPerMonth: {
		kind: 'count',
		default: 0,
		label: 'Requests of a credential in a month',
		noun: 'The limit',
		min: 0,
		max: 2_000_000_000,
		hint: 'Counted by the calendar, in UTC; 0 for any number.'
	},
	/** How many with all credentials of an application together in a second; 0 for any number. */
	applicationPerSecond: {
		kind: 'count',
		default: 0,
		label: 'Requests of an application in a second',
		noun: 'The limit',
		min: 0,
		max: 1_000_000,
		hint: 'Of all its credentials together; 0 for any number.'
	},
	/** The same in a month of the calendar, in UTC. */
	applicationPerMonth: {
		kind: 'count',
		default: 0,
		label: 'Requests of an application in a month',
		noun: 'The limit',
		min: 0,
		max: 2_000_000_000,
		hint: 'Of all its credentials together; 0 for any number.'
	},
	/** For how many days e-mails that are done with and invitations that have ended are kept. */
	retentionDays: {
		kind: 'count',
		default: 90,
		label: 'Keep sent e-mails for days',
		noun: 'The number of days',
		min: 1,
		max: 3650,
		hint: 'failed ones and ended invitations too. The activity is kept for ever.',
		isRangeTold: true
	}
} as const satisfies Record<string, Switch | Count | Text>;

type Rows = typeof settingRows;
export type SettingKey = keyof Rows;
type KeyOf<Kind> = { [Key in SettingKey]: Rows[Key]['kind'] extends Kind ? Key : never }[SettingKey];
export type SwitchKey = KeyOf<'switch'>;
export type CountKey = KeyOf<'count'>;
export type TextKey = KeyOf<'text'>;

type ValueOf<Row> = Row extends Switch
	? boolean
	: Row extends Count
		? number
		: Row extends { isOptional: true }
			? string | null
			: string;
export type Settings = { -readonly [Key in SettingKey]: ValueOf<Rows[Key]> };

export const settingKeys = Object.keys(settingRows) as SettingKey[];
const keysOf = <Kind extends Rows[SettingKey]['kind']>(kind: Kind) =>
	settingKeys.filter((key) => settingRows[key].kind === kind) as KeyOf<Kind>[];
export const switchKeys = keysOf('switch');
export const countKeys = keysOf('count');
export const textKeys = keysOf('text');

/** What may be typed in the texts; beside the rows, which pages read without any schema. */
const fields = { name: portalName, supportEmail: email } satisfies Record<TextKey, z.ZodType<string, string>>;

type Schemas = { [Key in SettingKey]: z.ZodType<Settings[Key], Settings[Key]> };
/** What may be changed, each for itself: a schema of each setting, made from its row. */
export const settingsChange = z
	.object(
		Object.fromEntries(
			settingKeys.map((key) => {
				const row: Switch | Count | Text = settingRows[key];
				if (row.kind === 'switch') return [key, z.boolean()];
				if (row.kind === 'count') return [key, wholeNumber(row.noun, row.min, row.max)];
				const field = fields[key as TextKey];
				return [key, row.isOptional ? field.nullable() : field];
			})
		) as Schemas
	)
	.partial();

export function hintOf(key: CountKey): string {
	const row: Count = settingRows[key];
	if (!row.isRangeTold) return row.hint;
	return `${row.min} to ${sayNumber(row.max)}; ${row.hint}`;
}

/** What "Activity" says of a change. */
export function saySettings(settings: Settings, changed: SettingKey[]): string {
	return changed
		.map((key) => {
			const [label, value] = [`“${settingRows[key].label}”`, settings[key]];
			if (typeof value === 'boolean') return `turned ${value ? 'on' : 'off'} ${label}`;
			return value === null ? `cleared ${label}` : `set ${label} to ${value}`;
		})
		.join(', ');
}
