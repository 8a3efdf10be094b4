import { untrack } from 'svelte';
import { live } from '#lib/browser/live.svelte.ts';
import { usageTold } from '#lib/browser/used.svelte.ts';
import { isNotNow, refusalOf, type api } from '../../api.ts';

/** What an organization's applications have used of this month, and what they may. */
export type MonthCounts = Awaited<ReturnType<(typeof api)['quotas']['list']['query']>>;

/** What was counted is asked for at most this often, in milliseconds, however much is told. */
const pause = 4_000;

/**
 * What `ask` answers of counted requests, asked again when more of the organization's were counted; with null, of any, for
 * portal admins. Call while a component is made. `ask` gives its question away at once, so that what it is made of is
 * known: when that changes, it is asked anew.
 */
export function useCounted<Found>(
	organizationId: () => string | null,
	ask: () => () => Promise<Found>
): {
	readonly current: Found | null;
	/** Whether there is an answer, which may be null as well. */
	readonly isKnown: boolean;
	readonly problem: string | null;
	again: () => Promise<void>;
} {
	let current = $state.raw<Found | null>(null);
	let isKnown = $state(false);
	let problem = $state<string | null>(null);
	let timer: ReturnType<typeof setTimeout> | undefined;
	let [asked, lastAt] = [0, -pause];

	const question = $derived(ask());
	async function load(): Promise<void> {
		clearTimeout(timer);
		timer = undefined;
		lastAt = performance.now();
		const number = ++asked;
		try {
			const found = await question();
			if (number !== asked) return;
			[current, isKnown, problem] = [found, true, null];
		} catch (error) {
			if (isNotNow(error)) live.missAnswer();
			// What is shown already stays.
			else if (number === asked && !isKnown) problem = refusalOf(error).message;
		}
	}
	const soon = () => {
		timer ??= setTimeout(() => void load(), Math.max(0, lastAt + pause - performance.now()));
	};

	$effect(() => {
		void question;
		untrack(() => void load());
		return () => clearTimeout(timer);
	});
	const told = $derived(usageTold(organizationId()));
	$effect(() => {
		if (told > 0) untrack(soon);
	});
	$effect(() =>
		live.follow({
			hears: () => false,
			take: () => undefined,
			catchUp: () => untrack(() => current && soon())
		})
	);
	return {
		get current() {
			return current;
		},
		get isKnown() {
			return isKnown;
		},
		get problem() {
			return problem;
		},
		again: load
	};
}
