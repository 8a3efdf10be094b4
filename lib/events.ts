import { sentence } from './direction.ts';
import { event, type Audience } from './event.ts';
import { portalEvents } from './portal-events.ts';
import { z } from './schema.ts';
import {
	applicationHead,
	applicationView,
	credentialView,
	invitationView,
	memberView,
	organizationView,
	roleLabels,
	status,
	fullName
} from './views.ts';

/**
 * Everything that can happen, once. The server publishes from this table, the socket carries its types, `apply.ts`
 * applies it and "Activity" reads its sentences. What happens outside of organizations stands in portal-events.ts.
 */
const organization = z.object({ organization: organizationView });
const decision = organization.extend({ previousStatus: status.nullable() });
const member = z.object({ member: memberView });
/** `seen`: how many credentials that still work the person has revealed or copied. */
const departure = member.extend({ seen: z.number().optional() });
const invitation = z.object({ invitation: invitationView });

/** “Grace Okafor (grace@northwind.example)”, or the address alone where the list had no name. */
const invitee = (one: z.infer<typeof invitationView>) =>
	fullName(one) === one.email ? one.email : sentence`${fullName(one)} (${one.email})`;
const application = z.object({ application: applicationView });
const credential = z.object({
	applicationId: z.uuid(),
	applicationName: z.string(),
	credential: credentialView
});

const credentials = (count: number) =>
	count === 1 ? 'a credential that still works' : sentence`${count} credentials that still work`;

const key = (one: z.infer<typeof credential>) =>
	sentence`“${one.credential.label}” (…${one.credential.lastFour}) of ${one.applicationName}`;

