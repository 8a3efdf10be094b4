import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Megabytes of memory that the process holds now. */
export function memoryOf(pid: number): number {
	const file = `/proc/${pid}/status`;
	if (existsSync(file)) return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1]) / 1024;
	return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}

/** Does something and says how long it took, and what memory the process had before and held at most. */
export async function watchMemory<Result>(pid: number, work: () => Promise<Result>) {
	const before = memoryOf(pid);
	let peak = before;
	const timer = setInterval(() => (peak = Math.max(peak, memoryOf(pid))), 20);
	const began = performance.now();
	try {
		const result = await work();
		return { result, before, peak, seconds: (performance.now() - began) / 1000 };
	} finally {
		clearInterval(timer);
	}
}

/** Milliseconds of processor time that the process has taken so far, all its threads together; as exact as 10 ms. */
export function processorTimeOf(pid: number): number {
	const file = `/proc/${pid}/stat`;
	if (existsSync(file)) {
		// After the name, which may have spaces in it; a tick is a hundredth of a second for whoever reads this file.
		const fields = readFileSync(file, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
		return (Number(fields[11]) + Number(fields[12])) * 10;
	}
	const time = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' });
	return time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1000;
}
