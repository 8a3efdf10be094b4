import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Page } from './page.ts';
import type { World } from './world.ts';

/** What goes wrong, one thing at a time, while everybody goes on writing. Each ends when it is over, not when all is well. */

export interface Form {
	/** A number from 0 to 1. */
	random(): number;
	/** As long as somebody is away, in either form of the harness. */
	absence(world: World): Promise<void>;
}

export type Fault = (world: World, form: Form) => Promise<void>;

const pick = <Item>(items: readonly Item[], { random }: Form): Item =>
	items[Math.floor(random() * items.length)] as Item;

/** A few of the pages, one at least. */
function pickPages({ pages }: World, form: Form): Page[] {
	const some = pages.filter(() => form.random() < 0.3);
	return some.length > 0 ? some : [pick(pages, form)];
}

/** At some moment among its answers. */
const someMoment = ({ writer }: World, { random }: Form) => writer.until(Math.floor(random() * 5));

const killed: Fault = async (world, form) => {
	const portal = pick(world.portals, form);
	await someMoment(world, form);
	await portal.kill();
	await world.writer.until(3);
	await portal.restart();
};

const away: Fault = async (world, form) => {
	const some = pickPages(world, form);
	for (const page of some) page.leave();
	await form.absence(world);
	for (const page of some) page.comeBack();
};

const asleep: Fault = async (world, form) => {
	const some = pickPages(world, form);
	for (const page of some) page.freeze();
	await form.absence(world);
	for (const page of some) page.thaw();
};

const databaseRestarted: Fault = async (world, form) => {
	await someMoment(world, form);
	await world.postgres.restart();
};

const listenCut: Fault = async (world, form) => {
	await someMoment(world, form);
	await world.inDatabase(
		`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'portico listening'`
	);
};

/** So many events at a time, each of some kilobytes: what the machine keeps on the way takes only a few of them. */
const burst = 500;

/** Tells so many in one organization, and returns the number of the last one. */
async function tellMuch({ db }: World, organizationId: string): Promise<number> {
	await sql`
		select count(*) from publish_events(${organizationId}::uuid, (
			select jsonb_agg(jsonb_build_object(
				'name', 'application.updated', 'actor', '{"id": null, "name": "Soak", "kind": "system"}'::jsonb,
				'payload', jsonb_build_object('previousName', 'Much', 'application', jsonb_build_object(
					'id', gen_random_uuid(), 'name', 'Much', 'description', repeat('x', 4000), 'createdBy', null,
					'createdAt', '2026-01-01T00:00:00.000Z')),
				'isForOrganization', true, 'isForPortal', false
			)) from generate_series(1, ${sql.lit(burst)})
		))`.execute(db);
	const { lastSeq } = await db
		.selectFrom('organization')
		.select('lastSeq')
		.where('id', '=', organizationId)
		.executeTakeFirstOrThrow();
	return lastSeq;
}

/** It is let go while it sleeps, and loads its page anew. */
const slowReader: Fault = async (world, form) => {
	const page = pick(world.pages, form);
	const colleague = world.pages.find(
		(one) => one !== page && one.organizationId === page.organizationId
	) as Page;
	const sum = async (name: string) => {
		const figures = world.portals.map((portal) => world.readFigure(portal, name));
		return (await Promise.all(figures)).reduce((all, one) => all + one, 0);
	};
	const before = await sum('portico_slow_pages_total');
	/** Or because it didn't say for a long time that it is there, where all of this takes so long. */
	const isLetGo = async () =>
		(await sum('portico_slow_pages_total')) > before || (await sum('portico_sockets')) < world.pages.length;
	while ((await sum('portico_sockets')) < world.pages.length) await sleep(50);
	const connections = page.connections.length;
	page.freeze();
	while (!(await isLetGo())) {
		const head = await tellMuch(world, page.organizationId);
		await colleague.until(() => colleague.seq() >= head, `number ${head}`, 120_000);
	}
	page.thaw();
	await page.until(() => page.connections.length > connections, 'a connection anew', 120_000);
};

/** The next one is not stopped before nginx sends to the first one again, which takes as long as its `fail_timeout`. */
const rollingRestart: Fault = async (world) => {
	for (const portal of world.portals) {
		await portal.restart();
		while (world.isBehindNginx && !(await world.isAskedAgain(portal))) await sleep(50);
	}
};

export const faults: Record<string, Fault> = {
	'a portal is killed': killed,
	'pages are away': away,
	'pages are asleep': asleep,
	'PostgreSQL is restarted': databaseRestarted,
	'what listens is cut off': listenCut,
	'a page reads nothing': slowReader,
	'both portals are restarted, one after the other': rollingRestart
};
