/** A moment that all processes of the machine know, in milliseconds. */
export const now = () => Number(process.hrtime.bigint()) / 1e6;

/** The value below which this share of them lies. */
export function quantile(times: readonly number[], share: number): number {
	const sorted = times.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
