import type { UsageRange } from '#lib/usage.ts';

const forms: Record<UsageRange, Intl.DateTimeFormatOptions> = {
	hour: { hour: '2-digit', minute: '2-digit' },
	day: { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
	month: { day: 'numeric', month: 'short' },
	year: { month: 'long', year: 'numeric' }
};

/** The time that a bar of a chart stands for; in UTC, by which requests are counted. */
export const barInWords = (at: string, range: UsageRange): string =>
	new Date(at).toLocaleString('en-GB', { ...forms[range], timeZone: 'UTC' });
