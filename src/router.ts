import { accountsRouter } from './procedures/accounts.ts';
import { alarmsRouter } from './procedures/alarms.ts';
import { addressesRouter } from './procedures/addresses.ts';
import { activityRouter } from './procedures/activity.ts';
import { applicationsRouter } from './procedures/applications.ts';
import { credentialsRouter } from './procedures/credentials.ts';
import { deletionsRouter } from './procedures/deletions.ts';
import { decisionsRouter } from './procedures/decisions.ts';
import { brandsRouter } from './procedures/brands.ts';
import { emailsRouter } from './procedures/emails.ts';
import { invitationsRouter } from './procedures/invitations.ts';
import { inviteesRouter } from './procedures/invitees.ts';
import { acceptancesRouter } from './procedures/acceptances.ts';
import { mailServersRouter } from './procedures/mailservers.ts';
import { membersRouter } from './procedures/members.ts';
import { messagesRouter } from './procedures/messages.ts';
import { organizationsRouter } from './procedures/organizations.ts';
import { figuresRouter } from './procedures/figures.ts';
import { partnersRouter } from './procedures/partners.ts';
import { profilesRouter } from './procedures/profiles.ts';
import { preferencesRouter } from './procedures/preferences.ts';
import { registriesRouter } from './procedures/registries.ts';
import { resetsRouter } from './procedures/resets.ts';
import { sessionsRouter } from './procedures/sessions.ts';
import { settingsRouter } from './procedures/settings.ts';
import { setupRouter } from './procedures/setup.ts';
import { usersRouter } from './procedures/users.ts';
import { createCallerFactory, mergeRouters, router } from './trpc.ts';

export const appRouter = router({
	accounts: mergeRouters(accountsRouter, addressesRouter, profilesRouter, resetsRouter, usersRouter),
	activity: activityRouter,
	alarms: alarmsRouter,
	applications: applicationsRouter,
	credentials: credentialsRouter,
	emails: mergeRouters(emailsRouter, brandsRouter),
	invitations: mergeRouters(invitationsRouter, inviteesRouter, acceptancesRouter),
	mailServers: mailServersRouter,
	members: membersRouter,
	messages: messagesRouter,
	organizations: mergeRouters(
		organizationsRouter,
		decisionsRouter,
		deletionsRouter,
		partnersRouter,
		registriesRouter
	),
	figures: figuresRouter,
	preferences: preferencesRouter,
	sessions: sessionsRouter,
	settings: settingsRouter,
	setup: setupRouter
});

export type AppRouter = typeof appRouter;

/** Calls procedures without HTTP, through the same builders. */
export const createCaller = createCallerFactory(appRouter);
