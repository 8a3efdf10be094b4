/** Colours as #rrggbb. */

const channels = (color: string) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

function luminanceOf(color: string): number {
	const [red = 0, green = 0, blue = 0] = channels(color).map((value) => {
		const share = value / 255;
		return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast of two colours as WCAG 2.2 counts it: 1 to 21; text needs 4.5. */
export function contrastOf(one: string, other: string): number {
	const [darker = 0, lighter = 0] = [luminanceOf(one), luminanceOf(other)].toSorted((a, b) => a - b);
	return (lighter + 0.05) / (darker + 0.05);
}

export const leastContrast = 4.5;

/** The colour, with as much white in it as it needs to be read on a dark ground. */
export function lightenFor(color: string, ground: string): string {
	for (let white = 0; white <= 1; white += 0.05) {
		const mixed = channels(color).map((value) => Math.round(value + (255 - value) * white));
		const lighter = `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
		if (contrastOf(lighter, ground) >= leastContrast) return lighter;
	}
	return '#ffffff';
}
