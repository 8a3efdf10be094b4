import { randomBytes } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import type { Database } from '../harness.ts';
import { dropDatabases, startPostgres } from '../setup/postgres.ts';
import { closingLine, headOf, isMet, lineOf, type Row } from './rows.ts';

/** Gives its rows as it finds them out. */
export type Part = () => AsyncIterable<Row>;

/** How often everything is measured, in turns with what it is measured beside; and for how many seconds each time. */
export const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
export const seconds = Number(process.env.BENCH_SECONDS ?? 3);

/** When the run is broken off: what else was started ends with this process. */
function endTidily(tidyUp: () => Promise<unknown>): void {
	const codes = { SIGINT: 130, SIGTERM: 143 } as const;
	for (const [name, code] of Object.entries(codes))
		process.once(name, () => void tidyUp().finally(() => process.exit(code)));
}

/**
 * Has PostgreSQL there for some work: the one of TEST_DATABASE_URL, or one of its own for as long as it takes. Where none
 * can be had it says so, and the work goes on with what needs none.
 */
export async function withPostgres(work: () => Promise<void>): Promise<void> {
	const given = process.env.TEST_DATABASE_URL;
	if (given) {
		// It outlives the run: what was made there has to go.
		const prefix = `portico_bench_${randomBytes(4).toString('hex')}_`;
		process.env.TEST_DATABASE_PREFIX = prefix;
		endTidily(() => dropDatabases(given, prefix));
		return work();
	}
	endTidily(async () => undefined);
	const started = await startPostgres().catch((error: Error) => console.log(error.message));
	if (!started) return work();
	const { url, stop } = started;
	process.env.TEST_DATABASE_URL = url;
	try {
		await work();
	} finally {
		delete process.env.TEST_DATABASE_URL;
		await stop();
	}
}

async function openForFigures(file: string): Promise<FileHandle> {
	try {
		return await open(file, 'a');
	} catch (error) {
		console.error(`The figures can’t be written there: ${error instanceof Error ? error.message : file}`);
		process.exit(2);
	}
}

/**
 * Runs one part after the other and prints the table of all of them; with `file` it writes there as JSON what it printed. A
 * missed target fails nothing. A part that couldn't run doesn't keep the others from it, and gives another exit code than 0.
 */
export async function runParts(parts: Record<string, Part>, file?: string): Promise<void> {
	const began = performance.now();
	// Before anything is measured: one that can't be written would cost all of it.
	const written = file ? await openForFigures(file) : null;
	const rows: Row[] = [];
	const failed: string[] = [];
	for (const [name, part] of Object.entries(parts)) {
		let section = '';
		try {
			for await (const row of part()) {
				if (row.part !== section) console.log(headOf((section = row.part)));
				console.log(lineOf(row));
				rows.push(row);
			}
		} catch (error) {
			failed.push(name);
			console.log(`\n${name} could not run: ${error instanceof Error ? error.stack : String(error)}`);
		}
	}
	console.log(`\nAll in all ${Math.round((performance.now() - began) / 1000)} s.`);
	console.log(closingLine(rows, failed));
	if (written) {
		const machine = { node: process.version, cores: availableParallelism(), processor: cpus()[0]?.model };
		const judged = rows.map((row) => ({
			...row,
			targets: (row.targets ?? []).map((target) => ({ ...target, isMet: isMet(row, target) }))
		}));
		const found = { at: new Date(), ...machine, rounds, seconds, failed, rows: judged };
		await written.truncate();
		await written.writeFile(`${JSON.stringify(found, null, '\t')}\n`);
		await written.close();
		console.log(`Written to ${file}.`);
	}
	if (failed.length > 0) process.exitCode = 1;
}

/** Of a program's arguments those that name databases, or all where none does, and the file for JSON. */
export function readDatabases(given: string[], all: Database[]): { named: Database[]; file?: string } {
	const named = all.filter((database) => given.includes(database));
	const file = given.find((one) => !all.some((database) => database === one));
	return { named: named.length > 0 ? named : all, ...(file && { file }) };
}
