import { sql, type RawBuilder, type SqlBool } from 'kysely';
import type { Logger } from 'pino';
import { sayAge } from '#lib/accesses.ts';
import { agedOutAt } from '#lib/ages.ts';
import { sayDay } from '#lib/dates.ts';
import { sayPlanLimits, type ProductAccess } from '#lib/products.ts';
import { fullName } from '#lib/views.ts';
import { system, type WritingContext } from '../../api/trpc.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';
import { publishMany } from '../../news/publish.ts';
import { lockOrganization } from '../../api/grants.ts';
import { tellEach } from '../../people/teams.ts';
import { isAccessInForce } from '../products/visibility.ts';
import { accessViewOf, selectAccesses } from '../products/accesses.ts';
import { listMembers } from '../../people/members.ts';

/**
 * Tells the teams that have access by a plan of its changed limits, and of how old credentials may become: one organization after the other, each in a transaction
 * of its own, so that nobody waits for thousands of them. What was told stands at each access; whoever begins again goes
 * on where it was broken off, and a change that follows another one takes its place.
 */

type Parts = { db: Db; log: Logger } & Pick<WritingContext, 'config' | 'outbox'>;

const areLimitsUntold = sql<SqlBool>`access.limits_told_at < plan.limits_changed_at`;
const areAgesUntold = sql<SqlBool>`access.ages_told_at < plan.ages_changed_at`;
const isUntold = sql<SqlBool>`(${areLimitsUntold} or ${areAgesUntold})`;

/** @throws {Error} when some could not be told; the others were. */
export async function tellLimits({ log, ...parts }: Parts): Promise<void> {
	let failed = 0;
	const plans = await parts.db
		.selectFrom('plan')
		.select(['id', 'changedBy'])
		.where('isTelling', '=', true)
		.execute();
	for (const plan of plans) {
		const actor = plan.changedBy ?? system;
		const missed = await tellEach(
			parts.db,
			(after, most) =>
				parts.db
					.selectFrom('access')
					.innerJoin('plan', 'plan.id', 'access.planId')
					.select('access.organizationId')
					.distinct()
					.where('access.planId', '=', plan.id)
					.where('access.organizationId', '>', after)
					.where(isAccessInForce)
					.where(isUntold)
					.orderBy('access.organizationId')
					.limit(most)
					.execute(),
			[tell, tellAges].map(
				(telling) => (db: Trx, organizationId: string) =>
					telling({ ...parts, db, actor }, plan.id, organizationId)
			),
			(error) => log.error({ err: error, planId: plan.id }, 'a changed plan could not be told')
		);
		failed += missed;
		// Unless they have been changed once more meanwhile.
		if (missed === 0) await markTold(parts.db, plan.id);
	}
	if (failed > 0) throw new Error(`${failed} organizations could not be told of a changed plan`);
}

const markTold = (db: Db, planId: string) =>
	db
		.updateTable('plan')
		.set({ isTelling: false })
		.where('id', '=', planId)
		.where(
			sql<SqlBool>`not exists (
				select from access where access.plan_id = plan.id and ${isAccessInForce} and ${isUntold}
			)`
		)
		.execute();

/** What an organization is still to be told of a plan, under its lock; null where another process has, or nothing is in force by now. */
async function take(
	db: Trx,
	planId: string,
	organizationId: string,
	{ isUntold, toldAt }: { isUntold: RawBuilder<SqlBool>; toldAt: 'limitsToldAt' | 'agesToldAt' }
) {
	const organization = await lockOrganization(db, organizationId);
	if (!organization) return null;
	const accesses = await listUntold(db, planId, organizationId, isUntold);
	const [first] = accesses;
	if (!first?.granted) return null;
	await db
		.updateTable('access')
		.set({ [toldAt]: sql<Date>`clock_timestamp()` })
		.where('planId', '=', planId)
		.where('organizationId', '=', organizationId)
		.execute();
	return { organization, accesses, product: first.product, plan: first.granted.plan };
}
type Taken = NonNullable<Awaited<ReturnType<typeof take>>>;

/** Whom the e-mail goes to: all members, with what both of them say. */
async function listReaders<Own extends object>(
	{ db, config }: WritingContext,
	{ organization, product, plan }: Taken,
	own: Own
) {
	const props = {
		organizationName: organization.name,
		productName: product.name,
		planName: plan.name,
		applicationsUrl: `${config.ORIGIN}/orgs/${organization.slug}/applications`,
		...own
	};
	return (await listMembers(db, organization.id)).map((member) => ({
		to: { name: fullName(member), address: member.email },
		props: { ...props, firstName: member.firstName }
	}));
}

