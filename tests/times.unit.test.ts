import { expect, test } from 'vitest';
import { tellTime } from '#lib/browser/relative-time.ts';

const now = Date.parse('2026-11-26T12:00:00.000Z');
const day = 86_400;

test.each([
	// A page that learnt the server's time from an answer that was slow is behind it.
	['just now', 0],
	['just now', 0.6],
	['just now', 3],
	['just now', 9],
	['just now', -1],
	['just now', -59],
	['in less than a minute', 40],
	['1 minute ago', -60],
	['1 minute ago', -119],
	['in 5 minutes', 300],
	['in 7 days', 7 * day],
	['in 7 days', 7 * day + 3],
	['6 days ago', -6.5 * day],
	// Thirty days that have just begun are no month yet, also where the page is late.
	['in 30 days', 30 * day],
	['in 30 days', 30 * day + 3],
	['next year', 366 * day]
])('a page says “%s” of what lies %d seconds ahead', (words, seconds) => {
	expect(tellTime(new Date(now + seconds * 1000).toISOString(), now)).toBe(words);
});
