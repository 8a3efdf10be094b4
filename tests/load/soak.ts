import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { faults } from '../faults/faults.ts';
import { soak } from '../faults/soak.ts';
import { findProgram } from '../programs.ts';

/**
 * `npm run soak`: faults for 15 minutes, `--minutes 2` for fewer, on two portals behind nginx and a PostgreSQL of their own;
 * the minutes begin with the first fault. Ends with what went wrong as JSON, with 1 where something did, and with the names of
 * the faults that it did not come to. `--seed` repeats the faults of a run, `--only` one of them alone, `--json` writes the
 * report to a file.
 */

const { values: given } = parseArgs({
	options: {
		minutes: { type: 'string', default: '15' },
		seed: { type: 'string', default: String(Date.now() % 1_000_000) },
		/** For so many seconds pages are away or asleep. */
		absence: { type: 'string', default: '60' },
		only: { type: 'string' },
		json: { type: 'string' }
	}
});
/** Until the first fault, since the start. */
let began = performance.now();
const minutes = () => (performance.now() - began) / 60_000;
const nginx = findProgram('nginx') ?? null;
if (!nginx) console.log('nginx is not installed here: pages and writers go to both portals themselves.');

const report = await soak({
	seed: Number(given.seed),
	nginx,
	companies: 4,
	pages: 10,
	names: given.only ? [given.only] : Object.keys(faults),
	patience: 60_000,
	absence: () => sleep(Number(given.absence) * 1000),
	isOver(rounds) {
		if (rounds === 0) began = performance.now();
		return rounds > 0 && minutes() >= Number(given.minutes);
	},
	say: (line) => console.log(`${minutes().toFixed(1).padStart(5)} min  ${line}`)
});
const result = {
	seed: Number(given.seed),
	minutes: Number(minutes().toFixed(1)),
	isBehindNginx: nginx !== null,
	...report
};
const text = JSON.stringify(result, null, '\t');
console.log(text);
if (given.json) await writeFile(given.json, `${text}\n`);
if (report.notTried.length > 0)
	console.log(`not tried, for want of time: ${report.notTried.map((name) => `“${name}”`).join(', ')}`);
process.exitCode = report.wrong.length > 0 ? 1 : 0;
