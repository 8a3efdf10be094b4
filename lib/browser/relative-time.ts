const units = [
	['year', 31_536_000],
	['month', 2_592_000],
	['day', 86_400],
	['hour', 3600],
	['minute', 60]
] as const;

/** A page's time is behind the server's by as long as the answer took that brought it. */
const lateAtMost = 10;

/** How long ago or ahead a date is, in words. What lies ahead by no more than a page may be late has just happened. */
export function tellTime(date: string, now: number): string {
	const exact = (Date.parse(date) - now) / 1000;
	const seconds = Math.round(exact > 0 ? Math.max(exact - lateAtMost, 0) : exact);
	const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
	// Seven days ahead are seven a moment later too; six and a half days ago are six.
	const whole = seconds > 0 ? Math.round : Math.trunc;
	for (const [unit, length] of units) {
		if (Math.abs(seconds) >= length) return words.format(whole(seconds / length), unit);
	}
	return seconds > 0 ? 'in less than a minute' : 'just now';
}
