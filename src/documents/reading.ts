import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { maxDocumentBytes, type DocumentFormat } from '#lib/documents.ts';
import type { ShowingWork } from './showing-worker.ts';
import type { Read, Work } from './worker.ts';

/**
 * Reads an OpenAPI document that somebody brings. That happens in a thread of its own, with an end to its memory and its
 * time: the process goes on answering others meanwhile, whatever the document does.
 */

/** What reading one may take. Whoever has several to read does so one after the other. */
export interface Limits {
	memoryMb: number;
	/** Of a processor, so that it doesn't matter what else the machine has to do. */
	processorMs: number;
	ms: number;
}

/** Several times of what 5 MB of YAML and the version before need. */
const usual: Limits = { memoryMb: 1_024, processorMs: 40_000, ms: 300_000 };

const refuse = (message: string): Read => ({ faults: [{ line: 1, column: 1, message }] });

/** Never throws for what a document holds: what is wrong with it is the answer. */
export async function readDocument(work: Work, limits = usual): Promise<Read> {
	if (Buffer.byteLength(work.text) > maxDocumentBytes) return refuse('This has more than 5 MB.');
	return readInThread<Read>(new URL('./worker.ts', import.meta.url), work, limits, refuse);
}

/** What the viewer is given in place of a document, as JSON; null where it is given the document. See showing.ts. */
export async function boundDocument(text: string, format: DocumentFormat): Promise<string | null> {
	// Nothing else makes more of a document than what stands there.
	if (!text.includes('$ref')) return null;
	return readInThread<string | null>(
		new URL('./showing-worker.ts', import.meta.url),
		{ text, format },
		usual,
		(words) => {
			throw new Error(words);
		}
	);
}

async function readInThread<Result>(
	file: URL,
	work: Work | ShowingWork,
	{ memoryMb, processorMs, ms }: Limits,
	refuse: (words: string) => Result
): Promise<Result> {
	const worker = new Worker(file, {
		workerData: work,
		resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 },
		env: {},
		execArgv: [],
		// What libraries print about a document is nobody's.
		stdout: true,
		stderr: true
	});
	const ended = new AbortController();
	const end = setTimeout(() => ended.abort(), ms);
	const look = setInterval(() => {
		const stopWhenUsedUp = ({ user, system }: NodeJS.CpuUsage) => {
			if ((user + system) / 1000 > processorMs) ended.abort();
		};
		// It may have come to its end meanwhile.
		worker.cpuUsage().then(stopWhenUsedUp, () => undefined);
	}, 200);
	try {
		const [read] = (await once(worker, 'message', { signal: ended.signal })) as [Result];
		return read;
	} catch (error) {
		if (ended.signal.aborted) return refuse('Reading this takes too long. Split the document into several.');
		if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
			return refuse('Reading this takes too much memory. Split the document into several.');
		throw error;
	} finally {
		clearTimeout(end);
		clearInterval(look);
		await worker.terminate();
	}
}
