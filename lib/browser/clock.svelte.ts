import { onMount } from 'svelte';
import { serverNow } from './server-time.ts';

/** The server's time in milliseconds, which moves on while a component that asked for it is shown. */
function createClock(interval: number): () => () => number {
	let now = $state(serverNow());
	let watchers = 0;
	let timer: ReturnType<typeof setInterval> | undefined;
	return () => {
		// The module may be older than the page, and than what the page said of the server's time.
		const start = serverNow();
		if (Math.abs(start - now) >= 1000) now = start;
		onMount(() => {
			watchers += 1;
			timer ??= setInterval(() => (now = serverNow()), interval);
			return () => {
				watchers -= 1;
				if (watchers > 0) return;
				clearInterval(timer);
				timer = undefined;
			};
		});
		return () => {
			// Asked again with each beat, and read anew: what has just happened is no date ahead until the next one.
			void now;
			return serverNow();
		};
	};
}

/** Call while a component is made; read the returned function where the time is needed. */
export const useNow = createClock(15_000);
/** As {@link useNow}, for what is counted down in seconds. */
export const useSeconds = createClock(1000);
