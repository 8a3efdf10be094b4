import { sql } from 'kysely';
import type { Logger } from 'pino';
import { fullName } from '#lib/views.ts';
import type { Db } from '../../database/database.ts';
import { isInForce } from './validity.ts';
import { publish } from '../../news/publish.ts';
import { transact } from '../../database/transaction.ts';
import { system } from '../../api/trpc.ts';
import { getCredential } from './credentials.ts';
import { listMembers } from '../members/members.ts';
import type { WritingContext } from '../organizations/organizations.ts';

/** Credentials that are about to end by themselves. What was rotated has its successor, and is none of them. */

const daysBefore = 7;

/** A week before the end, of short-lived ones when a quarter of their time is left. */
const isNear = sql<boolean>`
	expires_at - now() <= least(make_interval(days => ${daysBefore}), (expires_at - credential.created_at) / 4)`;

type Parts = { db: Db; log: Logger } & Omit<WritingContext, 'db' | 'actor' | 'organization'>;

const selectExpiring = (db: Db) =>
	db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.innerJoin('organization', 'organization.id', 'application.organizationId')
		.where('credential.expiresAt', '>', sql<Date>`now()`)
		.where('credential.expiresAt', '<=', sql<Date>`now() + make_interval(days => ${daysBefore})`)
		.where('credential.revokedAt', 'is', null)
		.where('credential.expiryToldAt', 'is', null)
		.where('credential.isReplaced', '=', false)
		.where(isInForce)
		.where(isNear);

/**
 * Tells the people of each once; each in a transaction of its own, so that one that fails holds up no other.
 * @throws {Error} once all have been tried, when one of them failed.
 */
export async function tellExpiring(parts: Parts): Promise<void> {
	const due = await selectExpiring(parts.db)
		.select(['credential.id', 'organization.id as organizationId'])
		.orderBy('credential.expiresAt')
		.limit(500)
		.execute();
	let failed = 0;
	for (const { id, organizationId } of due) {
		try {
			await transact(parts.db, (db) => tell({ ...parts, db, actor: system }, organizationId, id));
		} catch (error) {
			parts.log.error({ err: error, credentialId: id }, 'an expiry could not be told');
			failed += 1;
		}
	}
	if (failed > 0) throw new Error(`${failed} of ${due.length} expiries could not be told`);
}

async function tell(ctx: WritingContext, organizationId: string, credentialId: string): Promise<void> {
	const { db } = ctx;
	await db.selectFrom('organization').select('id').where('id', '=', organizationId).forUpdate().execute();
	const row = await selectExpiring(db)
		.select([
			'organization.id',
			'organization.isPersonal',
			'organization.name',
			'organization.slug',
			'application.id as applicationId',
			'application.name as applicationName'
		])
		.where('credential.id', '=', credentialId)
		.where('organization.id', '=', organizationId)
		.executeTakeFirst();
	// Rotated, revoked or moved in the meantime, or told by another process.
	if (!row) return;
	const { applicationId, applicationName } = row;
	await db
		.updateTable('credential')
		.set({ expiryToldAt: new Date() })
		.where('id', '=', credentialId)
		.execute();
	const credential = await getCredential(db, credentialId);
	const endsOn = new Date(credential.expiresAt ?? 0).toLocaleDateString('en-GB', {
		dateStyle: 'long',
		timeZone: 'UTC'
	});
	const readers = (await listMembers(db, organizationId)).filter(
		(member) => member.role === 'super_admin' || member.userId === credential.createdBy?.id
	);
	const recipients = readers.map((member) => ({
		to: { name: fullName(member), address: member.email },
		props: {
			organizationName: row.name,
			firstName: member.firstName,
			applicationName,
			label: credential.label,
			lastFour: credential.lastFour,
			endsOn,
			applicationUrl: `${ctx.config.ORIGIN}/orgs/${row.slug}/applications/${applicationId}`
		}
	}));
	await ctx.outbox.enqueueMany(db, 'credential-expiring', recipients);
	await publish({ ...ctx, organization: row }, 'credential.expiring', {
		applicationId,
		applicationName,
		credential
	});
}
