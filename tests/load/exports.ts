import { sql } from 'kysely';
import type { Db } from '../../src/database/database.ts';
import type { Server } from '../harness.ts';
import { watchMemory } from './memory.ts';
import type { Row } from './rows.ts';

/** What the export of all activity costs, beside a cursor that makes nothing of the rows. */

/** The same rows by a cursor, and nothing made of them. Returns how many. */
export async function readByCursor(db: Db): Promise<number> {
	return db.transaction().execute(async (trx) => {
		await sql`declare bare cursor for
			select id, organization_id, portal_seq, name, actor, payload, at from event
			order by at desc, id desc`.execute(trx);
		for (let count = 0; ;) {
			const { rows } = await sql`fetch 500 from bare`.execute(trx);
			if (rows.length === 0) return count;
			count += rows.length;
		}
	});
}

async function countLines(answer: Response): Promise<number> {
	if (!answer.ok || !answer.body) throw new Error(`The export was refused: ${answer.status}`);
	let lines = 0;
	for await (const chunk of answer.body) for (const byte of chunk) if (byte === 10) lines += 1;
	return lines;
}

const megabytes = (before: number, peak: number) =>
	`memory ${Math.round(before)} MB before, at most ${Math.round(peak)}`;

/** @param on bare: rows in a second by the cursor. isShort: all rows once, and the reader that leaves, alone. */
export async function* exportEvents(
	server: Server,
	cookie: string,
	{ part, bare, isShort = false }: { part: string; bare: number; isShort?: boolean }
): AsyncGenerator<Row> {
	const request = (path: string, init: RequestInit = {}) =>
		fetch(new URL(path, server.origin), { ...init, headers: { cookie } });
	const recently = new Date(Date.now() - 36.5 * 86_400_000).toISOString().slice(0, 10);
	const all = ['all rows as CSV', '/api/activity.csv'] as const;
	const files = [
		['a tenth of the rows as CSV', `/api/activity.csv?from=${recently}`],
		all,
		['all rows as JSON', '/api/activity.jsonl'],
		['all rows as CSV again', '/api/activity.csv']
	] as const;
	for (const [name, path] of isShort ? [all] : files) {
		const { result, seconds, before, peak } = await watchMemory(server.pid, async () =>
			countLines(await request(path))
		);
		const note = `${result.toLocaleString('en')} lines, ${megabytes(before, peak)}`;
		yield { part, name: `export, ${name}`, unit: 'rows/s', portico: result / seconds, floor: bare, note };
	}
	const { before, peak } = await watchMemory(server.pid, async () => {
		const leaving = new AbortController();
		const answer = await request('/api/activity.csv', { signal: leaving.signal });
		await answer.body?.getReader().read();
		await new Promise((resolve) => setTimeout(resolve, 2000));
		leaving.abort();
	});
	const name = 'export, a reader that takes no more after a moment';
	yield { part, name, unit: 'MB', portico: peak, note: `memory ${Math.round(before)} MB before` };
	const ready = await request('/readyz');
	if (!ready.ok) throw new Error('The server is not well after a reader has gone.');
}
