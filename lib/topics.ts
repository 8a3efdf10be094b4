/**
 * The e-mails that people choose: each topic as the page of preferences says it. What most would call noise comes only to
 * who has asked for it.
 */
export const topics = {
	requests: {
		label: 'Requests',
		description:
			'An organization, an account or access to an API waits for the decision of the portal’s team.',
		/** Only portal admins get them. */
		isForAdmins: true,
		isOnByDefault: true
	},
	roles: {
		label: 'Changes of your role',
		description: 'A Super admin makes you a Super admin or a Team member.',
		isForAdmins: false,
		isOnByDefault: true
	},
	suspensions: {
		label: 'Suspended and restored organizations',
		description: 'An organization that you belong to is suspended, or is back.',
		isForAdmins: false,
		isOnByDefault: true
	},
	expiries: {
		label: 'Credentials that end',
		description:
			'A credential of an organization whose Super admin you are, or that you created, ends soon or has ended.',
		isForAdmins: false,
		isOnByDefault: true
	},
	limits: {
		label: 'Limits that are nearly reached',
		description:
			'An application of an organization whose Super admin you are has used most, or all, of what a month holds.',
		isForAdmins: false,
		isOnByDefault: true
	},
	access: {
		label: 'Access to APIs',
		description:
			'Access that you have asked for, or of an organization whose Super admin you are, is approved or rejected, or ends; an API that your organization calls is retired.',
		isForAdmins: false,
		isOnByDefault: true
	},
	plans: {
		label: 'Other limits of an API',
		description:
			'The API provider changes how often an application of an organization that you belong to may call an API.',
		isForAdmins: false,
		isOnByDefault: true
	},
	credentials: {
		label: 'Changes of credentials',
		description:
			'Somebody else creates, rotates or revokes a credential of an organization that you belong to.',
		isForAdmins: false,
		isOnByDefault: false
	},
	answers: {
		label: 'Answers to your invitations',
		description: 'Somebody whom you have invited to an organization joins it, or declines.',
		isForAdmins: false,
		isOnByDefault: false
	}
} as const;

export type Topic = keyof typeof topics;
export const topicNames = Object.keys(topics) as [Topic, ...Topic[]];
