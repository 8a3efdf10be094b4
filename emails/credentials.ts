import { z } from 'zod';
import { defineEmail } from './email.ts';
import {
	actorName,
	applicationName,
	applicationUrl,
	firstName,
	organizationName,
	sampleUrl,
	text
} from './variables.ts';

/** The e-mails about one credential, none of which holds more of it than its last four characters. */

const credential = z.strictObject({
	organizationName,
	firstName,
	applicationName,
	label: text('What the credential is called'),
	lastFour: text('The last four characters of the credential'),
	applicationUrl
});

const sample = {
	organizationName: 'Northwind Logistics',
	firstName: 'Grace',
	applicationName: 'Parcel tracking',
	label: 'Production',
	lastFour: 'x7Qa',
	applicationUrl: `${sampleUrl}/orgs/northwind-logistics/applications/sample`
};

export const credentialEmails = {
	'credential-changed': defineEmail({
		description: 'To the members who ask for it: a teammate has created, rotated or revoked a credential.',
		topic: 'credentials',
		subject: '{{actorName}} has {{change}} a credential of {{applicationName}}',
		props: credential.extend({
			actorName,
			change: text('“created”, “rotated” or “revoked”'),
			consequence: text('What works no longer, and from when on; empty where everything does')
		}),
		sample: {
			...sample,
			actorName: 'Mei Tanaka',
			change: 'rotated',
			consequence: 'It takes the place of …k2Lm, which works until Tue, 01 Dec 2026 09:00 UTC.'
		}
	}),
	'credential-expiring': defineEmail({
		description: 'To the Super admins and whoever created it: a credential ends soon.',
		topic: 'expiries',
		subject: 'A credential of {{applicationName}} ends on {{endsOn}}',
		props: credential.extend({ endsOn: text('The day on which it stops working') }),
		sample: { ...sample, endsOn: '1 December 2026' }
	}),
	'credential-aging': defineEmail({
		description:
			'To the Super admins and whoever created it: a credential will soon be too old for an API, by its plan.',
		topic: 'expiries',
		subject: 'A credential of {{applicationName}} opens {{productName}} until {{endsOn}}',
		props: credential.extend({
			productName: text('The name of the API product, of several with commas between them'),
			endsOn: text('The day from which on it is too old')
		}),
		sample: { ...sample, productName: 'Parcel API', endsOn: '1 December 2026' }
	}),
	'credential-expired': defineEmail({
		description: 'To the Super admins and whoever created it: a credential has ended.',
		topic: 'expiries',
		subject: 'A credential of {{applicationName}} has ended',
		props: credential.extend({
			successor: text('That another one has taken its place; empty where none has')
		}),
		sample: { ...sample, successor: 'Another credential has taken its place.' }
	}),
	'limit-near': defineEmail({
		description: 'To the Super admins: an application has used 80 % of what a month holds, or all of it.',
		topic: 'limits',
		subject: '{{applicationName}} has used {{share}} of this month’s {{requests}}',
		props: z.strictObject({
			organizationName,
			firstName,
			applicationName,
			share: text('“80 %” or “all”'),
			requests: text('“requests”, or with which API: “requests with Parcel tracking”'),
			subject: text('What the limit is for: the application, or one of its credentials'),
			most: text('How many requests a month holds'),
			beginsAnew: text('The day on which the next month begins'),
			consequence: text('What happens to more requests'),
			applicationUrl
		}),
		sample: {
			organizationName: sample.organizationName,
			firstName: sample.firstName,
			applicationName: sample.applicationName,
			share: '80 %',
			requests: 'requests',
			subject: 'The application',
			most: '1,000,000',
			beginsAnew: '1 December 2026',
			consequence: 'Once all are used, more are refused until then.',
			applicationUrl: sample.applicationUrl
		}
	})
};
