import { sql, type Selectable } from 'kysely';
import type { Db } from '../database/database.ts';
import { idsIn, numbersIn } from '../database/sets.ts';
import type { Tables } from '../database/tables.ts';
import type { House } from './house.ts';
import { organizationOf } from './rooms.ts';

export type EventRow = Selectable<Tables['event']>;

/** So many events are remembered as told, at most. */
const rememberedAtMost = 20_000;

/** So many events are told in one go at most: whoever has missed more asks for what their page shows. */
export const readAtMost = 5000;

/**
 * How far each stream was told to those who listen here. The numbers of a stream have no gap and are committed in order:
 * what a process announced late, or died before it could, is between what was told and what comes next.
 */
export function keepStreams({ io, db }: Pick<House, 'io' | 'db'>) {
	/** By organization, where somebody is in its room. */
	const told = new Map<string, number>();
	/** The portal's own, while an admin listens. */
	let portal: number | null = null;
	/** Ids, also of what nobody's stream holds. */
	const done = new Set<number>();

	io.of('/').adapter.on('delete-room', (room: string) => {
		if (room === 'admins') portal = null;
		const id = organizationOf(room);
		if (id) told.delete(id);
	});

	/**
	 * The rows of these ids, and whatever else of the streams of these organizations and of the portal was not told, in
	 * the order of all of them.
	 * @throws {Error} when these are more than can be told; they count as told then, and every page has to ask.
	 */
	async function read(ids: readonly number[], organizationIds: Iterable<string>): Promise<EventRow[]> {
		const asked = new Set([...organizationIds].filter((id) => told.has(id)));
		for (;;) {
			const rows = await select(ids, asked);
			if (rows.length > readAtMost) {
				await skip(asked);
				throw new Error(`More than ${readAtMost} events had not been told.`);
			}
			// Told with the portal's: what precedes it in its own stream goes before it.
			const others = rows.flatMap(({ organizationId: id }) =>
				id && told.has(id) && !asked.has(id) ? id : []
			);
			if (others.length === 0) return rows.filter(({ id }) => !done.has(id));
			for (const id of others) asked.add(id);
		}
	}

	async function select(ids: readonly number[], asked: ReadonlySet<string>): Promise<EventRow[]> {
		const heads = [...asked].map((id) => [id, told.get(id) ?? 0]);
		return db
			.selectFrom('event')
			.selectAll()
			.where(
				'id',
				'in',
				sql<number>`(
					select * from ${numbersIn(ids)} as given
					union all
					select event.id
					from jsonb_array_elements(${JSON.stringify(heads)}::text::jsonb) as head
					join event on event.organization_id = (head->>0)::uuid and event.seq > (head->>1)::bigint
					union all
					select id from event where portal_seq > ${portal}::bigint
				)`
			)
			.orderBy('id')
			.limit(readAtMost + 1)
			.execute();
	}

	/** From here on only what comes next is told of these organizations and of the portal. */
	async function skip(organizationIds: ReadonlySet<string>): Promise<void> {
		const [heads, own] = await Promise.all([
			db
				.selectFrom('organization')
				.select(['id', 'lastSeq'])
				.where('id', 'in', idsIn([...organizationIds]))
				.execute(),
			db.selectFrom('portal').select('lastSeq').executeTakeFirstOrThrow()
		]);
		for (const { id, lastSeq } of heads) if (told.has(id)) told.set(id, lastSeq);
		if (portal !== null) portal = own.lastSeq;
	}

	return {
		read,
		isDone: (id: number) => done.has(id),
		/** From here on its news are told in the room. */
		begin(organizationId: string, seq: number): void {
			if (!told.has(organizationId)) told.set(organizationId, seq);
		},
		beginPortal(seq: number): void {
			portal ??= seq;
		},
		/**
		 * Notes this event as told. Returns false where its stream has gone further already: those who were in the room
		 * have heard of it, or have come since.
		 */
		note({ id, organizationId, seq, portalSeq }: EventRow): boolean {
			done.add(id);
			if (done.size > rememberedAtMost) done.delete(done.values().next().value as number);
			if (portal !== null && portalSeq !== null) portal = Math.max(portal, portalSeq);
			const before = organizationId && told.get(organizationId);
			if (!organizationId || seq === null || typeof before !== 'number') return true;
			if (seq <= before) return false;
			told.set(organizationId, seq);
			return true;
		},
		/** Organizations that have gone further than was told; `null` stands for the portal. */
		async listBehind(): Promise<(string | null)[]> {
			if (told.size === 0 && portal === null) return [];
			return listFurther(db, told, portal);
		}
	};
}

export type Streams = ReturnType<typeof keepStreams>;

/** How often the numbers are compared, in milliseconds. */
const lookEvery = 1000;

/** Has what was committed and not told found: a process that was killed tells nothing. */
export function watchStreams(streams: Streams, found: (organizationId: string | null) => void) {
	let looking: Promise<void> | null = null;
	async function look(): Promise<void> {
		try {
			for (const organizationId of await streams.listBehind()) found(organizationId);
		} catch {
			// The database is away: pages ask for what they missed once it is back.
		}
	}
	const interval = setInterval(() => {
		looking ??= look().finally(() => (looking = null));
	}, lookEvery);
	return {
		async stop() {
			clearInterval(interval);
			await looking;
		}
	};
}

async function listFurther(
	db: Db,
	told: ReadonlyMap<string, number>,
	portal: number | null
): Promise<(string | null)[]> {
	const { rows } = await sql<{ id: string | null }>`
		select organization.id
		from jsonb_array_elements(${JSON.stringify([...told])}::text::jsonb) as head
		join organization on organization.id = (head->>0)::uuid and organization.last_seq > (head->>1)::bigint
		union all
		select null from portal where last_seq > ${portal}::bigint`.execute(db);
	return rows.map(({ id }) => id);
}
