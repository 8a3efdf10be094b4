import { sentence } from './direction.ts';
import { counting, event, harmless, uncounted, type Audience, type Figures } from './event.ts';
import { peopleEvents } from './people-events.ts';
import { sayNumber } from './numbers.ts';
import { portalEvents } from './portal-events.ts';
import { productEvents } from './product-events.ts';
import type { ProductHead } from './products.ts';
import { sayQuotas, type OwnQuotas } from './quotas.ts';
import type { Application, ApplicationHead, Credential, Organization, Status } from './views.ts';

/**
 * Everything that can happen, once. The server publishes from this table, the socket carries its types, `apply.ts`
 * applies it and "Activity" reads its sentences. What happens to the people of organizations stands in
 * people-events.ts, and what happens outside of organizations in portal-events.ts.
 */
type OfOrganization = { organization: Organization };
type Decision = OfOrganization & { previousStatus: Status | null };
type Move = { application: ApplicationHead; name: string; to: { slug: string; name: string } };
type OfHead = { application: ApplicationHead };
type Nearing = OfHead & {
	credential: Pick<Credential, 'id' | 'label' | 'lastFour'> | null;
	/** Where it is the limit of the plan by which the application calls it. */
	product?: ProductHead | undefined;
	percent: number;
	most: number;
};
type OfCredential = { applicationId: string; applicationName: string; credential: Credential };

function nearing({ application, credential, product }: Nearing): string {
	if (credential) return sentence`“${credential.label}” (…${credential.lastFour}) of ${application.name}`;
	return product ? sentence`${application.name} with ${product.name}` : application.name;
}

/** What an organization can keep to its Super admins. */
const restricted = {
	isRevealRestricted: 'reveal credentials',
	isAccessRestricted: 'ask for access to APIs'
} as const;

const key = (one: OfCredential) =>
	sentence`“${one.credential.label}” (…${one.credential.lastFour}) of ${one.applicationName}`;

