/** How many seats a wish may find taken before it, and under which name they are counted. */
export type Wish = readonly [key: string, most: number];

/** Counts what is open at once in this process, so that nothing that waits in between lets one too many through. */
export function createSeats() {
	const taken = new Map<string, number>();
	return {
		/** Takes a seat under each of these keys, or none and returns null. The returned function gives them back, once. */
		take(wishes: readonly Wish[]): (() => void) | null {
			if (wishes.some(([key, most]) => (taken.get(key) ?? 0) >= most)) return null;
			for (const [key] of wishes) taken.set(key, (taken.get(key) ?? 0) + 1);
			let isTaken = true;
			return () => {
				if (!isTaken) return;
				isTaken = false;
				for (const [key] of wishes) {
					const left = (taken.get(key) ?? 0) - 1;
					if (left > 0) taken.set(key, left);
					else taken.delete(key);
				}
			};
		}
	};
}
