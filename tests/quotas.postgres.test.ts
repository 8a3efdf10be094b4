import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from '../src/database/database.ts';
import { createLimiter } from '../src/procedures/quotas/limiter.ts';
import type { Limit } from '../src/procedures/quotas/shares.ts';
import { startCut } from './cut.ts';
import { createDatabase } from './harness.ts';

/**
 * How many requests get through, over several processes that take their shares of one database: each with connections and
 * a memory of its own, some of which die without a word.
 */

let database: Awaited<ReturnType<typeof createDatabase>>;
let opened: Database[];
beforeAll(async () => {
	database = await createDatabase();
	opened = [];
	for (let index = 0; index < 3; index += 1)
		opened.push(await openDatabase({ DATABASE_URL: database.url, DATA_FOLDER: '' }));
});
afterAll(async () => {
	await Promise.all(opened.map((one) => one.close()));
	await database.drop();
});

const failures: unknown[] = [];
const open = (index = 0) => {
	const { db } = opened[index % opened.length] as Database;
	return createLimiter({ db, processId: randomUUID(), report: (error) => failures.push(error) });
};
const month = (most: number, subject = randomUUID()): Limit => ({
	subject,
	span: 'month',
	most,
	name: 'month'
});
const second = (most: number, subject = randomUUID()): Limit => ({
	subject,
	span: 'second',
	most,
	name: 'second'
});
const takenOf = async ({ subject }: Limit) => {
	const { rows } = await sql<{
		taken: number;
	}>`select taken from quota_month where subject = ${subject}`.execute(opened[0]?.db as Database['db']);
	return rows[0]?.taken;
};

/** Asks until it is told `times` times that it is too much; returns how many got through. */
async function spendAll(limiter: ReturnType<typeof open>, limits: Limit[], times = 1): Promise<number> {
	let through = 0;
	for (let refused = 0; refused < times;) {
		const { reached } = await limiter.spend(limits);
		if (reached) refused += 1;
		else through += 1;
	}
	return through;
}

test.each([1, 2, 7, 100, 1_000])(
	'of %i in a month one process lets all through, and no more',
	async (most) => {
		const limiter = open();
		const limit = month(most);
		expect(await spendAll(limiter, [limit], 5)).toBe(most);
		const { reached } = await limiter.spend([limit]);
		expect(reached).toMatchObject({ ...limit, left: 0 });
		expect(reached?.resetsIn).toBeGreaterThan(0);
		expect(reached?.resetsIn).toBeLessThanOrEqual(31 * 86_400);
		await limiter.stop();
	}
);

test('several processes at once never let more through than a month holds, whichever of them die; those that end give back what is left', async () => {
	for (const most of [10, 500, 3_000]) {
		const limit = month(most);
		let through = 0;
		const limiters = [0, 1, 2].map(open);
		await Promise.all(
			limiters.map(async (limiter, index) => {
				// The first dies after a while with what it has; the second ends in good order.
				const steps = [most / 10, most / 5, Infinity][index] ?? 0;
				for (let step = 0; step < steps; step += 1) {
					const { reached } = await limiter.spend([limit]);
					if (reached) break;
					through += 1;
				}
				if (index === 1) await limiter.stop();
			})
		);
		expect(through).toBeLessThanOrEqual(most);
		// Another one takes what is left, where something was given back.
		const last = open();
		through += await spendAll(last, [limit]);
		expect(through).toBeLessThanOrEqual(most);
		// At most what two of them had taken and not spent, an eighth of what was left each time.
		expect(most - through).toBeLessThanOrEqual(Math.ceil(most / 4));
		expect(await takenOf(limit)).toBe(most);
		await last.stop();
	}
	expect(failures).toEqual([]);
});

test('no second of the database’s clock sees more than its limit, over three processes of which one dies', async () => {
	const most = 40;
	const limit = second(most);
	const through = new Map<number, number>();
	const limiters = [0, 1, 2].map(open);
	const until = Date.now() + 8_000;
	await Promise.all(
		limiters.map(async (limiter, index) => {
			const end = index === 0 ? Date.now() + 2_500 : until;
			while (Date.now() < end) {
				const { reached } = await limiter.spend([limit]);
				// The database's clock is that of this machine.
				const at = Math.floor(Date.now() / 1000);
				if (!reached) through.set(at, (through.get(at) ?? 0) + 1);
				else await setTimeout(5);
			}
		})
	);
	const counts = [...through.values()];
	expect(Math.max(...counts)).toBeLessThanOrEqual(most);
	// What is there is also given: in the seconds that were whole, nearly all of it.
	expect(Math.max(...counts)).toBeGreaterThanOrEqual(most * 0.8);
	await Promise.all(limiters.map((one) => one.stop()));
});

