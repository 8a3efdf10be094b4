import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { sayAlive, sayAliveSeconds, leave, type Process } from '../database/processes.ts';
import { gaugeClockOffset } from '../metrics.ts';
import { tellSilent } from '../news/presence.ts';
import type { Vault } from '../vault/vault.ts';

/** So many seconds may the clocks of this machine and of the database be apart: what ends, ends by either of them. */
const apartAtMost = 2;
/** The clock of an answer that took longer than so many milliseconds proves nothing. */
const slowAnswer = 1000;

const root = path.join(import.meta.dirname, '..', '..');

/** The version of the code, and that of the tables which it knows. */
function readVersion(): string {
	const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
		version: string;
	};
	const [newest = ''] = readdirSync(path.join(root, 'migrations')).toSorted().slice(-1);
	return `${version} (${newest.split('_', 1)[0]})`;
}

export interface Neighbours {
	leave(): Promise<void>;
}

/**
 * Makes this process known to the others on its database, before it writes anything, and says in the log what doesn't fit
 * between them: other versions, and clocks that are apart.
 */
export async function meetNeighbours(
	{ db, source }: Database,
	{ keyIds }: Vault,
	processId: string,
	log: Logger
): Promise<Neighbours> {
	// The embedded database has one process, and its clock.
	if ('pglite' in source) return { leave: async () => {} };
	const self: Process = {
		id: processId,
		host: os.hostname(),
		version: readVersion(),
		encryptionKey: keyIds.encryption[0] ?? '',
		lookupKey: keyIds.lookup[0] ?? ''
	};
	let offset = 0;
	let saidOfClock = false;
	let saidOfVersions = '';
	gaugeClockOffset(() => offset);

	async function look(): Promise<void> {
		const [sent, began] = [Date.now(), performance.now()];
		const { now, others } = await sayAlive(db, self);
		const took = performance.now() - began;
		if (took < slowAnswer) tellClock((sent + took / 2 - now.getTime()) / 1000);
		tellVersions(others);
		await tellSilent(db);
	}

	function tellClock(seconds: number): void {
		offset = seconds;
		const isApart = Math.abs(seconds) > apartAtMost;
		if (isApart && !saidOfClock) {
			const apart = `${Math.abs(seconds).toFixed(1)} seconds ${seconds > 0 ? 'ahead of' : 'behind'}`;
			log.warn(
				{ seconds },
				`the clock of this machine is ${apart} the clock of the database: links, sessions and limits end that much too ${seconds > 0 ? 'early' : 'late'}; set both by a time server`
			);
		} else if (!isApart && saidOfClock)
			log.info('the clocks of this machine and of the database agree again');
		saidOfClock = isApart;
	}

	function tellVersions(others: Process[]): void {
		const strangers = others.filter(({ version }) => version !== self.version);
		const text = [...new Set(strangers.map(({ host, version }) => `${version} on ${host}`))].join(', ');
		if (text === saidOfVersions) return;
		saidOfVersions = text;
		if (text === '') log.info(`all portals on this database run ${self.version}`);
		else
			log.warn(
				{ others: strangers.map(({ host, version }) => ({ host, version })) },
				`this portal runs ${self.version}, and beside it on the same database runs ${text}: that may be while a new version is started, and not for longer`
			);
	}

	await look();
	const interval = setInterval(() => {
		// That the database is away is said by whoever needs it.
		look().catch((error: unknown) => log.debug({ err: error }, 'the other processes could not be looked at'));
	}, sayAliveSeconds * 1000);
	return {
		async leave() {
			clearInterval(interval);
			await leave(db, self.id);
		}
	};
}
