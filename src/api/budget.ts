import { sql } from 'kysely';
import type { Db } from '../database/database.ts';

/**
 * How much a person and an organization may change within a minute: far more than people and their importers do, and
 * an end to what a program does that has gone wrong or means harm. The portal's settings hold both.
 *
 * A process takes a share of the minute in one statement, over all processes together, and spends it in its memory, so
 * that most changes cost no statement. What it doesn't spend is lost to that minute, never given twice.
 */
const windowSeconds = 60;
/** Into how many shares a budget is divided. */
const shares = 20;

/** Portal admins work for everybody. */
const adminFactor = 3;

export type Budget = { kind: 'person' | 'admin' | 'organization'; id: string };

interface Pot {
	left: number;
	/** By the clock of this process; the pot is worth nothing after it. */
	endsAt: number;
	/** Nothing more is to be had before the end. */
	isEmpty: boolean;
	/** Another share is on its way. */
	refilling: Promise<void> | undefined;
	/** Who may spend of an organization's. */
	members: Set<string>;
}

const pots = new Map<string, Pot>();
/** So many that those of the last minute find room, on a portal with thousands of people at work. */
const maxPots = 10_000;

function potOf(key: string): Pot {
	const now = performance.now();
	const known = pots.get(key);
	if (known && known.endsAt > now) return known;
	if (pots.size >= maxPots) {
		for (const [one, { endsAt }] of pots) if (endsAt <= now) pots.delete(one);
	}
	// Its end is known with its first share; until then it holds nothing.
	const endsAt = now + windowSeconds * 1000;
	const pot: Pot = { left: 0, endsAt, isEmpty: false, refilling: undefined, members: new Set() };
	pots.set(key, pot);
	return pot;
}

/** Takes another share; the pot gets what the window still holds of it. */
async function refill(db: Db, pot: Pot, key: string, { kind }: Budget, cost: number): Promise<void> {
	const column = kind === 'organization' ? 'changes_per_organization' : 'changes_per_person';
	const max = sql`${sql.ref(column)} * ${sql.lit(kind === 'admin' ? adminFactor : 1)}`;
	const { rows } = await sql<{ count: number; share: number; max: number; wait: number }>`
		with budget as (
			select ${max} as max, greatest(${cost}::int, (${max}) / ${sql.lit(shares)}) as share from portal
		)
		insert into rate_limit as old (key, count, resets_at)
		select ${key}, share, now() + make_interval(secs => ${windowSeconds}) from budget
		on conflict (key) do update set
			count = case when old.resets_at <= now() then excluded.count else old.count + excluded.count end,
			resets_at = case when old.resets_at <= now() then excluded.resets_at else old.resets_at end
		returning
			count,
			(select share from budget) as share,
			(select max from budget) as max,
			extract(epoch from resets_at - now())::float8 as wait`.execute(db);
	const [row] = rows;
	if (!row) throw new Error('The portal has no row that says how much may be changed.');
	const before = row.count - row.share;
	pot.left += Math.max(0, Math.min(row.share, row.max - before));
	pot.isEmpty = row.count >= row.max;
	pot.endsAt = performance.now() + row.wait * 1000;
}

/**
 * Spends of a budget.
 * @param cost how many changes the call makes.
 * @returns null, or in how many seconds there is a new one.
 */
export async function spend(db: Db, budget: Budget, cost = 1): Promise<number | null> {
	const key = `changes:${budget.kind}:${budget.id}`;
	const pot = potOf(key);
	// Many changes at once take one share after the other: of one for each, most would be lost to the minute.
	while (pot.left < cost && !pot.isEmpty) {
		pot.refilling ??= refill(db, pot, key, budget, cost).finally(() => (pot.refilling = undefined));
		await pot.refilling;
	}
	if (pot.left < cost) return Math.max(1, Math.ceil((pot.endsAt - performance.now()) / 1000));
	pot.left -= cost;
	return null;
}

/**
 * As {@link spend}, of an organization's by one of its members. Nobody else takes anything of it, nor learns that it is
 * spent: who is no member comes through, to be told that there is no such organization.
 */
export async function spendAsMember(
	db: Db,
	organizationId: string,
	userId: string,
	cost = 1
): Promise<number | null> {
	const { members } = potOf(`changes:organization:${organizationId}`);
	if (!members.has(userId)) {
		const member = await db
			.selectFrom('membership')
			.select('id')
			.where('organizationId', '=', organizationId)
			.where('userId', '=', userId)
			.executeTakeFirst();
		if (!member) return null;
		members.add(userId);
	}
	return spend(db, { kind: 'organization', id: organizationId }, cost);
}
