import { roles, type Organization, type Role, type Status } from './views.ts';

/**
 * Who may call which procedure, as data. The key is the procedure's path. The server refuses by this table, pages hide
 * what it refuses, and the permission box beside the role field is drawn from it.
 *
 * - `anyone`: also without a session. `user`: any signed-in person. `verified`: one whose address is proven, or can't be
 *   since the portal sends no e-mail. `admin`: a portal admin.
 * - `member`: a member of the organization that the call names, with one of `roles`, while the organization has one of
 *   `statuses`. Personal spaces are refused where `isCompanyOnly`, everything else where `isPersonalOnly`.
 */
type Rule =
	| { who: 'anyone' | 'user' | 'verified' | 'admin' }
	| {
			who: 'member';
			roles: readonly Role[];
			statuses: readonly Status[];
			isCompanyOnly?: true;
			isPersonalOnly?: true;
			/** Only for whose address is proven, as `verified`. */
			isVerifiedOnly?: true;
			/** By which switch the organization keeps this to Super admins ("Only Super admins reveal credentials"). */
			restrictedBy?: 'isRevealRestricted' | 'isAccessRestricted';
	  };

const anyone = { who: 'anyone' } as const;
const user = { who: 'user' } as const;
const verified = { who: 'verified' } as const;
const admin = { who: 'admin' } as const;
const everyMember = { who: 'member', roles, statuses: ['approved'] } as const;
const superAdmin = {
	who: 'member',
	roles: ['super_admin'],
	statuses: ['approved'],
	isCompanyOnly: true
} as const;
const requester = { who: 'member', roles: ['super_admin'], isCompanyOnly: true } as const;
/** Products are for companies: a personal space holds keys to try things with. */
const asking = { ...everyMember, isCompanyOnly: true, restrictedBy: 'isAccessRestricted' } as const;

export const policy = {
	'setup.open': anyone,
	'setup.complete': anyone,
	'sessions.get': anyone,
	'sessions.create': anyone,
	'sessions.delete': anyone,
	'sessions.list': user,
	'sessions.end': user,
	'sessions.endOthers': user,
	'accounts.register': anyone,
	'accounts.openEmail': anyone,
	'accounts.verifyEmail': anyone,
	'accounts.getProof': user,
	'accounts.resendVerification': user,
	'accounts.requestReset': anyone,
	'accounts.openReset': anyone,
	'accounts.reset': anyone,
	'accounts.sendReset': admin,
	'accounts.openProfile': user,
	'accounts.rename': user,
	'accounts.changePassword': user,
	'accounts.changeEmail': user,
	'accounts.cancelEmailChange': user,
	'accounts.deleteOwn': user,
	'accounts.approve': admin,
	'accounts.reject': admin,

	'settings.update': admin,
	'settings.listChanges': admin,
	'accounts.list': admin,
	'accounts.deactivate': admin,
	'accounts.activate': admin,
	'accounts.setPortalAdmin': admin,
	'accounts.delete': admin,
	'accounts.listAdmins': admin,
	'accounts.setNotified': admin,
	'organizations.list': admin,
	'organizations.listMore': admin,
	'organizations.get': admin,
	'organizations.correct': admin,
	'quotas.get': admin,
	'quotas.setOfOrganization': admin,
	'quotas.setOfApplication': admin,
	'organizations.approve': admin,
	'organizations.reject': admin,
	'organizations.suspend': admin,
	'organizations.restore': admin,
	'organizations.create': admin,
	'organizations.invite': admin,
	'organizations.appointSuperAdmin': admin,
	'organizations.scheduleDeletionAsPortal': admin,
	'organizations.cancelDeletionAsPortal': admin,
	'alarms.list': admin,
	'alarms.dismiss': admin,
	'figures.get': admin,
	'usage.getPortal': admin,
	'activity.listPortal': admin,
	'activity.sincePortal': admin,
	'emails.list': admin,
	'emails.get': admin,
	'emails.listVersions': admin,
	'emails.getVersion': admin,
	'emails.preview': admin,
	'emails.update': admin,
	'emails.restore': admin,
	'emails.reset': admin,
	'emails.sendTest': admin,
	'emails.attend': admin,
	'emails.getBrand': admin,
	'emails.previewBrand': admin,
	'emails.updateBrand': admin,
	'messages.list': admin,
	'messages.get': admin,
	'messages.count': admin,
	'messages.resend': admin,
	'messages.resendFailed': admin,
	'mailServers.get': admin,
	'mailServers.update': admin,
	'mailServers.test': admin,
	'documents.upload': admin,
	'documents.list': admin,
	'documents.get': anyone,

	'gateways.list': admin,
	'gateways.get': admin,
	'gateways.create': admin,
	'gateways.update': admin,
	'gateways.rotate': admin,
	'gateways.revoke': admin,
	'gateways.letAllIn': admin,
	'gateways.check': admin,

	'products.list': admin,
	'products.get': admin,
	'products.preview': admin,
	'products.create': admin,
	'products.update': admin,
	'products.publish': admin,
	'products.retire': admin,
	'products.cancelRetirement': admin,
	'products.delete': admin,
	'products.serve': admin,
	'products.listServed': admin,
	'products.listOrganizations': admin,
	'products.choose': admin,
	/** Each person those that are for them. */
	'products.catalogue': anyone,
	'products.open': anyone,
	'plans.create': admin,
	'plans.update': admin,
	'plans.reorder': admin,
	'plans.close': admin,
	'plans.reopen': admin,
	'plans.delete': admin,

	'preferences.list': user,
	'preferences.update': user,
	'preferences.open': anyone,
	'preferences.unsubscribe': anyone,

	'organizations.request': verified,
	'organizations.open': { who: 'member', roles, statuses: ['pending', 'approved', 'rejected', 'suspended'] },
	'organizations.rename': { ...requester, statuses: ['pending', 'approved'] },
	'organizations.withdraw': { ...requester, statuses: ['pending', 'rejected'] },
	'organizations.requestAgain': { ...requester, statuses: ['rejected'], isVerifiedOnly: true },
	'organizations.configure': superAdmin,
	'organizations.scheduleDeletion': superAdmin,
	'organizations.cancelDeletion': superAdmin,

	'activity.list': everyMember,
	'activity.since': { who: 'member', roles, statuses: ['pending', 'approved', 'rejected'] },

	'members.update': superAdmin,
	'members.handOver': superAdmin,
	'members.remove': superAdmin,
	'members.listRevealed': superAdmin,
	'members.leave': { ...everyMember, isCompanyOnly: true },
	'members.listSeen': everyMember,
	'members.list': everyMember,
	'members.listNamed': everyMember,
	'members.see': user,
	'members.findDeparture': user,

	'invitations.create': superAdmin,
	'invitations.createMany': superAdmin,
	'invitations.getAllowance': superAdmin,
	'invitations.find': superAdmin,
	'invitations.count': superAdmin,
	'invitations.update': superAdmin,
	'invitations.resend': superAdmin,
	'invitations.revoke': superAdmin,
	'invitations.open': anyone,
	'invitations.accept': anyone,
	'invitations.decline': anyone,
	'invitations.acceptMine': user,
	'invitations.declineMine': user,

	'applications.create': everyMember,
	'applications.update': everyMember,
	'applications.delete': everyMember,
	/** Out of the personal space, by who may create applications where it goes. */
	'applications.move': { ...everyMember, isPersonalOnly: true },
	'quotas.list': everyMember,
	'credentials.list': everyMember,
	'credentials.create': everyMember,
	'credentials.reveal': { ...everyMember, restrictedBy: 'isRevealRestricted' },
	'credentials.copy': { ...everyMember, restrictedBy: 'isRevealRestricted' },
	'credentials.rotate': everyMember,
	'credentials.revoke': everyMember,
	'credentials.revokeSilent': everyMember,
	'credentials.listExposed': superAdmin,
	/** Of each organization, for whoever may reveal there. */
	'credentials.listOpening': user,

	'usage.get': everyMember,
	'usage.list': everyMember,
	'usage.listRows': everyMember,
	'usage.listIdle': everyMember,

	'accesses.getOffer': user,
	'accesses.request': asking,
	'accesses.withdraw': asking,
	'accesses.endOwn': asking,
	'accesses.list': admin,
	'accesses.approve': admin,
	'accesses.reject': admin,
	'accesses.decideMany': admin,
	'accesses.end': admin,
	'accesses.cancelEnd': admin
} as const satisfies Record<string, Rule>;