export const events = {
	'organization.requested': event(
		'both',
		({ organization }: Decision) => sentence`asked for the organization ${organization.name}`,
		harmless
	),
	'organization.renamed': event(
		'both',
		({ organization, previousName }: OfOrganization & { previousName: string }) =>
			sentence`renamed ${previousName} to ${organization.name}`
	),
	'organization.withdrawn': event(
		'both',
		({ organization }: Decision) => sentence`withdrew the request for ${organization.name}`
	),
	'organization.approved': event(
		'both',
		({ organization }: Decision) => sentence`approved the organization ${organization.name}`
	),
	'organization.rejected': event('both', ({ organization }: Decision) =>
		organization.rejectionReason
			? sentence`rejected the organization ${organization.name}: ${organization.rejectionReason}`
			: sentence`rejected the organization ${organization.name}`
	),
	'organization.suspended': event(
		'both',
		({ organization }: Decision) => sentence`suspended the organization ${organization.name}`
	),
	'organization.restored': event(
		'both',
		({ organization }: Decision) => sentence`restored the organization ${organization.name}`
	),
	'organization.created': event(
		'both',
		({ organization }: OfOrganization) => sentence`created the organization ${organization.name}`,
		harmless
	),
	'organization.deletionScheduled': event('both', ({ organization }: OfOrganization) =>
		organization.deletion
			? sentence`asked for the deletion of ${organization.name} on ${organization.deletion.at.slice(0, 10)}`
			: sentence`asked for the deletion of ${organization.name}`
	),
	'organization.deletionCancelled': event(
		'both',
		({ organization }: OfOrganization) => sentence`took back the deletion of ${organization.name}`
	),
	'organization.deleted': event('both', ({ organization }: OfOrganization) =>
		organization.deletion?.by
			? sentence`deleted the organization ${organization.name}, as ${organization.deletion.by.name} had asked`
			: sentence`deleted the organization ${organization.name}`
	),
	/** `changed`: which of its switches; the first one in events of older versions. */
	'organization.configured': event(
		'both',
		({
			organization,
			changed = ['isRevealRestricted']
		}: OfOrganization & { changed?: (keyof typeof restricted)[] }) =>
			changed
				.map((one) => `let ${organization[one] ? 'only Super admins' : 'every member'} ${restricted[one]}`)
				.join(' and ')
	),
	/** `quotas`: in what it differs from the settings of the portal. */
	'organization.limited': event(
		'both',
		({ organization, quotas }: OfOrganization & { quotas: OwnQuotas }) =>
			sayQuotas(quotas)
				? sentence`set limits of ${organization.name}: ${sayQuotas(quotas)}`
				: sentence`had the limits of the portal hold for ${organization.name}`,
		uncounted
	),
	...peopleEvents,
	'application.created': event(
		'both',
		({ application }: { application: Application }) => sentence`created the application ${application.name}`,
		{ ...harmless, ...counting({ applicationCount: 1 }) }
	),
	'application.updated': event(
		'both',
		({ application, previousName }: { application: ApplicationHead; previousName: string }) =>
			previousName === application.name
				? sentence`edited the application ${application.name}`
				: sentence`renamed the application ${previousName} to ${application.name}`,
		uncounted
	),
	'application.deleted': event(
		'both',
		({ application }: { application: ApplicationHead }) =>
			sentence`deleted the application ${application.name}`,
		counting({ applicationCount: -1 })
	),
	/** `quotas`: in what it differs from its organization. */
	'application.limited': event(
		'both',
		({ application, quotas }: OfHead & { quotas: OwnQuotas }) =>
			sayQuotas(quotas)
				? sentence`set limits of the application ${application.name}: ${sayQuotas(quotas)}`
				: sentence`had the limits of the organization hold for ${application.name}`,
		uncounted
	),
	/** Of what a month holds. `credential`: the one whose limit it is, or null for that of the application. */
	'application.neared': event(
		'organization',
		(one: Nearing) =>
			sentence`says that ${nearing(one)} has used ${one.percent === 100 ? 'all' : `${one.percent} %`} of its ${sayNumber(one.most)} requests of this month`
	),
	'credential.created': event(
		'organization',
		(one: OfCredential) => sentence`created the credential ${key(one)}`,
		harmless
	),
	'credential.revealed': event(
		'organization',
		(one: OfCredential) => sentence`revealed the credential ${key(one)}`,
		harmless
	),
	'credential.copied': event(
		'organization',
		(one: OfCredential) => sentence`copied the credential ${key(one)}`,
		harmless
	),
	/** Told where it was, of what it was called there; `name` and `to` are what it is called now, and where. */
	'application.moved': event('organization', ({ application, name, to }: Move) =>
		name === application.name
			? sentence`moved the application ${name} to ${to.name}`
			: sentence`moved the application ${application.name} to ${to.name}, as ${name}`
	),
	/** Told where it is now. */
	'application.received': event(
		'both',
		({ application }: { application: Application }) =>
			sentence`brought the application ${application.name} from their personal space`,
		counting({ applicationCount: 1 })
	),
	/** Of what came from a personal space, so that what its owner has seen is found here too. */
	'credential.known': event(
		'organization',
		(one: OfCredential) => sentence`knows the credential ${key(one)} from their personal space`,
		harmless
	),
	'credential.rotated': event(
		'organization',
		(one: OfCredential & { replaced: Credential }) =>
			sentence`rotated the credential ${key(one)}, which replaces …${one.replaced.lastFour}`
	),
	'credential.revoked': event(
		'organization',
		(one: OfCredential) => sentence`revoked the credential ${key(one)}`
	),
	'credential.expiring': event(
		'organization',
		/** `aging`: where it goes on itself, but is too old for these products, by their plans. */
		(one: OfCredential & { aging?: { products: string; endsAt: string } }) =>
			one.aging
				? sentence`says that ${key(one)} is too old for ${one.aging.products} from ${one.aging.endsAt.slice(0, 10)} on`
				: sentence`says that ${key(one)} ends on ${one.credential.expiresAt?.slice(0, 10) ?? 'an unknown day'}`,
		harmless
	),
	'credential.expired': event('organization', (one: OfCredential & { isReplaced: boolean }) =>
		one.isReplaced
			? sentence`says that ${key(one)} has ended, as another one has taken its place`
			: sentence`says that ${key(one)} has ended`
	),
	...portalEvents,
	...productEvents
};

export type EventName = keyof typeof events;
export type Payload<Name extends EventName> = Parameters<(typeof events)[Name]['say']>[0];

/** Who did it. `admin` works for the API provider, `system` is the portal itself, as for an automatic approval. */
export type Actor = { id: string | null; name: string; kind: 'developer' | 'admin' | 'system' };

/** One event as it travels: `seq` counts 1, 2, 3 … without gaps in the stream in which it is told. */
export type LiveEvent = {
	[Name in EventName]: {
		id: string;
		seq: number;
		organizationId: string | null;
		name: Name;
		actor: Actor;
		payload: Payload<Name>;
		at: string;
	};
}[EventName];

/** The events whose rows in the table are like this. */
type Where<Row> = Extract<
	LiveEvent,
	{ name: { [Name in EventName]: (typeof events)[Name] extends Row ? Name : never }[EventName] }
>;

/** The events that stand in no streams but those of this audience. */
export type ToldOnlyTo<Told extends Audience> = Where<{ audience: Told }>;

/** The events whose rows say what they are to the portal admins' figures. */
export type Counted = Where<{ figures: Figures }>;

/**
 * Whether this code knows what the event is. One that a newer process or an older version wrote may have another name:
 * it changes nothing, its payload is not looked into, and it is shown by its name.
 */
export const isKnown = ({ name }: { name: string }): boolean => Object.hasOwn(events, name);

/** The sentence that "Activity" shows after the actor's name. */
export function sayEvent(one: LiveEvent): string {
	if (!isKnown(one)) return sentence`caused the event “${one.name}”`;
	const { say } = events[one.name] as { say: (payload: unknown, at: string) => string };
	return say(one.payload, one.at);
}
