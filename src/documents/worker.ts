import { parentPort, workerData } from 'node:worker_threads';
import type { DocumentChanges, DocumentFacts, DocumentFault, DocumentFormat } from '#lib/documents.ts';
import { findChanges } from './changes.ts';
import { check } from './checking.ts';
import { parse, Unreadable } from './parsing.ts';

export interface Work {
	text: string;
	fileName: string;
	/** The version before, to say what changed. */
	before: { text: string; format: DocumentFormat } | null;
}

export type Read =
	| { facts: DocumentFacts; changes: DocumentChanges | null; unreached: string[] }
	| { faults: DocumentFault[] };

/** What runs beside the process: it may hang, and it may need more memory than there is for it. See reading.ts. */
const { text, fileName, before } = workerData as Work;

async function read(): Promise<Read> {
	try {
		const { facts, unreached, value } = await check(text, fileName);
		if (before === null) return { facts, changes: null, unreached };
		// It has been checked as this one is.
		const former = parse(before.text, `openapi.${before.format}`);
		const changes = findChanges(former.value, value);
		return { facts, changes, unreached };
	} catch (error) {
		if (error instanceof Unreadable) return { faults: error.faults };
		throw error;
	}
}

parentPort?.postMessage(await read());
