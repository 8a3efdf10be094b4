/**
 * Lists one behind the other, each thing where it comes first: answers of different moments share some. A list that has
 * one twice can't be drawn, and the page that shows it would stand still.
 */
export function once<Thing extends { id: string | number }>(...lists: (readonly Thing[])[]): Thing[] {
	const seen = new Set<string | number>();
	return lists.flat().filter(({ id }) => seen.size !== seen.add(id).size);
}
