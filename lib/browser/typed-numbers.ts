const grouped = /^\d{1,3}([,'’_ \u00a0\u2009\u202f])(?:\d{2,3}\1)*\d{3}$/;

/**
 * A whole number as people type it, also in groups as pages write it: `4,000`, `4 000`, `4’000`. Not a number where nothing is
 * typed, since an empty field is no zero, nor where it could be meant as a part: `1.500`, `1,5`.
 */
export function numberOf(typed: string): number {
	const text = typed.trim();
	if (/^\d+$/.test(text)) return Number(text);
	return grouped.test(text) ? Number(text.replace(/\D/g, '')) : NaN;
}
