import { z } from 'zod';

/** What the texts of e-mails can say, and what it means for whoever writes one. */
export const text = (meaning: string) => z.string().describe(meaning);
export const url = (meaning: string) => z.string().startsWith('http').describe(meaning);

/** These can be used in every e-mail. */
export const everywhere: Readonly<Record<string, string>> = {
	portalName: 'The name of the portal, from “Settings”',
	portalUrl: 'The address of the portal',
	supportEmail: 'The support address, from “Settings”; empty when there is none'
};

// In several e-mails, and the same in each.
export const firstName = text('The first name of whoever gets the message; empty where nobody has said it');
export const organizationName = text('The name of the organization');
export const actorName = text('Who did it');
export const applicationName = text('The name of the application');
export const productName = text('The name of the API product');
export const planName = text('The name of the plan');
export const applicationUrl = url('The address of the application’s page');
export const roleLabel = text('“Super admin” or “Team member”');
export const verifyUrl = url('The link that confirms the address; it works once and is a secret');
export const resetUrl = url('The link to set a new password');
export const profileUrl = url('The address of the profile page');
export const newEmail = text('The new address of the account');
export const credentials = text('The credentials that the message is about');
export const usersUrl = url('The address of the organization’s list of members');
export const signInUrl = url('The address of the sign-in page');
export const requesterName = text('Who asks');
export const requesterEmail = text('The address of whoever asks');
export const doubt = z
	.string()
	.default('')
	.describe('That nobody has confirmed the address of whoever asks; empty where somebody has');
export const reviewUrl = url('The address of the page where it is decided');
export const reason = text('The reason that was given; empty when there was none');

export const sampleUrl = 'https://portal.example.com';
export const organization = z.strictObject({
	organizationName,
	firstName,
	organizationUrl: url('The address of the organization’s page')
});
export const organizationSample = {
	organizationName: 'Northwind Logistics',
	firstName: 'Grace',
	organizationUrl: `${sampleUrl}/orgs/northwind-logistics`
};
export const invitation = z.strictObject({
	organizationName,
	inviterName: text('Who invites'),
	roleLabel,
	firstName,
	acceptUrl: url('The link of the invitation; it works once and is a secret'),
	expiresAt: text('Until when the link works')
});
export const invitationSample = {
	organizationName: 'Northwind Logistics',
	inviterName: 'Grace Okafor',
	roleLabel: 'Team member',
	firstName: 'Linus',
	acceptUrl: `${sampleUrl}/invitations/sample`,
	expiresAt: 'Tue, 01 Dec 2026 09:00 UTC'
};