async function tell(ctx: WritingContext, planId: string, organizationId: string): Promise<void> {
	const { db } = ctx;
	const told = { isUntold: areLimitsUntold, toldAt: 'limitsToldAt' } as const;
	const taken = await take(db, planId, organizationId, told);
	if (!taken) return;
	const { organization, accesses, plan } = taken;
	const readers = await listReaders(ctx, taken, {
		limits: sayPlanLimits(plan),
		applications: accesses.map(({ applicationName }) => applicationName).join('\n')
	});
	await ctx.outbox.enqueueMany(db, 'plan-limited', readers);
	await publishMany(
		{ ...ctx, organization },
		'access.limited',
		accesses.map((access) => ({ access }))
	);
}

/** As {@link tell}, of how old credentials may become, and of which of theirs are too old by that, or will be. */
async function tellAges(ctx: WritingContext, planId: string, organizationId: string): Promise<void> {
	const { db } = ctx;
	const told = { isUntold: areAgesUntold, toldAt: 'agesToldAt' } as const;
	const taken = await take(db, planId, organizationId, told);
	if (!taken) return;
	const { organization, accesses, plan } = taken;
	const aging = await listAging(db, accesses);
	const readers = await listReaders(ctx, taken, {
		age: sayAge(plan),
		consequence:
			aging.length > 0
				? 'These credentials are too old for it, or will be: rotate them.'
				: 'No credential of yours stops opening it by that.',
		credentials: sayAging(aging)
	});
	await ctx.outbox.enqueueMany(db, 'plan-aged', readers);
	const payloads = accesses.map((access) => {
		const stop = aging.find(({ access: { applicationId } }) => applicationId === access.applicationId);
		return { access, stopsAt: stop ? new Date(stop.at).toISOString() : null };
	});
	await publishMany({ ...ctx, organization }, 'access.aged', payloads);
}

type Aging = { access: ProductAccess; label: string; lastFour: string; at: number };

/** The credentials that work and that nobody has replaced, which are too old for what they open, or will be: the first ones first. */
async function listAging(db: Trx, accesses: readonly ProductAccess[]): Promise<Aging[]> {
	const byApplication = new Map(accesses.map((one) => [one.applicationId, one]));
	const rows = await db
		.selectFrom('credential')
		.select(['applicationId', 'label', 'lastFour', 'createdAt', 'expiresAt'])
		.where('applicationId', 'in', idsIn([...byApplication.keys()]))
		.where('revokedAt', 'is', null)
		.where('isReplaced', '=', false)
		.where(sql<SqlBool>`coalesce(expires_at > now(), true)`)
		.execute();
	return rows
		.flatMap(({ applicationId, label, lastFour, ...times }) => {
			const access = byApplication.get(applicationId);
			const at =
				access && agedOutAt({ createdAt: isoOf(times.createdAt), expiresAt: isoOf(times.expiresAt) }, access);
			return access && at != null ? { access, label, lastFour, at } : [];
		})
		.toSorted((one, other) => one.at - other.at);
}

/** An e-mail names so many. */
const namedAtMost = 50;

function sayAging(aging: readonly Aging[]): string {
	const lines = aging.slice(0, namedAtMost).map(({ access, label, lastFour, at }) => {
		const when = `${at <= Date.now() ? 'too old since' : 'until'} ${sayDay(at)}`;
		return `${access.applicationName} – ${label} (…${lastFour}): ${when}`;
	});
	const more = aging.length - lines.length;
	return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

/** What the organization has by the plan and hasn't been told of, as pages show it, each with what was last asked for. */
async function listUntold(
	db: Trx,
	planId: string,
	organizationId: string,
	isUntold: RawBuilder<SqlBool>
): Promise<ProductAccess[]> {
	const pairs = db
		.selectFrom('access')
		.innerJoin('plan', 'plan.id', 'access.planId')
		.select(['access.applicationId', 'access.productId'])
		.where('access.planId', '=', planId)
		.where('access.organizationId', '=', organizationId)
		.where(isAccessInForce)
		.where(isUntold);
	const rows = await selectAccesses(db, pairs)
		.orderBy('application.createdAt')
		.orderBy('application.id')
		.execute();
	return rows.map(accessViewOf);
}