export const events = {
	'organization.requested': event(
		'both',
		decision,
		({ organization }) => sentence`asked for the organization ${organization.name}`
	),
	'organization.renamed': event(
		'both',
		organization.extend({ previousName: z.string() }),
		({ organization, previousName }) => sentence`renamed ${previousName} to ${organization.name}`
	),
	'organization.withdrawn': event(
		'both',
		decision,
		({ organization }) => sentence`withdrew the request for ${organization.name}`
	),
	'organization.approved': event(
		'both',
		decision,
		({ organization }) => sentence`approved the organization ${organization.name}`
	),
	'organization.rejected': event('both', decision, ({ organization }) =>
		organization.rejectionReason
			? sentence`rejected the organization ${organization.name}: ${organization.rejectionReason}`
			: sentence`rejected the organization ${organization.name}`
	),
	'organization.suspended': event(
		'both',
		decision,
		({ organization }) => sentence`suspended the organization ${organization.name}`
	),
	'organization.restored': event(
		'both',
		decision,
		({ organization }) => sentence`restored the organization ${organization.name}`
	),
	'organization.created': event(
		'both',
		organization,
		({ organization }) => sentence`created the organization ${organization.name}`
	),
	'organization.condemned': event('both', organization, ({ organization }) =>
		organization.deletion
			? sentence`asked for the deletion of ${organization.name} on ${organization.deletion.at.slice(0, 10)}`
			: sentence`asked for the deletion of ${organization.name}`
	),
	'organization.kept': event(
		'both',
		organization,
		({ organization }) => sentence`took back the deletion of ${organization.name}`
	),
	'organization.deleted': event('both', organization, ({ organization }) =>
		organization.deletion?.by
			? sentence`deleted the organization ${organization.name}, as ${organization.deletion.by.name} had asked`
			: sentence`deleted the organization ${organization.name}`
	),
	'organization.configured': event('both', organization, ({ organization }) =>
		organization.isRevealRestricted
			? 'let only Super admins reveal credentials'
			: 'let every member reveal credentials'
	),
	'member.joined': event('both', member, ({ member }) => sentence`joined as ${roleLabels[member.role]}`),
	'member.updated': event('organization', member.extend({ previous: memberView }), ({ member, previous }) => {
		if (member.email !== previous.email)
			return sentence`changed their e-mail address from ${previous.email} to ${member.email}`;
		return member.role !== previous.role
			? sentence`changed the role of ${fullName(member)} from ${roleLabels[previous.role]} to ${roleLabels[member.role]}`
			: sentence`changed the name of ${fullName(previous)} to ${fullName(member)}`;
	}),
	/** `former`: who has become a Team member by it. */
	'member.handedOver': event(
		'organization',
		member.extend({ former: memberView }),
		({ member }) => sentence`made ${fullName(member)} Super admin and themselves Team member`
	),
	'member.removed': event(
		'both',
		departure,
		({ member, seen = 0 }) =>
			sentence`removed ${fullName(member)}${seen > 0 ? `, who had seen ${credentials(seen)}` : ''}`
	),
	'member.deactivated': event(
		'both',
		member,
		({ member }) => sentence`deactivated the account of the member ${fullName(member)}`
	),
	'member.activated': event(
		'both',
		member,
		({ member }) => sentence`activated the account of the member ${fullName(member)}`
	),
	'member.appointed': event(
		'both',
		member,
		({ member }) => sentence`made ${fullName(member)} a Super admin, as there was none`
	),
	'member.left': event(
		'both',
		departure,
		({ seen = 0 }) => sentence`left the organization${seen > 0 ? ` after seeing ${credentials(seen)}` : ''}`
	),
	'invitation.created': event(
		'organization',
		invitation,
		({ invitation }) => sentence`invited ${invitee(invitation)} as ${roleLabels[invitation.role]}`
	),
	'invitation.offered': event(
		'both',
		invitation.extend({ organization: organizationView }),
		({ invitation, organization }) =>
			sentence`invited ${invitee(invitation)} as the first Super admin of ${organization.name}`
	),
	'invitation.resent': event(
		'organization',
		invitation,
		({ invitation }) => sentence`sent the invitation of ${invitation.email} again`
	),
	'invitation.revoked': event(
		'organization',
		invitation,
		({ invitation }) => sentence`revoked the invitation of ${invitation.email}`
	),
	'invitation.updated': event(
		'organization',
		invitation.extend({ previous: invitationView }),
		({ invitation, previous }) =>
			invitation.role === previous.role
				? sentence`corrected the name in the invitation of ${invitation.email} to ${fullName(invitation)}`
				: sentence`changed the role in the invitation of ${invitation.email} from ${roleLabels[previous.role]} to ${roleLabels[invitation.role]}`
	),
	'invitation.delivered': event('organization', invitation, ({ invitation }) =>
		invitation.delivery === 'kept'
			? sentence`kept the e-mail with the invitation of ${invitation.email} in the portal’s mailbox`
			: sentence`handed the e-mail with the invitation of ${invitation.email} to the mail server`
	),
	'invitation.failed': event(
		'organization',
		invitation,
		({ invitation }) => sentence`could not deliver the e-mail with the invitation of ${invitation.email}`
	),
	'invitation.declined': event(
		'organization',
		invitation,
		({ invitation }) => sentence`declined the invitation that ${invitation.invitedBy.name} sent`
	),
	'application.created': event(
		'both',
		application,
		({ application }) => sentence`created the application ${application.name}`
	),
	'application.updated': event(
		'organization',
		z.object({ application: applicationHead, previousName: z.string() }),
		({ application, previousName }) =>
			previousName === application.name
				? sentence`edited the application ${application.name}`
				: sentence`renamed the application ${previousName} to ${application.name}`
	),
	'application.deleted': event(
		'both',
		z.object({ application: applicationHead }),
		({ application }) => sentence`deleted the application ${application.name}`
	),
	'credential.created': event(
		'organization',
		credential,
		(one) => sentence`created the credential ${key(one)}`
	),
	'credential.revealed': event(
		'organization',
		credential,
		(one) => sentence`revealed the credential ${key(one)}`
	),
	'credential.copied': event(
		'organization',
		credential,
		(one) => sentence`copied the credential ${key(one)}`
	),
	/** Told where it was, of what it was called there; `name` and `to` are what it is called now, and where. */
	'application.moved': event(
		'organization',
		z.object({
			application: applicationHead,
			name: z.string(),
			to: z.object({ slug: z.string(), name: z.string() })
		}),
		({ application, name, to }) =>
			name === application.name
				? sentence`moved the application ${name} to ${to.name}`
				: sentence`moved the application ${application.name} to ${to.name}, as ${name}`
	),
	/** Told where it is now. */
	'application.received': event(
		'both',
		application,
		({ application }) => sentence`brought the application ${application.name} from their personal space`
	),
	/** Of what came from a personal space, so that what its owner has seen is found here too. */
	'credential.known': event(
		'organization',
		credential,
		(one) => sentence`knows the credential ${key(one)} from their personal space`
	),
	'credential.rotated': event(
		'organization',
		credential.extend({ replaced: credentialView }),
		(one) => sentence`rotated the credential ${key(one)}, which replaces …${one.replaced.lastFour}`
	),
	'credential.revoked': event(
		'organization',
		credential,
		(one) => sentence`revoked the credential ${key(one)}`
	),
	'credential.expiring': event(
		'organization',
		credential,
		(one) =>
			sentence`says that ${key(one)} ends on ${one.credential.expiresAt?.slice(0, 10) ?? 'an unknown day'}`
	),
	'credential.expired': event('organization', credential.extend({ isReplaced: z.boolean() }), (one) =>
		one.isReplaced
			? sentence`says that ${key(one)} has ended, as another one has taken its place`
			: sentence`says that ${key(one)} has ended`
	),
	...portalEvents
};

export type EventName = keyof typeof events;
export type Payload<Name extends EventName> = z.infer<(typeof events)[Name]['payload']>;

/** Who did it. `admin` works for the API provider, `system` is the portal itself, as for an automatic approval. */
export const actorView = z.object({
	id: z.uuid().nullable(),
	name: z.string(),
	kind: z.enum(['developer', 'admin', 'system'])
});
export type Actor = z.infer<typeof actorView>;

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

/** The events that stand in no streams but those of this audience. */
export type ToldOnlyTo<Told extends Audience> = Extract<
	LiveEvent,
	{ name: { [Name in EventName]: (typeof events)[Name]['audience'] extends Told ? Name : never }[EventName] }
>;

/**
 * Whether this code knows what the event is. One that a newer process or an older version wrote may have another name:
 * it changes nothing, its payload is not looked into, and it is shown by its name.
 */
export const isKnown = ({ name }: { name: string }): boolean => Object.hasOwn(events, name);

/** The sentence that "Activity" shows after the actor's name. */
export function sayEvent(one: LiveEvent): string {
	if (!isKnown(one)) return sentence`caused the event “${one.name}”`;
	const { say } = events[one.name] as { say: (payload: unknown) => string };
	return say(one.payload);
}
