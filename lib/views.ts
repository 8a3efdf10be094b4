import { text, z } from './schema.ts';

/**
 * What a page may know of each thing: the one shape that a snapshot lists and an event carries. None has room for a
 * secret, a token or a hash. Dates are ISO 8601 strings in UTC.
 */
export const roles = ['super_admin', 'team_member'] as const;
export const role = z.enum(roles);
export type Role = z.infer<typeof role>;
export const roleLabels: Record<Role, string> = { super_admin: 'Super admin', team_member: 'Team member' };

export const statuses = ['pending', 'approved', 'rejected', 'withdrawn', 'suspended'] as const;
export const status = z.enum(statuses);
export type Status = z.infer<typeof status>;

type Person = { id: string; name: string };

export type Organization = {
	id: string;
	slug: string;
	name: string;
	status: Status;
	isPersonal: boolean;
	/** Only Super admins may reveal and copy credentials. */
	isRevealRestricted: boolean;
	/** Only Super admins ask for access to APIs, change and end it. */
	isAccessRestricted: boolean;
	/** `isProven`: whether somebody has shown that the address is theirs. */
	requestedBy: { id: string; name: string; email: string; isProven: boolean } | null;
	requestedAt: string;
	decidedBy: Person | null;
	decidedAt: string | null;
	rejectionReason: string | null;
	/** When everything of it goes, and who wants that; null while nobody does. */
	deletion: { at: string; by: Person | null; isByPortal: boolean } | null;
};

/** The orders in which the portal's admins can list organizations. */
export const organizationOrders = ['newest', 'oldest', 'name'] as const;
export const organizationOrder = z.enum(organizationOrders);
export type OrganizationOrder = z.infer<typeof organizationOrder>;

/** A moment as PostgreSQL writes it, with the microseconds that JavaScript has not: `2026-11-24 09:00:00.123456+00`. */
const sortedMoment = text(40).refine((value) => {
	const [, whole, offset, minutes = ':00'] = /^(.{19}(?:\.\d{1,6})?)([+-]\d\d)(:\d\d)?$/.exec(value) ?? [];
	const iso = `${whole?.replace(' ', 'T')}${offset}${minutes}`;
	return z.iso.datetime({ offset: true }).safeParse(iso).success && value >= '1000' && offset !== undefined;
}, 'This is no place in the list.');

/** Where a list goes on: the sort value and the id of the last row. */
export const cursor = z.strictObject({ value: sortedMoment, id: z.uuid() });
/** As `cursor`, in a list that may be sorted by name. The key of a name can be far longer than the name. */
export const nameCursor = z.strictObject({ value: text(2000), id: z.uuid() });
export type Cursor = z.infer<typeof cursor>;

/** How the portal's admins see an organization in their list. */
export type AdminOrganization = Organization & {
	memberCount: number;
	applicationCount: number;
	/** Whether an active account among the members is a Super admin. */
	hasSuperAdmin: boolean;
};

/** `pending` waits for a portal admin where accounts aren't approved automatically. */
export const accountStatuses = ['pending', 'active', 'rejected', 'deactivated'] as const;
export const accountStatus = z.enum(accountStatuses);
type AccountStatus = z.infer<typeof accountStatus>;

export type Account = {
	id: string;
	email: string;
	firstName: string;
	lastName: string;
	status: AccountStatus;
	isEmailVerified: boolean;
	isPortalAdmin: boolean;
	/** A portal admin who is written to about requests. */
	isNotified: boolean;
	createdAt: string;
};

/** How the portal's admins see an account in their list. */
export type AdminAccount = Account & { organizations: string[]; lastSeenAt: string | null };

export type Member = {
	id: string;
	userId: string;
	email: string;
	firstName: string;
	lastName: string;
	role: Role;
	joinedAt: string;
};

/**
 * How far the e-mail with the present link has come. `sent`: a mail server has taken it. `kept`: it stays in the
 * portal's mailbox, since no mail server is set up.
 */
