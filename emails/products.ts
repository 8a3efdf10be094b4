import { z } from 'zod';
import { defineEmail } from './email.ts';
import { firstName, organizationName, planName, productName, sampleUrl, text, url } from './variables.ts';

/** The e-mails about API products and their plans. */

const lineOf = ({ organizationName, productName, planName, limits }: Record<string, string>) =>
	`${organizationName} – ${productName}, plan ${planName}: ${limits}`;

const applicationsUrl = url('The address of the organization’s applications');

export const productEmails = {
	'plan-limited': defineEmail({
		description: 'To the members: a plan by which applications of theirs call an API has other limits.',
		topic: 'plans',
		subject: '{{productName}} allows {{limits}} now',
		props: z.strictObject({
			organizationName,
			firstName,
			productName,
			planName,
			limits: text('How often each application may call it from now on'),
			applications: text('The applications that have it by this plan, one a line'),
			applicationsUrl
		}),
		sample: {
			organizationName: 'Northwind Logistics',
			firstName: 'Grace',
			productName: 'Parcel API',
			planName: 'Standard',
			limits: '20 requests a second, 500,000 a month',
			applications: 'Parcel tracking\nWarehouse robots',
			applicationsUrl: `${sampleUrl}/orgs/northwind-logistics/applications`
		},
		// Several within a minute become one message.
		gathering: {
			into: 'plans-limited',
			gather: (all) => ({
				firstName: all[0]?.firstName ?? '',
				count: String(all.length),
				plans: all.map(lineOf).join('\n'),
				applicationsUrl: all[0]?.applicationsUrl ?? ''
			})
		}
	}),
	'plan-aged': defineEmail({
		description:
			'To the members: a plan by which applications of theirs call an API takes credentials of another age.',
		topic: 'plans',
		subject: '{{productName}} takes {{age}} now',
		props: z.strictObject({
			organizationName,
			firstName,
			productName,
			planName,
			age: text('How old credentials may be, such as “credentials up to 30 days old”'),
			consequence: text('Whether credentials are too old by that, or will be'),
			credentials: text(
				'Those, one a line, with the day from which on each is too old; empty where there are none'
			),
			applicationsUrl
		}),
		sample: {
			organizationName: 'Northwind Logistics',
			firstName: 'Grace',
			productName: 'Parcel API',
			planName: 'Standard',
			age: 'credentials up to 30 days old',
			consequence: 'These credentials are too old for it, or will be: rotate them.',
			credentials:
				'Parcel tracking – Production (…x7Qa): too old since 12 November 2026\nWarehouse robots – Default (…k2Lm): until 20 December 2026',
			applicationsUrl: `${sampleUrl}/orgs/northwind-logistics/applications`
		}
	}),
	'product-retiring': defineEmail({
		description:
			'To the members: an API that applications of theirs call is going to be retired, is retired, or goes on after all.',
		topic: 'access',
		subject: '{{productName}} {{news}}',
		props: z.strictObject({
			organizationName,
			firstName,
			productName,
			news: text('“is retired on” and the day, “is retired”, or “goes on”'),
			consequence: text('What that means for whoever has access'),
			applications: text('The applications that have access, one a line'),
			applicationsUrl
		}),
		sample: {
			organizationName: 'Northwind Logistics',
			firstName: 'Grace',
			productName: 'Parcel API',
			news: 'is retired on 31 January 2027',
			consequence: 'From then on nobody new gets it. What has access keeps it until the provider ends it.',
			applications: 'Parcel tracking\nWarehouse robots',
			applicationsUrl: `${sampleUrl}/orgs/northwind-logistics/applications`
		}
	}),
	'plans-limited': defineEmail({
		description: 'To the members: several plans got other limits within a minute, in one message.',
		topic: 'plans',
		subject: '{{count}} plans have other limits now',
		props: z.strictObject({
			firstName,
			count: text('How many plans there are'),
			plans: text('The plans with their limits, one a line'),
			applicationsUrl
		}),
		sample: {
			firstName: 'Grace',
			count: '2',
			plans:
				'Northwind Logistics – Parcel API, plan Standard: 20 requests a second, 500,000 a month\nNorthwind Logistics – Rates API, plan Free: 1,000 requests a month',
			applicationsUrl: `${sampleUrl}/orgs/northwind-logistics/applications`
		}
	})
};
