import { parentPort, workerData } from 'node:worker_threads';
import { parse } from './parsing.ts';
import type { Shown } from './reading.ts';
import { boundForViewer } from './showing.ts';

/** As worker.ts, for what was read once: it needs nothing of what finds faults. */
const { text, format } = workerData as Shown;

const bound = boundForViewer(parse(text, `openapi.${format}`).value);
parentPort?.postMessage(bound === null ? null : JSON.stringify(bound));
