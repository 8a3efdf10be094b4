import { setTimeout } from 'node:timers/promises';
import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import { sql } from 'kysely';
import { io } from 'socket.io-client';
import { vi } from 'vitest';
import type { AppRouter } from '../src/router.ts';
import type { Portal, Visitor } from './factories.ts';
import { startServer, type Server } from './harness.ts';
import { heard } from './heard.ts';

/** Two processes on one PostgreSQL: calls that one process would line up by itself meet in the database alone. */

/** A second process of the portal, with the same keys. */
export function startSecond(portal: Portal): Promise<Server> {
	const { databaseUrl, dataFolder } = portal.server;
	return startServer({
		database: 'postgres',
		env: {
			DATABASE_URL: databaseUrl ?? '',
			DATA_FOLDER: dataFolder,
			SMTP_URL: portal.smtp.url,
			TRUSTED_PROXIES: '1'
		}
	});
}

/** Somebody's calls as the pages of another process make them, with the same session. */
export function on({ origin }: Pick<Server, 'origin'>, person: Visitor) {
	return createTRPCClient<AppRouter>({
		links: [
			httpLink({
				url: `${origin}/trpc`,
				headers: { origin },
				fetch: (url, init) => person.request(url as string, init as RequestInit)
			})
		]
	});
}

/** Somebody's page on another process. */
export function listenOn(portal: Portal, { origin }: Pick<Server, 'origin'>, person: Visitor) {
	const socket = io(origin, {
		transports: ['websocket'],
		forceNew: true,
		reconnectionDelay: 100,
		extraHeaders: { origin, cookie: person.cookie() }
	});
	portal.sockets.push(socket);
	return heard(socket);
}

/**
 * Resolves once whatever was done on the first process before has been heard on the other one: somebody's page there hears of
 * something later. No clock says how fast that is; `npm run bench:live` measures it.
 */
export async function createEcho(
	portal: Portal,
	other: Pick<Server, 'origin'>
): Promise<() => Promise<void>> {
	const person = await portal.person();
	const place = { organizationId: (await portal.space(person)).id, description: '' };
	const page = listenOn(portal, other, person);
	await page.hears('news true');
	const heardSoFar = () => page.events.filter(({ name }) => name === 'application.created').length;
	return async () => {
		const before = heardSoFar();
		const { id: applicationId } = await person.api.applications.create.mutate({ ...place, name: 'Later' });
		await page.until(() => heardSoFar() > before, 'something later');
		// Room for the next one.
		await person.api.applications.delete.mutate({ organizationId: place.organizationId, applicationId });
	};
}

/** Longer than a server lets a call wait for a lock: a request without an answer by then never got that far. */
const hungAfter = 20_000;
class Hung extends Error {}
async function hang(): Promise<never> {
	await setTimeout(hungAfter, undefined, { ref: false });
	throw new Hung(`no answer in ${hungAfter} ms`);
}

/**
 * A call waits for a lock as long as the server lets it, and is made again: 503 says that nothing has been done. So does
 * a connection that came to nothing while the row was held.
 */
async function persist(
	call: () => Promise<unknown>,
	isHeld: () => boolean,
	note: (error: unknown) => void
): Promise<unknown> {
	for (;;) {
		try {
			return await Promise.race([call(), isHeld() ? hang() : new Promise<never>(() => {})]);
		} catch (error) {
			note(error);
			if (error instanceof Hung && isHeld()) continue;
			if (!(error instanceof TRPCClientError)) throw error;
			const status = (error as TRPCClientError<AppRouter>).data?.httpStatus;
			if (status !== 503 && !(status === undefined && isHeld())) throw error;
		}
	}
}

/**
 * How many connections to this database wait for a lock. `pg_locks` alone: within a transaction `pg_stat_activity` stays as
 * it was when it was first read, without the connections that have been opened since.
 */
export const waitingForLocks = `select count(distinct pid)::int as waiting from pg_locks
	where not granted and pid in (
		select pid from pg_locks
		where database = (select oid from pg_database where datname = current_database())
	)`;

/**
 * Makes two calls meet: holds the row that both need, sends them, one to each process, sees in `pg_locks` that both wait,
 * and lets go. Whatever one of them has read before it began to wait is as old as it can be.
 */
export async function race(
	portal: Portal,
	held: { table: 'organization' | 'account'; id: string },
	calls: [() => Promise<unknown>, () => Promise<unknown>]
): Promise<[PromiseSettledResult<unknown>, PromiseSettledResult<unknown>]> {
	let isHeld = true;
	const tooSoon = new Set<string>();
	const note = (answer: unknown) =>
		void (isHeld && tooSoon.add(answer instanceof Error ? String(answer) : JSON.stringify(answer)));
	const running = await portal.inDatabase((db) =>
		db.transaction().execute(async (trx) => {
			await trx.selectFrom(held.table).select('id').where('id', '=', held.id).forUpdate().execute();
			const answers = calls.map((call) => persist(call, () => isHeld, note));
			for (const answer of answers) answer.then(note, note);
			const settled = Promise.allSettled(answers);
			await vi.waitFor(
				async () => {
					const { rows } = await sql.raw<{ waiting: number }>(waitingForLocks).execute(trx);
					const waiting = rows[0]?.waiting ?? 0;
					if (waiting < calls.length)
						throw new Error(
							`${waiting} of ${calls.length} calls wait for the row: ${[...tooSoon].join(', ')}`
						);
				},
				{ timeout: 240_000, interval: 10 }
			);
			isHeld = false;
			return { settled };
		})
	);
	const [first, second] = await running.settled;
	if (!first || !second) throw new Error('Two calls have two answers.');
	return [first, second];
}

/** Each race is run so often: it is forced, not waited for. */
export const rounds = [1, 2, 3];

export const ofOrganization = ({ id }: { id: string }) => ({ table: 'organization', id }) as const;

export const fulfilled = (answers: PromiseSettledResult<unknown>[]) =>
	answers.filter(({ status }) => status === 'fulfilled');

/**
 * Something with a short life, in milliseconds from now at the least, that has to be used before its end. Where the machine
 * was too late for that it is tried once more with a longer one; what fails before its end fails the test.
 */
export async function inItsTime<Used>(use: (life: number) => Promise<Used>): Promise<Used> {
	for (let life = 3000; ; life *= 2) {
		const began = performance.now();
		try {
			return await use(life);
		} catch (error) {
			if (performance.now() - began < life || life > 100_000) throw error;
		}
	}
}