test('a limit that is lowered holds over all processes with the word of it, of a second as of a month', async () => {
	const [most, lowered] = [30, 6];
	const subject = randomUUID();
	const limiters = [0, 1, 2].map(open);
	// Each has taken its share of what was.
	for (const limiter of limiters) {
		expect((await limiter.spend([second(most, subject)])).reached).toBeNull();
		expect((await limiter.spend([month(1_000, subject)])).reached).toBeNull();
	}
	const through = new Map<number, number>();
	const began = Math.floor(Date.now() / 1000) + 1;
	await Promise.all(
		limiters.map(async (limiter) => {
			for (let before = 0; before < began + 3;) {
				before = Math.floor(Date.now() / 1000);
				const { reached } = await limiter.spend([second(lowered, subject)]);
				const after = Math.floor(Date.now() / 1000);
				// Spent within that second and in no other; the database's clock is that of this machine.
				if (!reached && before === after) through.set(after, (through.get(after) ?? 0) + 1);
				await setTimeout(1);
			}
		})
	);
	expect(Math.max(...through.values())).toBeLessThanOrEqual(lowered);
	expect([...through.keys()].filter((at) => at >= began)).not.toEqual([]);
	for (const limiter of limiters) {
		expect((await limiter.spend([month(3, subject)])).reached).not.toBeNull();
	}
	await Promise.all(limiters.map((one) => one.stop()));
});

test('what could not be given back is given with the next, and once, also where only the answer was lost', async () => {
	const way = await startCut(database.url);
	const far = await openDatabase({ DATABASE_URL: way.url, DATA_FOLDER: '' });
	try {
		for (const fail of [() => way.cut(), () => way.loseAnswerTo('"endsAt":')]) {
			const limit = month(100_000);
			const other = open();
			for (let step = 0; step < 500; step += 1) await other.spend([limit]);
			const failed: unknown[] = [];
			const limiter = createLimiter({
				db: far.db,
				processId: randomUUID(),
				report: (error) => failed.push(error)
			});
			for (let step = 0; step < 5; step += 1) await limiter.spend([limit]);
			const failing = fail();
			await limiter.stop();
			await failing;
			expect(failed.length).toBeGreaterThan(0);
			await way.mend();
			await limiter.stop();
			await other.stop();
			expect(await takenOf(limit)).toBe(505);
		}
	} finally {
		await far.close();
		await way.stop();
	}
});

test('a process that comes late gets its part of what another one has taken, once that one’s share ends', async () => {
	const limit = second(20);
	const [early, late] = [open(0), open(1)];
	// More where a second has ended meanwhile.
	expect(await spendAll(early, [limit])).toBeGreaterThanOrEqual(20);
	let gotLate = 0;
	const until = Date.now() + 12_000;
	while (Date.now() < until && gotLate < 5) {
		await early.spend([limit]);
		if (!(await late.spend([limit])).reached) gotLate += 1;
		await setTimeout(10);
	}
	expect(gotLate).toBe(5);
});

test.each([8, 100, 1_000_000])('of %i in a month whoever comes at once gets through', async (most) => {
	const limiter = open();
	const limit = month(most);
	const count = Math.min(most, 1000);
	const verdicts = await Promise.all(Array.from({ length: count }, () => limiter.spend([limit])));
	expect(verdicts.filter(({ reached }) => reached)).toEqual([]);
	if (most === count) expect((await limiter.spend([limit])).reached).not.toBeNull();
	await limiter.stop();
	expect(await takenOf(limit)).toBe(count);
});

test('a request is spent from all of its limits, or from none', async () => {
	const limiter = open();
	const [small, large] = [month(3), month(100)];
	expect(await spendAll(limiter, [large, small], 20)).toBe(3);
	await limiter.stop();
	expect(await takenOf(large)).toBe(3);
	expect(await takenOf(small)).toBe(3);
});

test('a limit of 0 is none, one that is lowered holds at once, and one that is raised lets more through', async () => {
	const limiter = open();
	const subject = randomUUID();
	for (let step = 0; step < 50; step += 1)
		expect((await limiter.spend([month(0, subject), second(0, subject)])).reached).toBeNull();
	expect(await spendAll(limiter, [month(10, subject)])).toBe(10);
	expect(await spendAll(limiter, [month(8, subject)])).toBe(0);
	await limiter.stop();
	const again = open();
	expect(await spendAll(again, [month(30, subject)])).toBe(20);
	await again.stop();
});

test('whoever asks at the same time is asked for together', async () => {
	const limiter = open();
	const limits = Array.from({ length: 200 }, () => month(1_000));
	const { rows: before } = await statements();
	await Promise.all(limits.flatMap((limit) => [limiter.spend([limit]), limiter.spend([limit])]));
	const { rows: after } = await statements();
	expect(Number(after[0]?.count) - Number(before[0]?.count)).toBeLessThanOrEqual(3);
	await limiter.stop();
});

/** How often rows of the months were inserted in statements of their own. */
const statements = () =>
	sql<{ count: number }>`select count(distinct xmin::text)::int as count from quota_month`.execute(
		opened[0]?.db as Database['db']
	);
