import { createHash } from 'node:crypto';
import { momentOf, z } from '#lib/schema.ts';
import { usageAnswers } from '#lib/usage.ts';
import type { Db } from '../../database/database.ts';
import { idsIn, textsIn } from '../../database/sets.ts';
import { transact } from '../../database/transaction.ts';
import { writeCells } from './counting.ts';

/** What gateways report that check by themselves. */

/** How many rows one report holds. */
export const rowsPerReport = 1_000;
/** How old a row may be: what is older than a day is of hours that were told to people already. */
const oldest = 86_400_000;
/** So far clocks may be apart, in milliseconds. */
const apart = 300_000;

/** So many requests with one credential, answered alike, in the minute of `at`. */
export const report = z.strictObject({
	rows: z
		.array(
			z.strictObject({
				credentialId: z.uuid(),
				at: momentOf('This has to be a time in UTC with seconds, such as 2026-11-27T09:30:00Z.'),
				answer: z.enum(usageAnswers),
				/** The address of the API product that was called. */
				product: z.string().min(1).max(200).optional(),
				count: z.int().min(1).max(1_000_000)
			})
		)
		.min(1)
		.max(rowsPerReport)
});
type Report = z.infer<typeof report>;
type Row = Report['rows'][number];

/** Visible ASCII, as the header has it. */
export const idempotencyKey = z.string().regex(/^[!-~]{1,200}$/);

export type Refused = {
	row: number;
	reason: 'unknown' | 'no access' | 'too old' | 'before it existed' | 'in the future';
};
export type Reported = { counted: number; refused: Refused[] };

const digest = (text: string) => createHash('sha256').update(text).digest('base64url');

const pairOf = (credentialId: string, product: string) => `${credentialId} ${product}`;

/** What the applications of these credentials have, or had, of the products that the rows name. */
async function findAccesses(db: Db, rows: readonly Row[]): Promise<Map<string, string>> {
	const named = rows.filter(({ product }) => product !== undefined);
	if (named.length === 0) return new Map();
	const found = await db
		.selectFrom('credential')
		.innerJoin('access', 'access.applicationId', 'credential.applicationId')
		.innerJoin('product', 'product.id', 'access.productId')
		.select(['credential.id as credentialId', 'product.slug', 'access.id'])
		.where('credential.id', 'in', idsIn(named.map(({ credentialId }) => credentialId)))
		.where('product.slug', 'in', textsIn(named.map(({ product = '' }) => product)))
		.execute();
	return new Map(found.map(({ credentialId, slug, id }) => [pairOf(credentialId, slug), id]));
}

/**
 * Counts a report once, however often it is sent under its key, and answers as the first time; null when another report
 * has come under that key. Of a row that is refused nothing is said but that nobody knows the credential, whatever it is.
 */
export function takeReport(
	db: Db,
	gatewayId: string,
	key: string,
	{ rows }: Report
): Promise<Reported | null> {
	const id = `report:${digest(`${gatewayId}:${key}`)}`;
	const bodyHash = digest(JSON.stringify(rows));
	return transact(db, async (trx) => {
		const known = await trx
			.selectFrom('credential')
			.select(['id', 'createdAt'])
			.where('id', 'in', idsIn(rows.map(({ credentialId }) => credentialId)))
			.orderBy('id')
			.forKeyShare()
			.execute();
		const createdAt = new Map(known.map((one) => [one.id, one.createdAt.getTime()]));
		const accesses = await findAccesses(trx, rows);
		const accessOf = ({ credentialId, product }: Row) =>
			product === undefined ? null : accesses.get(pairOf(credentialId.toLowerCase(), product));
		const now = Date.now();
		const reasons = rows.map((row): Refused['reason'] | null => {
			const at = Date.parse(row.at);
			const created = createdAt.get(row.credentialId.toLowerCase());
			if (created === undefined) return 'unknown';
			if (accessOf(row) === undefined) return 'no access';
			if (at < now - oldest) return 'too old';
			// Of its minute only the beginning may be said.
			if (at < created - 60_000 - apart) return 'before it existed';
			return at > now + apart ? 'in the future' : null;
		});
		const counted = rows.filter((_, index) => reasons[index] === null);
		const answer: Reported = {
			counted: counted.length,
			refused: reasons.flatMap((reason, row) => (reason ? [{ row, reason }] : []))
		};
		const cells = counted.map((row) => ({
			credentialId: row.credentialId,
			accessId: accessOf(row) ?? null,
			gatewayId,
			answer: row.answer,
			count: row.count,
			at: row.at,
			// A clock that is ahead has used nothing in the future.
			lastAt: Math.min(Date.parse(row.at), now)
		}));
		await writeCells(trx, cells, { key: id, bodyHash, answer });
		const batch = await trx
			.selectFrom('usageBatch')
			.select(['bodyHash', 'answer'])
			.where('key', '=', id)
			.executeTakeFirstOrThrow();
		return batch.bodyHash === bodyHash ? (batch.answer as Reported) : null;
	});
}
