import { z } from 'zod';
import { defineEmail } from './email.ts';
import {
	firstName,
	invitation,
	invitationSample,
	organizationName,
	sampleUrl,
	text,
	usersUrl
} from './variables.ts';

/** The e-mails about an invitation: to whom it is for, and to whoever has sent it. */

const answered = z.strictObject({
	organizationName,
	firstName,
	inviteeName: text('Who was invited'),
	answer: text('“has joined” or “has declined to join”'),
	usersUrl
});

export const invitationEmails = {
	'invitation-created': defineEmail({
		description: 'To an invitee without an account.',
		subject: '{{inviterName}} invites you to {{organizationName}}',
		props: invitation,
		sample: invitationSample
	}),
	'invitation-created-existing': defineEmail({
		description: 'To an invitee who has an account.',
		subject: '{{inviterName}} invites you to {{organizationName}}',
		props: invitation,
		sample: invitationSample
	}),
	'invitation-answered': defineEmail({
		description: 'To whoever has invited somebody: they have joined or declined.',
		anyone: 'proof',
		topic: 'answers',
		subject: '{{inviteeName}} {{answer}} {{organizationName}}',
		props: answered,
		sample: {
			organizationName: 'Northwind Logistics',
			firstName: 'Grace',
			inviteeName: 'Linus Berg',
			answer: 'has joined',
			usersUrl: `${sampleUrl}/orgs/northwind-logistics/users`
		},
		// A list of colleagues is often invited at once, and answers within the same minutes.
		gathering: {
			into: 'invitations-answered',
			gather: (all) => ({
				count: String(all.length),
				firstName: all[0]?.firstName ?? '',
				answers: all
					.map(({ inviteeName, answer, organizationName }) => `${inviteeName} ${answer} ${organizationName}`)
					.join('\n'),
				usersUrl: all[0]?.usersUrl ?? ''
			})
		}
	}),
	'invitations-answered': defineEmail({
		description: 'To whoever has invited people: several have answered within a minute, in one message.',
		topic: 'answers',
		subject: '{{count}} people have answered your invitations',
		// One answer a line.
		props: z.strictObject({
			count: text('How many have answered'),
			firstName,
			answers: text('The answers, one a line'),
			usersUrl
		}),
		sample: {
			count: '2',
			firstName: 'Grace',
			answers:
				'Linus Berg has joined Northwind Logistics\nMei Tanaka has declined to join Northwind Logistics',
			usersUrl: `${sampleUrl}/orgs/northwind-logistics/users`
		}
	})
};
