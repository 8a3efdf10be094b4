/** The e-mails that people choose: each topic as the page of preferences says it. */
export const topics = {
	requests: {
		label: 'Requests for organizations',
		description: 'Somebody asks for an organization, and it waits for the portal’s team.',
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
		description: 'An organization whose Super admin you are is suspended, or is back.',
		isForAdmins: false
	}
} as const;

export type Topic = keyof typeof topics;
export const topicNames = Object.keys(topics) as [Topic, ...Topic[]];
