import { sql, type SqlBool } from 'kysely';
import type { Logger } from 'pino';
import { system } from '../../api/trpc.ts';
import type { Db, Trx } from '../../database/database.ts';
import { transact } from '../../database/transaction.ts';
import { publishProduct } from './news.ts';
import { lockProduct, productHeadOf } from './views.ts';

/**
 * Products whose announced day has come. Whoever asks is answered by the clock anyway; here the word goes out, and the
 * day becomes that of its end.
 */

const selectAnnounced = (db: Db) => db.selectFrom('product').where('product.status', '=', 'published');

/**
 * Each in a transaction of its own, once by however many processes.
 * @throws {Error} once all have been tried, when one of them failed.
 */
export async function retireDue({ db, log }: { db: Db; log: Logger }): Promise<void> {
	let failed = 0;
	const due = await selectAnnounced(db)
		.select('product.id')
		.where('product.retiresAt', '<=', sql<Date>`now()`)
		.orderBy('product.retiresAt')
		.execute();
	for (const { id } of due) {
		try {
			await transact(db, (trx) => retire(trx, id));
		} catch (error) {
			log.error({ err: error, productId: id }, 'an API product could not be retired');
			failed += 1;
		}
	}
	if (failed > 0) throw new Error(`${failed} API products could not be retired`);
}

async function retire(db: Trx, id: string): Promise<void> {
	const product = await lockProduct(db, id);
	const { numUpdatedRows } = await db
		.updateTable('product')
		.set({ status: 'retired', retiredAt: sql<Date>`retires_at`, retiresAt: null })
		.set({ isTelling: true, changedBy: null })
		.where('id', '=', id)
		.where('status', '=', 'published')
		.where(sql<SqlBool>`retires_at <= now()`)
		.executeTakeFirst();
	// Kept, put off or published again in the meantime, or told by another process.
	if (numUpdatedRows === 0n) return;
	await publishProduct({ db, actor: system }, 'product.retired', {
		product: productHeadOf(product),
		at: null
	});
}
