/**
 * What was asked for under the key before, or is asked for now. An answer that failed isn't kept: whoever asks next
 * has it tried again.
 */
export function remember<Key, Value>(
	known: Map<Key, Promise<Value>>,
	key: Key,
	ask: () => Promise<Value>
): Promise<Value> {
	const before = known.get(key);
	if (before) return before;
	const asked = ask();
	known.set(key, asked);
	asked.catch(() => {
		if (known.get(key) === asked) known.delete(key);
	});
	return asked;
}
