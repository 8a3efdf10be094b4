import { z } from 'zod';
import { accessEmails } from './accesses.ts';
import { credentialEmails } from './credentials.ts';
import { defineEmail, perHour, perHourWithoutLink } from './email.ts';
import { invitationEmails } from './invitations.ts';
import { productEmails } from './products.ts';
import {
	actorName,
	credentials,
	doubt,
	firstName,
	newEmail,
	organization,
	organizationName,
	organizationSample,
	profileUrl,
	reason,
	requesterEmail,
	requesterName,
	resetUrl,
	reviewUrl,
	roleLabel,
	sampleUrl,
	signInUrl,
	text,
	url,
	usersUrl,
	verifyUrl
} from './variables.ts';

const lineOf = ({ organizationName, requesterName, requesterEmail, doubt = '' }: Record<string, string>) =>
	`${organizationName} – ${requesterName} (${requesterEmail}) ${doubt}`.trimEnd();

export const catalogue = {
	'account-registered': defineEmail({
		description: 'To a new developer: confirms the e-mail address.',
		anyone: perHour,
		isAwaited: true,
		subject: 'Confirm your e-mail address',
		props: z.strictObject({ firstName, verifyUrl }),
		sample: { firstName: 'Grace', verifyUrl: `${sampleUrl}/verify-email/sample` }
	}),
	'account-exists': defineEmail({
		description: 'To the owner of an account, when somebody registers with its address.',
		anyone: perHourWithoutLink,
		isAwaited: true,
		subject: 'You already have an account',
		props: z.strictObject({ firstName, signInUrl }),
		sample: { firstName: 'Grace', signInUrl: `${sampleUrl}/login` }
	}),
	'account-waiting': defineEmail({
		description: 'To the portal admins: a developer waits for their decision.',
		anyone: 'proof',
		topic: 'requests',
		subject: '{{requesterName}} waits for an account',
		props: z.strictObject({ requesterName, requesterEmail, reviewUrl }),
		sample: {
			requesterName: 'Grace Okafor',
			requesterEmail: 'grace@northwind.example',
			reviewUrl: `${sampleUrl}/admin/users?search=grace%40northwind.example`
		}
	}),
	'account-approved': defineEmail({
		description: 'To a developer whose account a portal admin approved.',
		subject: 'Your account at {{portalName}} is ready',
		props: z.strictObject({ firstName, signInUrl }),
		sample: { firstName: 'Grace', signInUrl: `${sampleUrl}/login` }
	}),
	'account-rejected': defineEmail({
		description: 'To a developer whose account a portal admin rejected.',
		subject: 'Your account at {{portalName}} was not approved',
		props: z.strictObject({ firstName }),
		sample: { firstName: 'Grace' }
	}),
	'account-deleted': defineEmail({
		description: 'To a person whose account was deleted, by themselves or by a portal admin.',
		subject: 'Your account at {{portalName}} is deleted',
		props: z.strictObject({ firstName }),
		sample: { firstName: 'Grace' }
	}),
	'password-reset': defineEmail({
		description:
			'To the owner of an account, when somebody has forgotten its password: the link to a new one.',
		anyone: perHour,
		isAwaited: true,
		subject: 'Reset your password',
		props: z.strictObject({ firstName, resetUrl }),
		sample: { firstName: 'Grace', resetUrl: `${sampleUrl}/reset-password/sample` }
	}),
	'password-reset-refused': defineEmail({
		description:
			'To the owner of an account with which nobody can sign in, when its password is to be reset.',
		anyone: perHourWithoutLink,
		isAwaited: true,
		subject: 'No password to reset',
		props: z.strictObject({
			address: text('The address that a new password was asked for'),
			reason,
			signInUrl
		}),
		sample: {
			address: 'grace@northwind.example',
			reason: 'The team of the portal has deactivated the account with this address.',
			signInUrl: `${sampleUrl}/login`
		}
	}),
	'password-changed': defineEmail({
		description: 'To the owner of an account that has a new password.',
		anyone: 'proof',
		subject: 'Your password was changed',
		props: z.strictObject({ firstName, resetUrl }),
		sample: { firstName: 'Grace', resetUrl: `${sampleUrl}/forgot-password` }
	}),
	'credentials-revoked': defineEmail({
		description:
			'To the owner of an account who has just proven its address: credentials that were there before work no longer.',
		anyone: 'proof',
		subject: 'Credentials of your account were revoked',
		// One credential a line.
		props: z.strictObject({ firstName, credentials, dashboardUrl: url('The address of the dashboard') }),
		sample: {
			firstName: 'Grace',
			credentials: 'Parcel tracking: Default (…x7Qa)\nWarehouse robots: Staging (…k2Lm)',
			dashboardUrl: `${sampleUrl}/dashboard`
		}
	}),
	'email-change-created': defineEmail({
		description: 'To the new address of an account: confirms it.',
		isAwaited: true,
		subject: 'Confirm your new e-mail address',
		props: z.strictObject({
			firstName,
			previousEmail: text('The address that the account has had'),
			verifyUrl
		}),
		sample: {
			firstName: 'Grace',
			previousEmail: 'grace@northwind.example',
			verifyUrl: `${sampleUrl}/verify-email/sample`
		}
	}),
	'email-change-refused': defineEmail({
		description: 'To the owner of an account, when somebody wants its address for another one.',
		isAwaited: true,
		subject: 'You already have an account',
		props: z.strictObject({ firstName, signInUrl }),
		sample: { firstName: 'Grace', signInUrl: `${sampleUrl}/login` }
	}),
	'email-change-requested': defineEmail({
		description: 'To the old address of an account, before it changes.',
		subject: 'Your e-mail address is about to change',
		props: z.strictObject({ firstName, email: newEmail, profileUrl }),
		sample: { firstName: 'Grace', email: 'grace.okafor@lumen.example', profileUrl: `${sampleUrl}/profile` }
	}),
	'email-changed': defineEmail({
		description: 'To the old address of an account, after it has changed.',
		anyone: 'proof',
		subject: 'Your e-mail address was changed',
		props: z.strictObject({ firstName, email: newEmail }),
		sample: { firstName: 'Grace', email: 'grace.okafor@lumen.example' }
	}),
	'session-created': defineEmail({
		description: 'To a person who has signed in with a browser that was not known for their account.',
		anyone: 'proof',
		subject: 'New sign-in to {{portalName}}',
		props: z.strictObject({
			firstName,
			device: text('The browser and system that signed in'),
			place: text('The network address, cut short'),
			at: text('When it happened'),
			profileUrl
		}),
		sample: {
			firstName: 'Grace',
			device: 'Firefox on Windows',
			place: '203.0.113.0/24',
			at: 'Tue, 24 Nov 2026 09:00 UTC',
			profileUrl: `${sampleUrl}/profile`
		}
	}),
	'organization-requested': defineEmail({
		description: 'To the portal admins: an organization waits for their decision.',
		topic: 'requests',
		subject: '{{organizationName}} asks to join',
		props: z.strictObject({
			organizationName,
			requesterName,
			requesterEmail,
			doubt,
			reviewUrl
		}),
		sample: {
			organizationName: 'Northwind Logistics',
			requesterName: 'Grace Okafor',
			requesterEmail: 'grace@northwind.example',
			doubt: 'Nobody has confirmed this address.',
			reviewUrl: `${sampleUrl}/admin/organizations/sample`
		},
		// Several within a minute become one message.
		gathering: {
			into: 'organizations-requested',
			gather: (all) => ({
				count: String(all.length),
				requests: all.map(lineOf).join('\n'),
				// Each links to its own request; of several the list is what can be looked through.
				reviewUrl: (all[0]?.reviewUrl ?? '').replace(/(\/admin\/organizations).*$/, '$1?status=pending')
			})
		}
	}),
	'organization-approved': defineEmail({
		description: 'To the requester: the organization is approved.',
		subject: '{{organizationName}} is approved',
		props: organization,
		sample: organizationSample
	}),
	'organization-rejected': defineEmail({
		description: 'To the requester: the organization is rejected, with the reason if one was given.',
		subject: '{{organizationName}} was not approved',
		props: organization.extend({ reason }),
		sample: { ...organizationSample, reason: 'We could not find your company in the register.' }
	}),
	'organization-suspended': defineEmail({
		description: 'To the members: the organization is suspended.',
		topic: 'suspensions',
		subject: '{{organizationName}} is suspended',
		props: organization,
		sample: organizationSample
	}),
	'organization-restored': defineEmail({
		description: 'To the members: the organization is restored.',
		topic: 'suspensions',
		subject: '{{organizationName}} is back',
		props: organization,
		sample: organizationSample
	}),
	'organization-deletion-scheduled': defineEmail({
		description: 'To the members: the organization will be deleted.',
		subject: '{{organizationName}} will be deleted on {{deletesAt}}',
		props: organization.extend({ actorName, deletesAt: text('The day of the deletion') }),
		sample: { ...organizationSample, actorName: 'Ada Moreau', deletesAt: '1 December 2026' }
	}),
	'organization-deletion-cancelled': defineEmail({
		description: 'To the members: the organization will not be deleted after all.',
		subject: '{{organizationName}} stays',
		props: organization.extend({ actorName }),
		sample: { ...organizationSample, actorName: 'Ada Moreau' }
	}),
	'organization-deleted': defineEmail({
		description: 'To the members: the organization has been deleted.',
		subject: '{{organizationName}} has been deleted',
		props: z.strictObject({ organizationName, firstName }),
		sample: { organizationName: 'Northwind Logistics', firstName: 'Grace' }
	}),
	...accessEmails,
	...credentialEmails,
	...invitationEmails,
	...productEmails,
	'member-role-changed': defineEmail({
		description: 'To a member whose role was changed.',
		topic: 'roles',
		subject: 'Your role in {{organizationName}} is now {{roleLabel}}',
		props: organization.extend({
			previousRoleLabel: text('The role before the change'),
			roleLabel,
			actorName
		}),
		sample: {
			...organizationSample,
			previousRoleLabel: 'Team member',
			roleLabel: 'Super admin',
			actorName: 'Mei Tanaka'
		}
	}),
	'organizations-requested': defineEmail({
		description: 'To the portal admins: several organizations asked within a minute, in one message.',
		topic: 'requests',
		subject: '{{count}} organizations ask to join',
		// One request a line.
		props: z.strictObject({
			count: text('How many requests there are'),
			requests: text('The requests, one a line'),
			reviewUrl
		}),
		sample: {
			count: '2',
			requests:
				'Northwind Logistics – Grace Okafor (grace@northwind.example)\nLumen Energy – Omar Haddad (omar@lumen.example) Nobody has confirmed this address.',
			reviewUrl: `${sampleUrl}/admin/organizations?status=pending`
		}
	}),
	'mail-server-tested': defineEmail({
		description: 'To the portal admin who tries the mail server in "Settings" > "E-mail".',
		subject: 'Test e-mail of {{portalName}}',
		props: z.strictObject({ actorName, host: text('The mail server') }),
		sample: { actorName: 'Ada Moreau', host: 'smtp.example.com' }
	}),
	'member-removed': defineEmail({
		description: 'To a member who was removed.',
		subject: 'You are no longer a member of {{organizationName}}',
		props: z.strictObject({ organizationName, firstName, actorName }),
		sample: { organizationName: 'Northwind Logistics', firstName: 'Linus', actorName: 'Grace Okafor' }
	}),
	'member-left': defineEmail({
		description: 'To the Super admins: somebody has gone who knows credentials that still work.',
		subject: '{{memberName}} has left {{organizationName}} and knows credentials',
		props: z.strictObject({
			organizationName,
			firstName,
			memberName: text('Who has left'),
			credentials,
			usersUrl
		}),
		sample: {
			organizationName: 'Northwind Logistics',
			firstName: 'Grace',
			memberName: 'Linus Berg',
			credentials: 'Parcel tracking: Default (…x7Qa), Warehouse robots: Staging (…k2Lm)',
			usersUrl: `${sampleUrl}/orgs/northwind-logistics/users`
		}
	})
};

export type EmailName = keyof typeof catalogue;
export type EmailProps<Name extends EmailName> = z.infer<(typeof catalogue)[Name]['props']>;

export function isEmailName(name: string): name is EmailName {
	return Object.hasOwn(catalogue, name);
}
