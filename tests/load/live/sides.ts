import pg from 'pg';
import { createAnnouncer, notify } from '../../../src/database/announcing.ts';
import { openDatabase } from '../../../src/database/database.ts';
import { transact } from '../../../src/database/transaction.ts';
import { endSession } from '../../../src/identity/sessions.ts';
import { encodeSignal } from '../../../src/news/publish.ts';
import { createDatabase, findFreePort, startServer } from '../../harness.ts';
import { startRival, type Rival } from '../rivals.ts';
import type { Dashboard } from './dashboards.ts';
import { now } from './moment.ts';
import { insertCompanies, insertWatchers, type Watcher } from './people.ts';

/** What is measured, and what it is measured beside: the same events, committed by this process and told by another one. */

export interface Side {
	name: 'floor' | 'portico';
	/** The process that has the dashboards. */
	readonly pid: number;
	/** Somebody in each of so many companies, or so many in one. */
	settle(word: string, count: { companies: number; people: number }): Promise<Watcher[]>;
	dashboardOf(watcher: Watcher): Dashboard;
	/** Commits an event of this company; resolves with the moment of the commit. */
	write(mark: string, organizationId: string): Promise<number>;
	/** Ends a session; null where nobody has one. */
	end: ((watcher: Watcher) => Promise<number>) | null;
	restart(): Promise<void>;
	stop(): Promise<void>;
}

const collecting = { NODE_OPTIONS: `--import=${new URL('collect.ts', import.meta.url).href}` };
const id = '00000000-0000-4000-8000-000000000000';
const name = 'application.updated';
const audience = { isForOrganization: true, isForPortal: false };
/** So many commits are under way at most. */
const writersAtMost = 32;
const actor = { id: null, name: 'Measuring', kind: 'system' } as const;
const payloadOf = (mark: string) => ({
	application: { id, name: mark, description: '', createdBy: null, createdAt: '2026-01-01T00:00:00.000Z' },
	previousName: mark
});
let people = 0;
const addressOf = (n: number) => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

export async function startPorticoSide(): Promise<Side> {
	const { url, drop } = await createDatabase();
	const env = { ...collecting, DATABASE_URL: url, LOG_LEVEL: 'warn', SMTP_URL: '', TRUSTED_PROXIES: '1' };
	const server = await startServer({ database: 'postgres', env });
	const database = await openDatabase({ DATABASE_URL: url, DATA_FOLDER: '' });
	const { db } = database;
	const pool = new pg.Pool({ connectionString: url, max: writersAtMost });
	// On a connection of its own, as a portal has it.
	const announcer = createAnnouncer((texts) => notify(announcements.db, texts));
	const announcements = await openDatabase({ DATABASE_URL: url, DATA_FOLDER: '' });
	return {
		name: 'portico',
		get pid() {
			return server.pid;
		},
		async settle(word, count) {
			const companies = await insertCompanies(db, word, count.companies);
			const places = Array.from({ length: count.people }, (_, n) => companies[n % companies.length] ?? '');
			return insertWatchers(db, word, places);
		},
		dashboardOf({ cookie, organizationId }) {
			const asked = encodeURIComponent(JSON.stringify({ organizationId, after: 0 }));
			return {
				way: {
					port: server.port,
					headers: { cookie, origin: server.origin, 'x-forwarded-for': addressOf((people += 1)) }
				},
				isCurrentAfter: '["news",true',
				questions: ['/trpc/sessions.get?input=%7B%7D', `/trpc/activity.since?input=${asked}`]
			};
		},
		async write(mark, organizationId) {
			const happened = JSON.stringify([{ name, actor, payload: payloadOf(mark), ...audience }]);
			// What a portal sends for it, in one question as on the floor; its result is that of the second statement.
			const answers = (await pool.query(
				`begin; select id from publish_events('${organizationId}'::uuid, ${pg.escapeLiteral(happened)}::jsonb) as id; commit`
			)) as unknown as pg.QueryResult<{ id: string }>[];
			const committed = now();
			const id = Number(answers[1]?.rows[0]?.id);
			announcer.announce([encodeSignal({ kind: 'event', id, organizationId, name, accountId: undefined })]);
			return committed;
		},
		async end({ sessionId, userId }) {
			await transact(db, (trx) => endSession(trx, sessionId, userId));
			return now();
		},
		restart: () => server.restart(),
		async stop() {
			await server.dispose();
			await announcer.stop();
			await Promise.all([pool.end(), announcements.close(), database.close()]);
			await drop();
		}
	};
}

export async function startFloorSide(): Promise<Side> {
	const { url, drop } = await createDatabase();
	const pool = new pg.Pool({ connectionString: url, max: writersAtMost });
	await pool.query('create table happened (id bigserial primary key, room text, event jsonb)');
	const port = await findFreePort();
	const script = new URL('floor.ts', import.meta.url).pathname;
	const start = () => startRival(script, { env: { ...collecting, DATABASE_URL: url, PORT: String(port) } });
	let server: Rival = await start();
	return {
		name: 'floor',
		get pid() {
			return server.pid;
		},
		async settle(word, count) {
			return Array.from({ length: count.people }, (_, n) => ({
				userId: '',
				sessionId: '',
				cookie: '',
				organizationId: `${word}-${n % count.companies}`
			}));
		},
		dashboardOf: ({ organizationId }) => ({
			way: { port, query: `&room=${organizationId}`, headers: {} },
			isCurrentAfter: null,
			questions: []
		}),
		async write(mark, room) {
			const at = new Date().toISOString();
			const event = {
				seq: 1,
				organizationId: room,
				name: 'application.updated',
				actor,
				payload: payloadOf(mark),
				at
			};
			const text = pg.escapeLiteral(JSON.stringify(event));
			const told = pg.escapeLiteral(JSON.stringify({ room, event }));
			await pool.query(
				`begin; insert into happened (room, event) values ('${room}', ${text}); select pg_notify('floor', ${told}); commit`
			);
			return now();
		},
		end: null,
		async restart() {
			await server.end();
			server = await start();
		},
		async stop() {
			await server.end();
			await pool.end();
			await drop();
		}
	};
}
