import pg from 'pg';
import { channel, createAnnouncer } from '../../../src/database/announcing.ts';
import { createDatabase } from '../../harness.ts';
import { now } from './moment.ts';

/**
 * Commits in a second by how they are announced: by NOTIFY in each transaction, after it by the announcer that a portal
 * has, or not at all. Each writes one row, in one question, and somebody listens.
 */

export const manners = ['none', 'inside', 'after'] as const;
export type Manner = (typeof manners)[number];

const telling = JSON.stringify({
	kind: 'event',
	id: 1_000_000,
	organizationId: null,
	name: 'application.updated'
});

export async function measureCommits(writers: number, seconds: number): Promise<Record<Manner, number>> {
	const { url, drop } = await createDatabase();
	const pool = new pg.Pool({ connectionString: url, max: writers });
	const announcing = new pg.Client({ connectionString: url });
	const listening = new pg.Client({ connectionString: url });
	try {
		await Promise.all([announcing.connect(), listening.connect()]);
		await announcing.query('set synchronous_commit = off');
		await pool.query('create table happened (id bigserial primary key, text text)');
		await listening.query(`listen ${channel}`);
		const announcer = createAnnouncer(async (texts) => {
			await announcing.query('select pg_notify($1, one) from unnest($2::text[]) as one', [
				channel,
				[...texts]
			]);
		});
		const written = `begin; insert into happened (text) values ('${telling}')`;
		const work = {
			none: () => pool.query(`${written}; commit`),
			inside: () => pool.query(`${written}; select pg_notify('${channel}', '${telling}'); commit`),
			async after() {
				await pool.query(`${written}; commit`);
				announcer.announce([telling]);
			}
		};
		const found = { none: 0, inside: 0, after: 0 };
		// A first round opens the connections.
		for (const [round, share] of [0.1, 1].entries()) {
			for (const manner of manners) {
				const perSecond = await count(work[manner], writers, seconds * share);
				if (round > 0) found[manner] = perSecond;
			}
		}
		await announcer.stop();
		return found;
	} finally {
		await Promise.all([pool.end(), announcing.end(), listening.end()]);
		await drop();
	}
}

async function count(commit: () => Promise<unknown>, writers: number, seconds: number): Promise<number> {
	const began = now();
	let done = 0;
	const write = async () => {
		for (; now() - began < seconds * 1000; done += 1) await commit();
	};
	await Promise.all(Array.from({ length: writers }, write));
	return done / ((now() - began) / 1000);
}
