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

/**
 * Credentials that end by themselves. A week before, people are told of those that nobody has replaced; at the end itself
 * of every one, also of what was rotated and has had its last hours.
 */

const daysBefore = 7;

/** A week before the end, of short-lived ones when a quarter of their time is left. */
const isNear = sql<boolean>`
	expires_at - now() <= least(make_interval(days => ${daysBefore}), (expires_at - credential.created_at) / 4)`;

type Parts = { db: Db; log: Logger } & Omit<WritingContext, 'db' | 'actor' | 'organization'>;

const selectEnding = (db: Db) =>
	db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.innerJoin('organization', 'organization.id', 'application.organizationId')
		.where('credential.revokedAt', 'is', null);

const kinds = {
	expiring: {
		select: (db: Db) =>
			selectEnding(db)
				.where('credential.expiresAt', '>', sql<Date>`now()`)
				.where('credential.expiresAt', '<=', sql<Date>`now() + make_interval(days => ${daysBefore})`)
				.where('credential.expiryToldAt', 'is', null)
				.where('credential.isReplaced', '=', false)
				.where(isInForce)
				.where(isNear),
		told: 'expiryToldAt'
	},
	expired: {
		select: (db: Db) =>
			selectEnding(db)
				.where('credential.expiresAt', '<=', sql<Date>`now()`)
				.where('credential.endedToldAt', 'is', null),
		told: 'endedToldAt'
	}
} as const;
type Kind = keyof typeof kinds;

/**
 * Tells the people of each once; each in a transaction of its own, so that one that fails holds up no other.
 * @throws {Error} once all have been tried, when one of them failed.
 */
export async function tellEnds(parts: Parts): Promise<void> {
	let failed = 0;
	// What has ended works no longer: that first.
	for (const kind of ['expired', 'expiring'] as const) {
		const due = await kinds[kind]
			.select(parts.db)
			.select(['credential.id', 'organization.id as organizationId'])
			.orderBy('credential.expiresAt')
			.limit(500)
			.execute();
		for (const { id, organizationId } of due) {
			try {
				await transact(parts.db, (db) => tell({ ...parts, db, actor: system }, kind, organizationId, id));
			} catch (error) {
				parts.log.error({ err: error, credentialId: id }, 'an expiry could not be told');
				failed += 1;
			}
		}
	}
	if (failed > 0) throw new Error(`${failed} expiries could not be told`);
}

/** The seconds of the coming minute after which some credential has ended. */
export async function listComingEnds(db: Db): Promise<Date[]> {
	const rows = await selectEnding(db)
		.select(sql<Date>`date_trunc('second', credential.expires_at) + interval '1 second'`.as('at'))
		.distinct()
		.where('credential.expiresAt', '>', sql<Date>`now()`)
		.where('credential.expiresAt', '<=', sql<Date>`now() + interval '1 minute'`)
		.where('credential.endedToldAt', 'is', null)
		.execute();
	return rows.map(({ at }) => at);
}

async function tell(
	ctx: WritingContext,
	kind: Kind,
	organizationId: string,
	credentialId: string
): Promise<void> {
	const { db } = ctx;
	await db.selectFrom('organization').select('id').where('id', '=', organizationId).forUpdate().execute();
	const row = await kinds[kind]
		.select(db)
		.select([
			'organization.id',
			'organization.isPersonal',
			'organization.name',
			'organization.slug',
			'application.id as applicationId',
			'application.name as applicationName',
			'credential.isReplaced'
		])
		.where('credential.id', '=', credentialId)
		.where('organization.id', '=', organizationId)
		.executeTakeFirst();
	// Rotated, revoked or moved in the meantime, or told by another process.
	if (!row) return;
	const { applicationId, applicationName, isReplaced } = row;
	await db
		.updateTable('credential')
		.set({ [kinds[kind].told]: new Date() })
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
			applicationUrl: `${ctx.config.ORIGIN}/orgs/${row.slug}/applications/${applicationId}`
		}
	}));
	const event = { applicationId, applicationName, credential };
	const place = { ...ctx, organization: row };
	if (kind === 'expiring') {
		const dated = recipients.map(({ to, props }) => ({ to, props: { ...props, endsOn } }));
		await ctx.outbox.enqueueMany(db, 'credential-expiring', dated);
		await publish(place, 'credential.expiring', event);
		return;
	}
	const successor = isReplaced ? 'Another credential has taken its place.' : '';
	const ended = recipients.map(({ to, props }) => ({ to, props: { ...props, successor } }));
	await ctx.outbox.enqueueMany(db, 'credential-expired', ended);
	await publish(place, 'credential.expired', { ...event, isReplaced });
}
