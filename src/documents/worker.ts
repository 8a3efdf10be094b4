import { parentPort, workerData } from 'node:worker_threads';
import { findChanges } from './changes.ts';
import { check } from './checking.ts';
import { Unreadable } from './parsing.ts';
import type { Read, Work } from './reading.ts';

/** What runs beside the process: it may hang, and it may need more memory than there is for it. See reading.ts. */
const { text, fileName, before } = workerData as Work;

async function read(): Promise<Read> {
	try {
		const { facts, value } = await check(text, fileName);
		if (before === null) return { facts, changes: null };
		const former = await check(before.text, `openapi.${before.format}`);
		const changes = findChanges(
			{ value: former.value, servers: former.facts.servers },
			{ value, servers: facts.servers }
		);
		return { facts, changes };
	} catch (error) {
		if (error instanceof Unreadable) return { faults: error.faults };
		throw error;
	}
}

parentPort?.postMessage(await read());
