import { sql, type SqlBool } from 'kysely';
import { agedAt } from '#lib/ages.ts';
import { refusedKeys, type Answer, type Identity, type Opened, type RefusedKey } from '#lib/checking.ts';
import type { GatewayHead } from '#lib/gateways.ts';
import type { ProductHead } from '#lib/products.ts';
import { quotaKeys, quotasOf } from '#lib/quotas.ts';
import { status } from '#lib/views.ts';
import { compileOnce } from '../../database/compiled.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { inTurn } from '../../database/turns.ts';
import { createMemory, type Kept } from '../../news/memory.ts';
import { isKey, type Vault } from '../../vault/vault.ts';
import type { Counter } from '../usage/counting.ts';
import { noteUse } from '../credentials/uses.ts';
import { isHolderActive } from '../credentials/validity.ts';
import type { LimitState } from '../quotas/holdings.ts';
import type { Limiter } from '../quotas/limiter.ts';
import { limitsOf, sayLimit } from '../quotas/limits.ts';
import { findSpent, type Limit } from '../quotas/shares.ts';

/** What a key is worth: every gateway's question ends here, whichever way it came. */

/** What an application has of a product. */
interface Held {
	accessId: string;
	endsAt: string | null;
	isDraft: boolean;
	product: ProductHead;
	plan: Opened['plan'] & { credentialDays: number };
}

/** All that the application has or had, by the products' addresses; null where that is nothing. */
const allHeld = sql<Held[] | null>`(
	select jsonb_agg(jsonb_build_object(
		'accessId', held.id,
		'endsAt', held.ends_at,
		'isDraft', product.status = 'draft',
		'product', jsonb_build_object('id', product.id, 'slug', product.slug, 'name', product.name),
		'plan', jsonb_build_object(
			'name', plan.name, 'perSecond', plan.per_second, 'perMonth', plan.per_month,
			'credentialDays', plan.credential_days
		)
	) order by product.slug)
	from access as held
	join product on product.id = held.product_id
	join plan on plan.id = held.plan_id
	where held.application_id = application.id
)`;

/** Whether the credential was not let in for a day, as far as that is written. */
const isUnused = sql<boolean>`not exists (
	select from credential_use
	where credential_use.credential_id = credential.id and credential_use.used_at > now() - interval '1 day'
)`;

/** By hashes with spaces between them: more than one while the lookup key is being replaced. */
const selectByHash = compileOnce((db: Db, hashes: string) =>
	db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.innerJoin('organization', 'organization.id', 'application.organizationId')
		.innerJoin('portal', (join) => join.onTrue())
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
			...quotaKeys.map((key) => `portal.${key}` as const)
		])
		.select(allHeld.as('held'))
		.select(sql<boolean>`${isHolderActive}`.as('isHolderActive'))
		.select(isUnused.as('isUnused'))
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
	if (row.isHolderActive) return null;
	return row.status === status.enum.approved ? 'account' : 'organization';
}

/** From when on the credential opens no longer what the application has, in milliseconds since 1970, and why. */
function endOf({ isDraft, endsAt, plan }: Held, { createdAt }: Pick<Row, 'createdAt'>) {
	const held = isDraft ? -Infinity : endsAt === null ? Infinity : Date.parse(endsAt);
	const aged = agedAt(createdAt, plan);
	return { held, aged, first: Math.min(held, aged) };
}

/** What the credential opens of a product; or why nothing. */
function openedBy(row: Row, productId: string, now: number): Opened | RefusedKey {
	const held = row.held?.find(({ product }) => product.id === productId);
	if (!held) return 'access';
	const end = endOf(held, row);
	if (end.held <= now) return 'access';
	if (end.aged <= now) return 'aged';
	const { accessId, product, plan } = held;
	return {
		accessId,
		product,
		plan: { name: plan.name, perSecond: plan.perSecond, perMonth: plan.perMonth }
	};
}

