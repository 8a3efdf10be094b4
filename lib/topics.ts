/** The e-mails that people choose: each topic as the page of preferences says it. */
export const topics = {
	requests: {
		label: 'Requests',
		description: 'An organization or an account waits for the decision of the portal’s team.',
		/** Only portal admins get them. */
		isForAdmins: true
	},
	roles: {
		label: 'Changes of your role',
		description: 'A Super admin makes you a Super admin or a Team member.',
		isForAdmins: false
	},
	suspensions: {
		label: 'Suspended and restored organizations',
		description: 'An organization that you belong to is suspended, or is back.',
		isForAdmins: false
	},
	expiries: {
		label: 'Credentials that end',
		description: 'A credential of an organization whose Super admin you are, or that you created, ends soon.',
		isForAdmins: false
	}
} as const;

export type Topic = keyof typeof topics;
export const topicNames = Object.keys(topics) as [Topic, ...Topic[]];
