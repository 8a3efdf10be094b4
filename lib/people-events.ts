import { sentence } from './direction.ts';
import { counting, event, harmless, uncounted } from './event.ts';
import { fullName, roleLabels, type Invitation, type Member, type Organization, type Role } from './views.ts';

/** What can happen with the members of an organization, and with who is invited into it. */
type OfMember = { member: Member };
/** `seen`: how many credentials that still work the person has revealed or copied. */
type Departure = OfMember & { seen?: number | undefined };
type OfInvitation = { invitation: Invitation };
type Offer = OfInvitation & { organization: Organization; previousRole?: Role | undefined };

/** “Grace Okafor (grace@northwind.example)”, or the address alone where the list had no name. */
const invitee = (one: Invitation) =>
	fullName(one) === one.email ? one.email : sentence`${fullName(one)} (${one.email})`;

const credentials = (count: number) =>
	count === 1 ? 'a credential that still works' : sentence`${count} credentials that still work`;

export const peopleEvents = {
	/** `isInvited`: whether an open invitation, of the same role, has become this by it. */
	'member.joined': event(
		'both',
		({ member }: OfMember & { isInvited?: boolean | undefined }) =>
			sentence`joined as ${roleLabels[member.role]}`,
		harmless
	),
	'member.updated': event(
		'organization',
		({ member, previous }: OfMember & { previous: Member }) => {
			if (member.email !== previous.email)
				return sentence`changed their e-mail address from ${previous.email} to ${member.email}`;
			return member.role !== previous.role
				? sentence`changed the role of ${fullName(member)} from ${roleLabels[previous.role]} to ${roleLabels[member.role]}`
				: sentence`changed the name of ${fullName(previous)} to ${fullName(member)}`;
		},
		harmless
	),
	/** `former`: who has become a Team member by it. */
	'member.handedOver': event(
		'organization',
		({ member }: OfMember & { former: Member }) =>
			sentence`made ${fullName(member)} Super admin and themselves Team member`,
		harmless
	),
	'member.removed': event(
		'both',
		({ member, seen = 0 }: Departure) =>
			sentence`removed ${fullName(member)}${seen > 0 ? `, who had seen ${credentials(seen)}` : ''}`,
		{ ...harmless, ...counting({ memberCount: -1 }) }
	),
	'member.deactivated': event(
		'both',
		({ member }: OfMember) => sentence`deactivated the account of the member ${fullName(member)}`,
		{ ...harmless, ...counting({ memberCount: -1 }) }
	),
	'member.activated': event(
		'both',
		({ member }: OfMember) => sentence`activated the account of the member ${fullName(member)}`,
		harmless
	),
	'member.appointed': event(
		'both',
		({ member }: OfMember) => sentence`made ${fullName(member)} a Super admin, as there was none`,
		harmless
	),
	'member.left': event(
		'both',
		({ seen = 0 }: Departure) =>
			sentence`left the organization${seen > 0 ? ` after seeing ${credentials(seen)}` : ''}`,
		{ ...harmless, ...counting({ memberCount: -1 }) }
	),
	'invitation.created': event(
		'organization',
		({ invitation }: OfInvitation) =>
			sentence`invited ${invitee(invitation)} as ${roleLabels[invitation.role]}`,
		harmless
	),
	/** `previousRole`: that of the open invitation which has become this one. */
	'invitation.offered': event(
		'both',
		({ invitation, organization }: Offer) =>
			sentence`invited ${invitee(invitation)} as the first Super admin of ${organization.name}`,
		{ ...harmless, ...uncounted }
	),
	'invitation.resent': event(
		'organization',
		({ invitation }: OfInvitation) => sentence`sent the invitation of ${invitation.email} again`,
		harmless
	),
	'invitation.revoked': event(
		'organization',
		({ invitation }: OfInvitation) => sentence`revoked the invitation of ${invitation.email}`,
		harmless
	),
	'invitation.updated': event(
		'organization',
		({ invitation, previous }: OfInvitation & { previous: Invitation }) =>
			invitation.role === previous.role
				? sentence`corrected the name in the invitation of ${invitation.email} to ${fullName(invitation)}`
				: sentence`changed the role in the invitation of ${invitation.email} from ${roleLabels[previous.role]} to ${roleLabels[invitation.role]}`,
		harmless
	),
	'invitation.delivered': event(
		'organization',
		({ invitation }: OfInvitation) =>
			invitation.delivery === 'kept'
				? sentence`kept the e-mail with the invitation of ${invitation.email} in the portal’s mailbox`
				: sentence`handed the e-mail with the invitation of ${invitation.email} to the mail server`,
		harmless
	),
	'invitation.failed': event(
		'organization',
		({ invitation }: OfInvitation) =>
			sentence`could not deliver the e-mail with the invitation of ${invitation.email}`,
		harmless
	),
	'invitation.declined': event(
		'organization',
		({ invitation }: OfInvitation) =>
			sentence`declined the invitation that ${invitation.invitedBy.name} sent`,
		harmless
	)
};
