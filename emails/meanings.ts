/** What the variables of the e-mails mean, for whoever writes one. A name means the same in every e-mail. */
export const meanings: Partial<Record<string, string>> = {
	portalName: 'The name of the portal, from “Settings”',
	portalUrl: 'The address of the portal',
	supportEmail: 'The support address, from “Settings”; empty when there is none',
	firstName: 'The first name of whoever gets the message; empty where nobody has said it',
	organizationName: 'The name of the organization',
	organizationUrl: 'The address of the organization’s page',
	inviterName: 'Who invites',
	actorName: 'Who did it',
	roleLabel: '“Super admin” or “Team member”',
	previousRoleLabel: 'The role before the change',
	acceptUrl: 'The link of the invitation; it works once and is a secret',
	expiresAt: 'Until when the link works',
	verifyUrl: 'The link that confirms the address; it works once and is a secret',
	resetUrl: 'The link to set a new password',
	profileUrl: 'The address of the profile page',
	address: 'The address that a new password was asked for',
	email: 'The new address of the account',
	previousEmail: 'The address that the account has had',
	device: 'The browser and system that signed in',
	place: 'The network address, cut short',
	at: 'When it happened',
	memberName: 'Who has left',
	credentials: 'The credentials that the message is about',
	dashboardUrl: 'The address of the dashboard',
	doubt: 'That nobody has confirmed the address of whoever asks; empty where somebody has',
	usersUrl: 'The address of the organization’s list of members',
	count: 'How many requests there are',
	requests: 'The requests, one a line',
	host: 'The mail server',
	deletesAt: 'The day of the deletion',
	applicationName: 'The name of the application',
	applicationUrl: 'The address of the application’s page',
	label: 'What the credential is called',
	lastFour: 'The last four characters of the credential',
	endsOn: 'The day on which it stops working',
	signInUrl: 'The address of the sign-in page',
	requesterName: 'Who asks',
	requesterEmail: 'The address of whoever asks',
	reviewUrl: 'The address of the list where it is decided',
	reason: 'The reason that was given; empty when there was none'
};

/** The meaning, or for a variable without one the words of its name. */
export function meaningOf(variable: string): string {
	const words = variable.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
	return meanings[variable] ?? words.slice(0, 1).toUpperCase() + words.slice(1);
}