export type ProcedurePath = keyof typeof policy;

export const rules: Record<string, Rule | undefined> = policy;

/** What the decision about a member's call depends on. */
export type Standing = {
	role: Role;
	organization: Pick<Organization, 'status' | 'isPersonal' | 'isRevealRestricted' | 'isAccessRestricted'>;
};

/** Whether a member may call the procedure. Says no to every procedure that is not about an organization. */
export function can(path: ProcedurePath, { role, organization }: Standing): boolean {
	const rule = rules[path];
	if (rule?.who !== 'member') return false;
	return (
		rule.roles.includes(role) &&
		rule.statuses.includes(organization.status) &&
		!(rule.isCompanyOnly && organization.isPersonal) &&
		!(rule.isPersonalOnly && !organization.isPersonal) &&
		!(rule.restrictedBy && organization[rule.restrictedBy] && role !== 'super_admin')
	);
}

/** The lines of the permission box: each in words, with the procedures that it stands for. */
export const permissions: { label: string; paths: readonly ProcedurePath[] }[] = [
	{
		label: 'See members, applications and activity',
		paths: ['organizations.open', 'usage.get', 'activity.list']
	},
	{
		label: 'Create, edit and delete applications',
		paths: ['applications.create', 'applications.update', 'applications.delete']
	},
	{
		label: 'Create, rotate and revoke credentials',
		paths: ['credentials.create', 'credentials.rotate', 'credentials.revoke', 'credentials.revokeSilent']
	},
	{ label: 'Reveal and copy credentials', paths: ['credentials.reveal', 'credentials.copy'] },
	{
		label: 'Ask for access to APIs, change its plan, end it',
		paths: ['accesses.request', 'accesses.withdraw', 'accesses.endOwn']
	},
	{
		label: 'Invite people, resend and revoke invitations',
		paths: [
			'invitations.create',
			'invitations.createMany',
			'invitations.update',
			'invitations.resend',
			'invitations.revoke'
		]
	},
	{
		label: 'Edit names and roles, remove members',
		paths: ['members.update', 'members.handOver', 'members.remove']
	},
	{
		label: 'Rename the organization, change its settings, ask for its deletion',
		paths: [
			'organizations.rename',
			'organizations.configure',
			'organizations.scheduleDeletion',
			'organizations.cancelDeletion'
		]
	}
];

/** The permission box for one role: every line with whether the role may do all of it. */
export function permissionsOf(standing: Standing): { label: string; isAllowed: boolean }[] {
	return permissions.map(({ label, paths }) => ({
		label,
		isAllowed: paths.every((path) => can(path, standing))
	}));
}
