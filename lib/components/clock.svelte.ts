import { onMount } from 'svelte';

/** The time in milliseconds, which moves on while a component that asked for it is shown. */
function createClock(interval: number): () => () => number {
	let now = $state(Date.now());
	let watchers = 0;
	let timer: ReturnType<typeof setInterval> | undefined;
	return () => {
		onMount(() => {
			now = Date.now();
			watchers += 1;
			timer ??= setInterval(() => (now = Date.now()), interval);
			return () => {
				watchers -= 1;
				if (watchers > 0) return;
				clearInterval(timer);
				timer = undefined;
			};
		});
		return () => now;
	};
}

/** Call while a component is made; read the returned function where the time is needed. */
export const useNow = createClock(15_000);
/** As {@link useNow}, for what is counted down in seconds. */
export const useSeconds = createClock(1000);
