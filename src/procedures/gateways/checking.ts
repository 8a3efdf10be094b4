import { sql, type SqlBool } from 'kysely';
import type { Answer, Identity, Opened, RefusedKey } from '#lib/checking.ts';
import type { GatewayHead } from '#lib/gateways.ts';
import { quotaKeys, quotasOf } from '#lib/quotas.ts';
import { status } from '#lib/views.ts';
import { compileOnce } from '../../database/compiled.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { inTurn } from '../../database/turns.ts';
import { createMemory, type Kept } from '../../news/memory.ts';
import { isKey, type Vault } from '../../vault/vault.ts';
import type { Counter } from '../usage/counting.ts';
import { isInForce } from '../credentials/validity.ts';
import type { Limiter, LimitState } from '../quotas/limiter.ts';
import { limitsOf } from '../quotas/limits.ts';
import { isMonthSpent, type Limit } from '../quotas/shares.ts';

/** What a key is worth: every gateway's question ends here, whichever way it came. */

/** All that the application may call, and until when at the earliest; null where that is nothing. */
const scope = sql<{ slugs: string; until: string | null } | null>`(
	select jsonb_build_object(
		'slugs', string_agg(offered.slug, ' ' order by offered.slug),
		'until', min(held.ends_at)
	)
	from access as held join product as offered on offered.id = held.product_id
	where held.application_id = application.id
		and coalesce(held.ends_at > now(), true)
		and offered.status <> 'draft'
	having count(*) > 0
)`;

/**
 * By hashes with spaces between them: more than one while the lookup key is being replaced. With what the application has of
 * the product, if the question names one.
 */
const selectByHash = compileOnce((db: Db, hashes: string, productId: string | null) =>
	db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.innerJoin('organization', 'organization.id', 'application.organizationId')
		.innerJoin('portal', (join) => join.onTrue())
		.leftJoin('access', (join) =>
			join
				.onRef('access.applicationId', '=', 'application.id')
				.on('access.productId', '=', sql<string>`${productId}::uuid`)
		)
		.leftJoin('product', 'product.id', 'access.productId')
		.leftJoin('plan', 'plan.id', 'access.planId')
		.select([
			'credential.id',
			'credential.label',
			'credential.createdAt',
			'credential.expiresAt',
			'credential.revokedAt',
			'credential.isReplaced',
			'application.id as applicationId',
			'application.name as applicationName',
			'organization.id as organizationId',
			'organization.name as organizationName',
			'organization.status',
			'organization.isPersonal',
			'organization.requestedBy',
			'organization.quotas as organizationQuotas',
			'application.quotas as applicationQuotas',
			...quotaKeys.map((key) => `portal.${key}` as const),
			'access.id as accessId',
			'access.endsAt',
			'product.id as productId',
			'product.slug as productSlug',
			'product.name as productName',
			'product.status as productStatus',
			'plan.name as planName',
			'plan.perSecond',
			'plan.perMonth',
			'plan.credentialDays'
		])
		.select(scope.as('scope'))
		.select(sql<boolean>`${isInForce}`.as('isInForce'))
		.where(sql<SqlBool>`credential.lookup_hash = any(string_to_array(${hashes}, ' '))`)
);
type Row = Awaited<ReturnType<typeof selectByHash>>[number];

const identityOf = (row: Row): Identity => ({
	credential: {
		id: row.id,
		label: row.label,
		createdAt: isoOf(row.createdAt),
		expiresAt: isoOf(row.expiresAt)
	},
	application: { id: row.applicationId, name: row.applicationName },
	organization: { id: row.organizationId, name: row.organizationName }
});

function findReason(row: Row, now: number): RefusedKey | null {
	if (row.revokedAt) return row.isReplaced ? 'rotated' : 'revoked';
	if (row.expiresAt && row.expiresAt.getTime() <= now) return row.isReplaced ? 'rotated' : 'expired';
	if (row.isInForce) return null;
	return row.status === status.enum.approved ? 'account' : 'organization';
}

const dayMs = 86_400_000;

/** What the application may call by its access, and until when, in milliseconds since 1970; or why it may not. */
function openedBy(row: Row, now: number): { opened: Opened; until: number } | RefusedKey {
	const { accessId, productId, productSlug, productName, planName } = row;
	// The first says it; the others are there with it.
	if (!accessId || !productId || !productSlug || !productName || planName === null) return 'access';
	const ends = [
		['access', row.productStatus === 'draft' ? 0 : (row.endsAt?.getTime() ?? Infinity)],
		['aged', row.credentialDays ? row.createdAt.getTime() + row.credentialDays * dayMs : Infinity]
	] as const;
	for (const [reason, at] of ends) if (at <= now) return reason;
	const plan = { name: planName, perSecond: row.perSecond ?? 0, perMonth: row.perMonth ?? 0 };
	const product = { id: productId, slug: productSlug, name: productName };
	return { opened: { accessId, product, plan }, until: Math.min(...ends.map(([, at]) => at)) };
}