export const deliveries = ['queued', 'sent', 'kept', 'failed'] as const;
export type Delivery = (typeof deliveries)[number];

/** How long the same invitation isn't sent again. */
export const resendSeconds = 60;

/** How many rows of a list one call may invite; well below what a request may hold. */
export const inviteesPerCall = 100;

/** An open invitation: accepted, declined and revoked ones leave the list. Expired is computed from `expiresAt`. */
export type Invitation = {
	id: string;
	email: string;
	firstName: string;
	lastName: string;
	role: Role;
	invitedBy: Person;
	sentAt: string;
	expiresAt: string;
	/** Null once the message is no longer kept. */
	delivery: Delivery | null;
};

/** An open invitation as its invitee sees it. */
export type WaitingInvitation = {
	id: string;
	organizationName: string;
	inviterName: string;
	role: Role;
	expiresAt: string;
};

export type Credential = {
	id: string;
	label: string;
	/** What every key of the portal begins with, `ptk_`. */
	prefix: string;
	lastFour: string;
	createdBy: Person | null;
	createdAt: string;
	expiresAt: string | null;
	revokedAt: string | null;
};

/** A credential that still works, and who has seen it. */
export type SeenCredential = {
	id: string;
	label: string;
	lastFour: string;
	applicationId: string;
	applicationName: string;
	/** When a gateway last let it in; null for one that never was. */
	lastUsedAt: string | null;
};
/** `people`: the names of those who have seen it and are no longer members. */
export type ExposedCredential = SeenCredential & { people: string[] };

export type Application = {
	id: string;
	name: string;
	description: string;
	createdBy: Person | null;
	createdAt: string;
	credentials: Credential[];
};
/** What an event says of an application: its page keeps the credentials that it has. Events of older versions held them. */
export type ApplicationHead = Omit<Application, 'credentials'> & { credentials?: Credential[] | undefined };

/** The full name as a page shows it; the address where a person has given no name. */
export function fullName(one: { firstName: string; lastName: string; email?: string }): string {
	return `${one.firstName} ${one.lastName}`.trim() || (one.email ?? '');
}

/** How many of an application's credentials that have ended its page shows at first; those that work it shows all. */
export const endedShown = 20;

/** What a snapshot holds at a time of an application's credentials, which come newest first. */
export function shownCredentials(all: Credential[], now: number): Credential[] {
	let ended = 0;
	return all.filter((one) => credentialState(one, now) === 'active' || ++ended <= endedShown);
}

/** The state of a credential at a time, in milliseconds. An overlap after a rotation is a credential that is active and expires. */
export function credentialState(one: Credential, now: number): 'active' | 'expired' | 'revoked' {
	if (one.revokedAt) return 'revoked';
	return one.expiresAt && Date.parse(one.expiresAt) <= now ? 'expired' : 'active';
}

/** What pages call an e-mail: `organization-approved` is "Organization approved". */
export function emailLabel(name: string): string {
	return name.slice(0, 1).toUpperCase() + name.slice(1).replaceAll('-', ' ');
}

/** A version of an e-mail's text, as the list of versions and events name it. */
export type EmailVersion = {
	name: string;
	version: number;
	/** Whether it is a return to the text that Portico brings. */
	isDefault: boolean;
	note: string;
};

/** What sentences call a version that has just been made. */
export const emailWords = ({ name, version }: EmailVersion, what = '') =>
	`the e-mail “${emailLabel(name)}”${what} (version ${version})`;

/** An open page with the editor of an e-mail. */
export type EmailEditor = { pageId: string; userId: string; name: string };

/** How all e-mails look; the logo as a data: address. */
export type BrandSettings = {
	accentColor: string;
	footer: string;
	logo: string | null;
};

/** What a sentence calls them. */
export const brandLabels: Record<keyof BrandSettings, string> = {
	accentColor: 'the accent colour',
	footer: 'the footer',
	logo: 'the logo'
};
