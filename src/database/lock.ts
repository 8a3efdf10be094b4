import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync, rmdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import lockfile from 'proper-lockfile';

/**
 * One process at a time on a data folder: PGlite itself lets a second one open its files and ruin them.
 *
 * Whoever has the folder touches `portico.lock` in it every 2 seconds, and whoever doesn't for 10 has lost it: that
 * holds between containers and machines that share the folder. Who it is stands beside it, and tells at once that a
 * killed process is gone; but a process id means something only on the same machine since the same boot and in the same
 * namespace of ids, and only while no other process has got it.
 */
const staleMs = 10_000;
const updateMs = 2_000;
/** Longer than between two touches: the clock alone proves nothing, since machines differ and clocks are set. */
const lookMs = 3_000;
/** For how long a start waits for a lock to become stale, so that a container whose predecessor was killed comes up. */
const patienceMs = 15_000;
/** Two that take over at once have both removed what the other made by then. */
const settleMs = 500;

interface Holder {
	/** Of this taking alone. */
	id: string;
	pid: number;
	host: string;
	/** Which boot of the machine; containers on it share the number, and have namespaces of ids of their own. */
	boot: string;
	namespace: string;
	/** When the process began: its id can be another's by now. */
	startedAt: string;
}

function orEmpty(read: () => string): string {
	try {
		return read().trim();
	} catch {
		return '';
	}
}

/** In the clock of the kernel, on Linux; null for a process that only waits to be buried, empty where nobody tells. */
function startOf(pid: number | 'self'): string | null {
	const stat = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
	const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	return state === 'Z' || state === 'X' ? null : (rest[18] ?? '');
}

function describeSelf(): Holder {
	const minuteOfBoot = () => String(Math.round((Date.now() / 1000 - os.uptime()) / 60));
	return {
		id: randomUUID(),
		pid: process.pid,
		host: os.hostname(),
		boot: orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')) || minuteOfBoot(),
		namespace: orEmpty(() => readlinkSync('/proc/self/ns/pid')),
		startedAt: startOf('self') || String(Math.round(performance.timeOrigin))
	};
}

function readHolder(file: string): Partial<Holder> {
	const text = orEmpty(() => readFileSync(file, 'utf8'));
	try {
		const holder: unknown = JSON.parse(text);
		return typeof holder === 'object' && holder !== null ? holder : {};
	} catch {
		return {};
	}
}

/** Whether the process that holds the lock lives; null where its id means nothing here. */
function isAlive(holder: Partial<Holder>, self: Holder): boolean | null {
	const { pid, host, boot, namespace, startedAt } = holder;
	if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return null;
	if (host !== self.host || boot !== self.boot || namespace !== self.namespace) return null;
	if (pid === self.pid) return startedAt === self.startedAt;
	try {
		process.kill(pid, 0);
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
	}
	// Only Linux tells when another process began, where /proc is of the same namespace.
	if (orEmpty(() => readlinkSync('/proc/self')) !== String(process.pid)) return true;
	const start = startOf(pid);
	return start === '' || start === startedAt;
}

/** What to think of a lock, each time that it is looked at. */
function watch(lock: string): () => 'absent' | 'fresh' | 'stale' {
	let touched: number | undefined;
	let since = 0;
	return () => {
		const stats = statSync(lock, { throwIfNoEntry: false });
		if (!stats) return 'absent';
		const now = performance.now();
		if (stats.mtimeMs !== touched) [touched, since] = [stats.mtimeMs, now];
		const isOld = Date.now() - stats.mtimeMs >= staleMs;
		return now - since >= (isOld ? lookMs : staleMs) ? 'stale' : 'fresh';
	};
}

function remove(lock: string): void {
	try {
		rmdirSync(lock);
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
	}
}

/** Whoever takes a lock for stale opens the database: from here on every write would be into somebody else's. */
function endAtOnce(folder: string): never {
	writeSync(
		2,
		`Portico ends at once: it has lost the lock of ${folder}, perhaps because the machine slept or the folder was moved. Another process may have the database open by now.\n`
	);
	// Not by an exit, at which the lock would be removed, and it is another's.
	process.kill(process.pid, 'SIGKILL');
	throw new Error('the process ends');
}

