/** Code points that fonts leave out: soft hyphens, joiners, fillers, variation selectors, signs that only join letters. */
const ignorable =
	/[\p{Default_Ignorable_Code_Point}\p{Cf}\u1a60\u2d7f\u{10a3f}\u{1107f}\u{11a47}\u{11a99}\u{11d45}\u{11d97}\u{16fe4}]/gu;

/** The text without what nobody sees of it. */
export const withoutIgnorable = (text: string) => text.replace(ignorable, '');

/** Spaces, soft hyphens, joiners, marks of direction and of the order of bytes, as copying brings them along. */
const isBlank = (letter: string | undefined) =>
	letter !== undefined &&
	/[\s\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/.test(letter);

/** The text without what is at its ends and stands for nothing, or for nothing that `isMore` knows. */
export function trimUnseen(text: string, isMore: (letter: string) => boolean = () => false): string {
	let [from, to] = [0, text.length];
	const isOut = (letter = '') => isBlank(letter) || isMore(letter);
	while (from < to && isOut(text[from])) from += 1;
	while (to > from && isOut(text[to - 1])) to -= 1;
	return text.slice(from, to);
}
