import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import {
	maxDocumentBytes,
	type DocumentChanges,
	type DocumentFacts,
	type DocumentFault,
	type DocumentFormat
} from '#lib/documents.ts';

/**
 * Reads an OpenAPI document that somebody brings. That happens in a thread of its own, with an end to its memory and its
 * time: the process goes on answering others meanwhile, whatever the document does.
 */

export interface Work {
	text: string;
	fileName: string;
	/** The version before, to say what changed. */
	before: { text: string; format: DocumentFormat } | null;
}

export type Read = { facts: DocumentFacts; changes: DocumentChanges | null } | { faults: DocumentFault[] };

/** One at a time: each may use both of these. */
const inTurn = pLimit(1);
/** 5 MB of YAML and the version before need half of each on a small machine that has other things to do. */
const [maxMemoryMb, maxMs] = [1_024, 60_000];

const refuse = (message: string): Read => ({ faults: [{ line: 1, column: 1, message }] });

export interface Limits {
	memoryMb: number;
	ms: number;
}

/** Never throws for what a document holds: what is wrong with it is the answer. */
export async function readDocument(
	work: Work,
	limits: Limits = { memoryMb: maxMemoryMb, ms: maxMs }
): Promise<Read> {
	if (Buffer.byteLength(work.text) > maxDocumentBytes) return refuse('This has more than 5 MB.');
	return inTurn(() => readInThread(work, limits));
}

async function readInThread(work: Work, { memoryMb, ms }: Limits): Promise<Read> {
	const worker = new Worker(new URL('./worker.ts', import.meta.url), {
		workerData: work,
		resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 },
		env: {},
		execArgv: [],
		// What libraries print about a document is nobody's.
		stdout: true,
		stderr: true
	});
	const ended = new AbortController();
	const timer = setTimeout(() => ended.abort(), ms);
	try {
		const [read] = (await once(worker, 'message', { signal: ended.signal })) as [Read];
		return read;
	} catch (error) {
		if (ended.signal.aborted) return refuse('Reading this takes too long. Split the document into several.');
		if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
			return refuse('Reading this takes too much memory. Split the document into several.');
		throw error;
	} finally {
		clearTimeout(timer);
		await worker.terminate();
	}
}
