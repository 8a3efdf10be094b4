import { sql, type Selectable, type SqlBool } from 'kysely';
import { fullName } from '#lib/views.ts';
import type { Trx } from '../../database/database.ts';
import { forgetDevices } from '../../identity/devices.ts';
import { deleteLinks } from '../../identity/links.ts';
import { publish } from '../../news/publish.ts';
import { endOtherSessions, endSessions, listSessions } from '../../identity/sessions.ts';
import type { Tables } from '../../database/tables.ts';
import { hashToken } from '../../identity/tokens.ts';
import { system, type Context } from '../../api/trpc.ts';
import { getCredential } from '../credentials/credentials.ts';
import { listKnownTo } from '../credentials/exposures.ts';
import type { lockOrganizations } from './administration.ts';
import { clearSignInLimits } from '../../identity/sign-in-limits.ts';

/**
 * The owner of an address has come: somebody has proven that the address of an account is theirs, which nobody had
 * before. Whoever registered it may have been a stranger. So all that does not come from the proof ends: sessions,
 * known browsers, links, and the credentials that were there to be seen. The password is the caller's to replace.
 *
 * Every proof passes here: the confirmation, a reset, an invitation, and what the environment says of the first admin.
 */
export async function welcomeOwner(
	ctx: Pick<Context, 'config' | 'outbox'> & { device?: Context['device'] },
	db: Trx,
	account: Selectable<Tables['account']>,
	/** Locked before the account: where credentials may be that somebody else has seen. */
	places: Awaited<ReturnType<typeof lockOrganizations>>,
	/** The session that the proof comes from; null where it comes from none. */
	keptSessionId: string | null
): Promise<void> {
	const sessions = await listSessions(db, account.id);
	const kept = sessions.find(({ id }) => id === keptSessionId);
	// Whose only session has proven the address has made what was made since it began.
	const since = kept && sessions.length === 1 ? kept.createdAt : null;
	const revoked: string[] = [];
	for (const { organization } of places) {
		const isOwn = organization.isPersonal && organization.requestedBy === account.id;
		const seen = isOwn
			? await listOwn(db, organization.id, since)
			: since
				? []
				: await listKnownTo(db, organization.id, account.id);
		for (const { id, applicationId, applicationName } of seen) {
			await db.updateTable('credential').set({ revokedAt: new Date() }).where('id', '=', id).execute();
			const credential = await getCredential(db, id);
			await publish({ db, actor: system, organization }, 'credential.revoked', {
				applicationId,
				applicationName,
				credential
			});
			revoked.push(`${applicationName}: ${credential.label} (…${credential.lastFour})`);
		}
	}
	await clearSignInLimits(db, account);
	await forgetDevices(db, account.id, kept && ctx.device?.token ? hashToken(ctx.device.token) : null);
	await deleteLinks(db, account.id, ['verification', 'reset', 'change']);
	if (kept) await endOtherSessions(db, account.id, kept.id);
	else await endSessions(db, account.id);
	if (revoked.length === 0) return;
	await ctx.outbox.enqueue(db, { name: fullName(account), address: account.email }, 'credentials-revoked', {
		firstName: account.firstName,
		credentials: revoked.join('\n'),
		dashboardUrl: `${ctx.config.ORIGIN}/dashboard`
	});
}

/** The credentials of the personal space that work, but for those that were made since. */
function listOwn(db: Trx, organizationId: string, since: Date | null) {
	return db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.select(['credential.id', 'application.id as applicationId', 'application.name as applicationName'])
		.where('application.organizationId', '=', organizationId)
		.where('credential.revokedAt', 'is', null)
		.where(sql<SqlBool>`(credential.expires_at is null or credential.expires_at > now())`)
		.$if(since !== null, (query) => query.where('credential.createdAt', '<', since ?? new Date()))
		.orderBy('application.name')
		.orderBy('credential.id')
		.execute();
}
