import { untrack } from 'svelte';

/**
 * A form over saved values that others change too; `fields` are to be bound to its fields. What a colleague saves shows
 * there, but never over what is being typed. What is sent is what was altered here alone, and with it what stood there
 * before: where a colleague has changed that very field, the server refuses, and tells what it is now.
 */
export function createDraft<Fields extends Record<string, string | boolean>>(read: () => Fields) {
	type Key = keyof Fields & string;
	/** What stood in each field when it was begun to be altered. */
	let seen = $state.raw(untrack(read));
	const fields = $state({ ...untrack(read) });
	const keys = () => Object.keys(seen) as Key[];

	$effect(() => {
		const saved = read();
		untrack(() => {
			const next = { ...seen };
			for (const key of keys()) {
				if (fields[key] !== seen[key]) continue;
				fields[key] = saved[key];
				next[key] = saved[key];
			}
			seen = next;
		});
	});

	return {
		fields: fields as Fields,
		/** Everything as it is saved, as when the form is opened. */
		restart() {
			seen = untrack(read);
			Object.assign(fields, seen);
		},
		/** What a refusal has told: from now on it is known what stands there, and saving puts ours in its place. */
		see(now: Partial<Fields>) {
			seen = { ...seen, ...now };
		},
		/** What to send, as the API takes it: see `seenIn` of src/api/seen.ts. */
		altered<Input extends { [key in Key]?: unknown }>(inputOf: (fields: Fields) => Input) {
			const altered = keys().filter((key) => fields[key] !== seen[key]);
			const pick = (input: Input) =>
				Object.fromEntries(altered.map((key) => [key, input[key]])) as Partial<Input>;
			return { ...pick(inputOf(fields)), seen: pick(inputOf(seen)) };
		}
	};
}

/** Of a form's fields those that a refusal has told of, as the form shows them. */
export const shownIn = <Fields extends object>(fields: Fields, now: object) =>
	Object.fromEntries(Object.entries(fields).filter(([key]) => key in now)) as Partial<Fields>;
