import { sql } from 'kysely';
import type { Logger } from 'pino';
import { sayDay } from '#lib/dates.ts';
import { fullName } from '#lib/views.ts';
import { holdOrganization } from '../../api/grants.ts';
import type { Db } from '../../database/database.ts';
import { isHolderActive } from './validity.ts';
import { publish } from '../../news/publish.ts';
import { transact } from '../../database/transaction.ts';
import { system, type WritingContext } from '../../api/trpc.ts';
import { getCredential } from './credentials.ts';
import { listMembers } from '../../people/members.ts';

/**
 * Credentials that end by themselves, or are too old for a plan. A week before, people are told of those that nobody has replaced;
 * at the end itself of every one, also of what was rotated and has had its last hours.
 */

const daysBefore = 7;

/** A week before the end, of short-lived ones when a quarter of their time is left. */
const isNear = sql<boolean>`
	ending.ends_at - now() <= least(make_interval(days => ${daysBefore}), (ending.ends_at - credential.created_at) / 4)`;

interface Ending {
	id: string;
	endsAt: Date;
	/** The names of those that the credential is too old for from then on; null where it ends itself. */
	products: string | null;
}

/** Beside the row of a credential. */
const own = sql<Ending>`(
	select credential.id, credential.expires_at as ends_at, null::text as products
)`.as('ending');

/** From when on a credential is too old for a plan, as `agedAt` of lib/ages.ts has it. */
const agedAt = sql`key.created_at + make_interval(secs => plan.credential_days * 86400.0)`;

/**
 * Of each credential the end within the next days that comes first: its own, or from when on it is too old for what it opens by a
 * plan. What ends in the same minute as itself, or as the access, is no end of its own.
 */
const first = sql<Ending>`(
	select distinct on (id) id, ends_at, products
	from (
		select id, expires_at as ends_at, null::text as products
		from credential
		where expires_at > now() and expires_at <= now() + make_interval(days => ${daysBefore})
			and revoked_at is null and not is_replaced
		union all
		select key.id, ${agedAt}, string_agg(product.name, ', ' order by product.name)
		from plan
		join access on access.plan_id = plan.id
		join product on product.id = access.product_id
		join credential as key on key.application_id = access.application_id
		where plan.credential_days > 0
			and key.created_at > now() - make_interval(secs => plan.credential_days * 86400.0)
			and key.created_at <= now() + make_interval(secs => (${daysBefore} - plan.credential_days) * 86400.0)
			and coalesce(least(key.expires_at, access.ends_at) > ${agedAt} + interval '1 minute', true)
		group by key.id, ${agedAt}
	) as either_end
	order by id, ends_at
)`.as('ending');

/** A plan may have another age by now: what was told of one end says nothing of another. */
const isUntold = sql<boolean>`
	coalesce(abs(extract(epoch from credential.told_end_at - ending.ends_at)) > 60, true)`;

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
				.innerJoin(first, 'ending.id', 'credential.id')
				.where(isUntold)
				.where('credential.isReplaced', '=', false)
				.where(isHolderActive)
				.where(isNear),
		told: 'expiryToldAt'
	},
	expired: {
		select: (db: Db) =>
			selectEnding(db)
				.innerJoinLateral(own, (join) => join.onTrue())
				.where('ending.endsAt', '<=', sql<Date>`now()`)
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
			.orderBy('ending.endsAt')
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
	await holdOrganization(db, organizationId);
	const row = await kinds[kind]
		.select(db)
		.select([
			'organization.id',
			'organization.isPersonal',
			'organization.name',
			'organization.slug',
			'application.id as applicationId',
			'application.name as applicationName',
			'credential.isReplaced',
			'ending.endsAt',
			'ending.products'
		])
		.where('credential.id', '=', credentialId)
		.where('organization.id', '=', organizationId)
		.executeTakeFirst();
	// Rotated, revoked or moved in the meantime, or told by another process.
	if (!row) return;
	const { applicationId, applicationName, isReplaced, products } = row;
	await db
		.updateTable('credential')
		.set({ [kinds[kind].told]: new Date(), ...(kind === 'expiring' && { toldEndAt: row.endsAt }) })
		.where('id', '=', credentialId)
		.execute();
	const credential = await getCredential(db, credentialId);
	const endsOn = sayDay(row.endsAt);
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
	if (kind === 'expiring' && products !== null) {
		const aging = recipients.map(({ to, props }) => ({
			to,
			props: { ...props, endsOn, productName: products }
		}));
		await ctx.outbox.enqueueMany(db, 'credential-aging', aging);
		await publish(place, 'credential.expiring', {
			...event,
			aging: { products, endsAt: row.endsAt.toISOString() }
		});
		return;
	}
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
