import { z } from 'zod';
import { defineEmail } from './email.ts';
import {
	actorName,
	applicationName,
	applicationUrl,
	firstName,
	organizationName,
	planName,
	productName,
	reason,
	requesterName,
	reviewUrl,
	sampleUrl,
	text
} from './variables.ts';

/** The e-mails about who may call which API product. */

const access = z.strictObject({
	organizationName,
	firstName,
	applicationName,
	productName,
	applicationUrl
});

const sample = {
	organizationName: 'Northwind Logistics',
	firstName: 'Grace',
	applicationName: 'Parcel tracking',
	productName: 'Parcels API',
	applicationUrl: `${sampleUrl}/orgs/northwind-logistics/applications/sample`
};

const lineOf = ({
	organizationName,
	applicationName,
	productName,
	planName,
	requesterName
}: Record<string, string>) =>
	`${organizationName} – ${applicationName} to ${productName}, plan ${planName} (${requesterName})`;

export const accessEmails = {
	'access-requested': defineEmail({
		description: 'To the portal admins: an application waits for access to an API product.',
		topic: 'requests',
		subject: '{{organizationName}} asks for access to {{productName}}',
		props: z.strictObject({
			requesterName,
			organizationName,
			applicationName,
			productName,
			planName,
			reviewUrl
		}),
		sample: {
			requesterName: 'Grace Okafor',
			organizationName: 'Northwind Logistics',
			applicationName: 'Parcel tracking',
			productName: 'Parcels API',
			planName: 'Business',
			reviewUrl: `${sampleUrl}/admin/access`
		},
		// Several within a minute become one message.
		gathering: {
			into: 'accesses-requested',
			gather: (all) => ({
				count: String(all.length),
				requests: all.map(lineOf).join('\n'),
				reviewUrl: all[0]?.reviewUrl ?? ''
			})
		}
	}),
	'accesses-requested': defineEmail({
		description:
			'To the portal admins: several applications asked for access within a minute, in one message.',
		topic: 'requests',
		subject: '{{count}} applications ask for access',
		// One request a line.
		props: z.strictObject({
			count: text('How many requests there are'),
			requests: text('The requests, one a line'),
			reviewUrl
		}),
		sample: {
			count: '2',
			requests:
				'Northwind Logistics – Parcel tracking to Parcels API, plan Business (Grace Okafor)\nLumen Energy – Tariff calculator to Rates API, plan Trial (Omar Haddad)',
			reviewUrl: `${sampleUrl}/admin/access`
		}
	}),
	'access-approved': defineEmail({
		description: 'To the Super admins and whoever asked: an application has access to an API product.',
		topic: 'access',
		subject: '{{applicationName}} has access to {{productName}}',
		props: access.extend({ planName }),
		sample: { ...sample, planName: 'Business' }
	}),
	'access-rejected': defineEmail({
		description:
			'To the Super admins and whoever asked: access to an API product was rejected, with the reason if one was given.',
		topic: 'access',
		subject: '{{applicationName}} gets no access to {{productName}}',
		props: access.extend({ planName, reason }),
		sample: { ...sample, planName: 'Business', reason: 'Please try it with the plan Trial first.' }
	}),
	'access-ended': defineEmail({
		description:
			'To the Super admins and whoever asked: access to an API product has ended, or ends on a day.',
		topic: 'access',
		subject: 'Access of {{applicationName}} to {{productName}} {{ends}}',
		props: access.extend({
			actorName,
			ends: text('“has ended”, or “ends on” with the day'),
			consequence: text('From when on credentials don’t open the API any more'),
			reason
		}),
		sample: {
			...sample,
			actorName: 'Ada Moreau',
			ends: 'ends on 1 December 2026',
			consequence: 'From 1 December 2026 on its credentials don’t open it any more.',
			reason: 'The contract ends.'
		}
	}),
	'access-kept': defineEmail({
		description: 'To the Super admins and whoever asked: access to an API product does not end after all.',
		topic: 'access',
		subject: 'Access of {{applicationName}} to {{productName}} goes on',
		props: access.extend({ actorName }),
		sample: { ...sample, actorName: 'Ada Moreau' }
	})
};
