import { untrack } from 'svelte';

/**
 * The texts of a form over saved values, to be bound to its fields. What a colleague saves shows there, but never over what
 * is being typed.
 */
export function createDraft<Texts extends Record<string, string>>(read: () => Texts): Texts {
	let known = untrack(read);
	const texts = $state({ ...known });
	$effect(() => {
		const saved = read();
		for (const key of Object.keys(saved) as (keyof Texts)[]) {
			if (untrack(() => texts[key]) === known[key]) texts[key] = saved[key];
		}
		known = saved;
	});
	return texts;
}
