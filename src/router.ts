import { accessesRouter } from './procedures/accesses/accesses.ts';
import { accessDecisionsRouter } from './procedures/accesses/decisions.ts';
import { endingsRouter } from './procedures/accesses/endings.ts';
import { requestsRouter } from './procedures/accesses/requests.ts';
import { accountsRouter } from './procedures/accounts/accounts.ts';
import { alarmsRouter } from './procedures/alarms/alarms.ts';
import { addressesRouter } from './procedures/accounts/addresses.ts';
import { activityRouter } from './procedures/activity/activity.ts';
import { applicationsRouter } from './procedures/applications/applications.ts';
import { credentialsRouter } from './procedures/credentials/credentials.ts';
import { openingRouter } from './procedures/credentials/opening.ts';
import { revocationsRouter } from './procedures/credentials/revocations.ts';
import { deletionsRouter } from './procedures/organizations/deletions.ts';
import { organizationDecisionsRouter } from './procedures/organizations/decisions.ts';
import { brandsRouter } from './procedures/emails/brands.ts';
import { documentsRouter } from './procedures/documents/documents.ts';
import { emailsRouter } from './procedures/emails/emails.ts';
import { gatewaysRouter } from './procedures/gateways/gateways.ts';
import { invitationsRouter } from './procedures/invitations/invitations.ts';
import { inviteesRouter } from './procedures/invitations/invitees.ts';
import { findingRouter } from './procedures/invitations/finding.ts';
import { acceptancesRouter } from './procedures/invitations/acceptances.ts';
import { mailServersRouter } from './procedures/mailServers/mail-servers.ts';
import { membersRouter } from './procedures/members/members.ts';
import { rosterRouter } from './procedures/members/roster.ts';
import { messagesRouter } from './procedures/messages/messages.ts';
import { organizationsRouter } from './procedures/organizations/organizations.ts';
import { snapshotsRouter } from './procedures/organizations/snapshots.ts';
import { figuresRouter } from './procedures/figures/figures.ts';
import { partnersRouter } from './procedures/organizations/partners.ts';
import { profilesRouter } from './procedures/accounts/profiles.ts';
import { preferencesRouter } from './procedures/preferences/preferences.ts';
import { organizationAdministrationRouter } from './procedures/organizations/administration.ts';
import { plansRouter } from './procedures/plans/plans.ts';
import { audiencesRouter } from './procedures/products/audiences.ts';
import { catalogueRouter } from './procedures/products/catalogue.ts';
import { productsRouter } from './procedures/products/products.ts';
import { quotasRouter } from './procedures/quotas/quotas.ts';
import { resetsRouter } from './procedures/accounts/resets.ts';
import { sessionsRouter } from './procedures/sessions/sessions.ts';
import { settingsRouter } from './procedures/settings/settings.ts';
import { setupRouter } from './procedures/setup/setup.ts';
import { idleRouter } from './procedures/usage/idle.ts';
import { overviewRouter } from './procedures/usage/overview.ts';
import { usageRouter } from './procedures/usage/usage.ts';
import { accountAdministrationRouter } from './procedures/accounts/administration.ts';
import { createCallerFactory, mergeRouters, router } from './api/trpc.ts';

export const appRouter = router({
	accesses: mergeRouters(accessesRouter, accessDecisionsRouter, endingsRouter, requestsRouter),
	accounts: mergeRouters(
		accountsRouter,
		addressesRouter,
		profilesRouter,
		resetsRouter,
		accountAdministrationRouter
	),
	activity: activityRouter,
	alarms: alarmsRouter,
	applications: applicationsRouter,
	credentials: mergeRouters(credentialsRouter, openingRouter, revocationsRouter),
	documents: documentsRouter,
	emails: mergeRouters(emailsRouter, brandsRouter),
	gateways: gatewaysRouter,
	invitations: mergeRouters(invitationsRouter, inviteesRouter, acceptancesRouter, findingRouter),
	mailServers: mailServersRouter,
	members: mergeRouters(membersRouter, rosterRouter),
	messages: messagesRouter,
	organizations: mergeRouters(
		organizationsRouter,
		snapshotsRouter,
		organizationDecisionsRouter,
		deletionsRouter,
		partnersRouter,
		organizationAdministrationRouter
	),
	figures: figuresRouter,
	plans: plansRouter,
	preferences: preferencesRouter,
	products: mergeRouters(productsRouter, audiencesRouter, catalogueRouter),
	quotas: quotasRouter,
	sessions: sessionsRouter,
	settings: settingsRouter,
	setup: setupRouter,
	usage: mergeRouters(usageRouter, idleRouter, overviewRouter)
});

export type AppRouter = typeof appRouter;

/** Calls procedures without HTTP, through the same builders. */
export const createCaller = createCallerFactory(appRouter);
