import { parentPort, workerData } from 'node:worker_threads';
import type { DocumentFormat } from '#lib/documents.ts';
import { parse } from './parsing.ts';
import { boundForViewer } from './showing.ts';

/** A document that was read before, in its format. */
export interface ShowingWork {
	text: string;
	format: DocumentFormat;
}

/** As worker.ts, for what was read once: it needs nothing of what finds faults. */
const { text, format } = workerData as ShowingWork;

const bound = boundForViewer(parse(text, `openapi.${format}`).value);
parentPort?.postMessage(bound === null ? null : JSON.stringify(bound));