/** So long an answer is kept at most, in milliseconds: whatever changes it ends it, and this what nobody was told of. */
const keptFor = { found: 60_000, refused: 5_000 };

/** An answer with the limits under which requests count that it lets in. */
interface Known {
	answer: Answer;
	limits: readonly Limit[];
}

const refuse = (reason: RefusedKey, identity: Identity | null): Known => ({
	answer: { isActive: false, reason, identity },
	limits: []
});

/** The answer as it is now in the database: one indexed query. With what ends it, for whoever keeps it. */
async function lookUp(db: Db, hash: string, productId: string | null): Promise<Kept<Known>> {
	const [row] = await selectByHash(db, hash, productId);
	if (!row) return { value: refuse('unknown', null), tags: [], forMs: keptFor.refused, room: 'refused' };
	const tags = [
		`organization:${row.organizationId}`,
		// Which hold the limits.
		'noun:settings',
		...(row.isPersonal && row.requestedBy ? [`account:${row.requestedBy}`] : []),
		...(productId || row.scope ? ['noun:product', 'noun:plan'] : [])
	];
	const now = Date.now();
	const identity = identityOf(row);
	const found = findReason(row, now) ?? (productId ? openedBy(row, now) : null);
	if (typeof found === 'string')
		return { value: refuse(found, identity), tags, forMs: keptFor.refused, room: 'refused' };
	// Its own end is part of the answer.
	const ends = [row.expiresAt?.getTime(), found?.until, row.scope?.until && Date.parse(row.scope.until)];
	const left = Math.min(...ends.map((at) => at || Infinity)) - now;
	const quotas = quotasOf(row, row.organizationQuotas, row.applicationQuotas);
	const opened = found?.opened ?? null;
	const value = {
		answer: { isActive: true, opened, scope: row.scope?.slugs ?? '', ...identity } as const,
		limits: limitsOf(identity, quotas, opened)
	};
	return { value, tags, forMs: Math.min(keptFor.found, left), room: 'found' };
}

const mistyped = refuse('mistyped', null);

/**
 * What a key is worth at this moment, and why: the one answer that gateways get and that portal admins see. Its checksum
 * keeps typing errors and most guesses from the database.
 * @param findByHash how it is found by the key's lookup hash, the only form in which a key is kept.
 */
async function find(vault: Vault, key: string, findByHash: (hash: string) => Promise<Known>): Promise<Known> {
	return isKey(key) ? findByHash(vault.lookupHashes(key).join(' ')) : mistyped;
}

/** As the database has it now; nothing is counted. */
export async function answerTo(
	{ db, vault }: { db: Db; vault: Vault },
	key: string,
	productId: string | null
): Promise<Answer> {
	const { answer, limits } = await find(
		vault,
		key,
		async (hash) => (await lookUp(db, hash, productId)).value
	);
	if (!answer.isActive || !(await isMonthSpent(db, limits))) return answer;
	return { isActive: false, reason: 'limited', identity: answer };
}

/** Of one gateway so many look something up at once: the connections are everybody's. */
const lookUpsAtOnce = 4;

export type Checker = ReturnType<typeof createChecker>;

export interface Checked {
	answer: Answer;
	/** What is left of the limits that hold for the key. */
	limits: LimitState[];
	/** In how many seconds the reached limit begins anew. */
	retryAfter: number | null;
}

/** Answers gateways, from memory where it can. Each question stands for one request, which counts under the key's limits. */
export function createChecker({
	db,
	vault,
	limiter,
	counter
}: {
	db: Db;
	vault: Vault;
	limiter: Limiter;
	counter: Counter;
}) {
	const memory = createMemory<Known>({ found: 20_000, refused: 5_000 });
	return {
		/** Every check of every gateway passes here, once its answer is known. */
		async check(gateway: Pick<GatewayHead, 'id'>, key: string, productId: string | null): Promise<Checked> {
			const { answer, limits: under } = await find(vault, key, (hash) =>
				memory.read(productId ? `${hash} ${productId}` : hash, () =>
					inTurn(`gateway:${gateway.id}`, lookUpsAtOnce, () => lookUp(db, hash, productId))
				)
			);
			if (!answer.isActive) {
				counter.count(gateway.id, answer);
				return { answer, limits: [], retryAfter: null };
			}
			const { reached, limits } = await limiter.spend(under);
			if (!reached) {
				counter.count(gateway.id, answer);
				return { answer, limits, retryAfter: null };
			}
			const refused = { isActive: false, reason: 'limited', identity: answer } as const;
			counter.count(gateway.id, refused);
			return { answer: refused, limits, retryAfter: reached.resetsIn };
		}
	};
}