/** So long an answer is kept at most, in milliseconds: whatever changes it ends it, and this what nobody was told of. */
const keptFor = { found: 60_000, refused: 5_000 };

/** An answer with the limits under which requests count that it lets in. */
interface Known {
	answer: Answer;
	limits: readonly Limit[];
	/** Whether its next use is to be noted at once. */
	isUnused: boolean;
}

const refuse = (reason: RefusedKey, identity: Identity | null): Known => ({
	answer: { isActive: false, reason, said: refusedKeys[reason].said, identity },
	limits: [],
	isUnused: false
});

/** Of what would be let in, if that limit weren't reached. */
const refuseAt = (limit: Limit, answer: Answer & { isActive: true }) =>
	({
		isActive: false,
		reason: 'limited',
		said: sayLimit(limit, answer, answer.opened),
		identity: answer
	}) as const;

/** The answer as it is now in the database: one indexed query. With what ends it, for whoever keeps it. */
async function lookUp(db: Db, hash: string, productId: string | null): Promise<Kept<Known>> {
	const [row] = await selectByHash(db, hash);
	if (!row) return { value: refuse('unknown', null), tags: [], forMs: keptFor.refused, room: 'refused' };
	const tags = [
		`organization:${row.organizationId}`,
		// Which hold the limits.
		'noun:settings',
		...(row.isPersonal && row.requestedBy ? [`account:${row.requestedBy}`] : []),
		...(productId || row.held ? ['noun:product', 'noun:plan'] : [])
	];
	const now = Date.now();
	const identity = identityOf(row);
	const found = findReason(row, now) ?? (productId ? openedBy(row, productId, now) : null);
	if (typeof found === 'string')
		return { value: refuse(found, identity), tags, forMs: keptFor.refused, room: 'refused' };
	const open = (row.held ?? []).filter((one) => endOf(one, row).first > now);
	// Its own end is part of the answer, and so is that of each product that it opens.
	const ends = [row.expiresAt?.getTime() ?? Infinity, ...open.map((one) => endOf(one, row).first)];
	const left = Math.min(...ends) - now;
	const quotas = quotasOf(row, row.organizationQuotas, row.applicationQuotas);
	const scope = open.map(({ product }) => product.slug).join(' ');
	const value = {
		answer: { isActive: true, opened: found, scope, ...identity } as const,
		limits: limitsOf(identity, quotas, found),
		isUnused: row.isUnused
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
	if (!answer.isActive) return answer;
	const spent = await findSpent(db, limits);
	return spent ? refuseAt(spent, answer) : answer;
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
	const memory = createMemory<Known>('keys', { found: 20_000, refused: 5_000 });

	/** Before anybody is answered: what is let in after long is not taken for silent by anybody, in whichever process. */
	async function note(known: Known, use: string): Promise<void> {
		try {
			await noteUse(db, use);
			known.isUnused = false;
		} catch {
			// It is counted all the same, and noted with that.
		}
	}

	return {
		/** Every check of every gateway passes here, once its answer is known. */
		async check(gateway: Pick<GatewayHead, 'id'>, key: string, productId: string | null): Promise<Checked> {
			const known = await find(vault, key, (hash) =>
				memory.read(productId ? `${hash} ${productId}` : hash, () =>
					inTurn(`gateway:${gateway.id}`, lookUpsAtOnce, () => lookUp(db, hash, productId))
				)
			);
			const { answer, limits: under } = known;
			if (!answer.isActive) {
				counter.count(gateway.id, answer);
				return { answer, limits: [], retryAfter: null };
			}
			const { reached, limits } = await limiter.spend(under);
			if (!reached) {
				counter.count(gateway.id, answer);
				if (known.isUnused) await note(known, `${answer.credential.id} ${gateway.id}`);
				return { answer, limits, retryAfter: null };
			}
			const refused = refuseAt(reached, answer);
			counter.count(gateway.id, refused);
			return { answer: refused, limits, retryAfter: reached.resetsIn };
		}
	};
}