/** Another process has the folder. */
export class FolderInUse extends Error {
	override readonly name = 'FolderInUse';
}

/** Why a program that works on the database beside the portal was broken off, to whoever runs it. */
export function sayFailure(error: unknown): string {
	if (error instanceof FolderInUse) {
		return 'Portico is running on this data folder, and the embedded database takes one process at a time. Stop it first.';
	}
	return error instanceof Error ? error.message : String(error);
}

export interface FolderLock {
	/** Gives the folder back. */
	release(): Promise<void>;
	/**
	 * To be asked before anything is read or written: a process that was asleep, as a paused container is, wakes up with work
	 * at hand, and somebody else may have the folder by then. Looks only when time has passed unseen; ends the process when
	 * the folder is another's.
	 */
	check(): void;
}

/** How often the process notes that it is awake, and after how long without a note it looks, in milliseconds. */
const [noteMs, unseenMs] = [500, 4_000];

/**
 * Takes the folder for this process. If it is lost later, the process ends.
 * @throws {FolderInUse} when another process has it.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
	const place = path.resolve(folder);
	const [lock, file] = [path.join(place, 'portico.lock'), path.join(place, 'portico.pid')];
	const self = describeSelf();
	const look = watch(lock);
	// Where earlier versions have it: beside the folder, which containers that share the folder don't share.
	const lookBeside = watch(`${place}.lock`);
	const refuse = (): never => {
		throw new FolderInUse(
			`Another Portico is already running on ${place}. Stop it, or give this one another DATA_FOLDER.`
		);
	};

	/** Null when somebody else was faster. */
	async function take(isTakingOver: boolean): Promise<FolderLock | null> {
		// Nobody may take a process that is gone for the holder of the new lock.
		rmSync(file, { force: true });
		if (isTakingOver) remove(lock);
		let [isOpen, isLost] = [false, false];
		const lost = Promise.withResolvers<void>();
		const onCompromised = () => {
			if (isOpen) endAtOnce(place);
			isLost = true;
			lost.resolve();
		};
		const options = { lockfilePath: lock, stale: staleMs, update: updateMs, onCompromised };
		const release = await lockfile.lock(place, options).catch((error: unknown) => {
			if (error instanceof Error && 'code' in error && error.code === 'ELOCKED') return null;
			throw error;
		});
		if (!release) return null;
		writeFileSync(file, JSON.stringify(self));
		if (isTakingOver) {
			await wait(settleMs);
			// Not given back, which would remove the other's.
			if (readHolder(file).id !== self.id) await lost.promise;
			if (isLost) return null;
		}
		isOpen = true;
		// By the clock of the world, which goes on while the machine sleeps.
		let seenAt = Date.now();
		const noting = setInterval(() => check(), noteMs);
		noting.unref();
		function check(): void {
			const now = Date.now();
			if (isOpen && Math.abs(now - seenAt) > unseenMs && readHolder(file).id !== self.id) endAtOnce(place);
			seenAt = now;
		}
		return {
			check,
			async release() {
				if (readHolder(file).id !== self.id) endAtOnce(place);
				isOpen = false;
				clearInterval(noting);
				rmSync(file, { force: true });
				await release();
			}
		};
	}

	const deadline = performance.now() + patienceMs;
	for (let isFirst = true; ; isFirst = false) {
		const state = look();
		const beside = lookBeside();
		if (beside === 'stale') remove(`${place}.lock`);
		if (beside !== 'fresh') {
			const isKnown = state === 'fresh' ? isAlive(readHolder(file), self) : null;
			if (isKnown === true) return refuse();
			if (state !== 'fresh' || isKnown === false) {
				const taken = await take(state !== 'absent');
				if (taken) return taken;
			}
		}
		if (performance.now() > deadline) return refuse();
		if (isFirst) console.log(`${place} is in use, or was until a moment ago. Waiting to see which …`);
		await wait(200);
	}
}
