import { onMount } from 'svelte';

/** The time in milliseconds, which moves on while a component that asked for it is shown. */
let now = $state(Date.now());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Call while a component is made; read the returned function where the time is needed. */
export function useNow(): () => number {
	onMount(() => {
		now = Date.now();
		watchers += 1;
		timer ??= setInterval(() => (now = Date.now()), 15_000);
		return () => {
			watchers -= 1;
			if (watchers > 0) return;
			clearInterval(timer);
			timer = undefined;
		};
	});
	return () => now;
}
