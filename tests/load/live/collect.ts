import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Preloaded into what is measured: SIGUSR2 has what nobody holds any more collected, so that memory can be compared. */

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
process.on('SIGUSR2', () => {
	for (let time = 0; time < 3; time += 1) collect();
});
