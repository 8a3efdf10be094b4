import { serverNow } from '../server-time.ts';
import { plainWord, tidy } from './words.ts';

/** Days as lists write them down: which of two numbers is the month is told by the other cells of the column, if at all. */
export type DayOrder = 'dayFirst' | 'monthFirst' | null;

const dayLength = 86_400_000;
const languages = ['en', 'de', 'fr', 'es', 'nl', 'it', 'pl', 'pt', 'sv', 'da', 'nb', 'fi', 'cs'];
const monthOf = new Map<string, number>();
for (const language of languages) {
	for (const form of ['long', 'short'] as const) {
		const names = new Intl.DateTimeFormat(language, { day: 'numeric', month: form, timeZone: 'UTC' });
		for (let month = 0; month < 12; month += 1) {
			const parts = names.formatToParts(Date.UTC(2024, month, 1));
			const word = plainWord(parts.find(({ type }) => type === 'month')?.value ?? '');
			if (/\p{L}/u.test(word) && !monthOf.has(word)) monthOf.set(word, month);
		}
	}
}

/** “N/A”, “-”, “never”: there is no such day. */
const none = new Set(
	`na nan none null nil never no not notset unset unknown open permanent indefinite unlimited ongoing present active current tbd 0 00000000 nein nie keine keiner kein keines offen
	unbefristet ka entfällt jamais aucun aucune non néant indéterminée nunca ninguno ninguna indefinido nooit geen onbepaald mai nessuno nessuna nie brak nigdy nej ingen aldrig`
		.split(/\s+/)
		.map(plainWord)
);
export const isNoDay = (text: string) => {
	const word = plainWord(text);
	return !word || none.has(word);
};

const numbers = /^(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{2}|\d{4})(?=$|[\sT,])/;

/** Which number is the day, by the cells that leave no choice. */
export function findOrder(cells: string[]): DayOrder {
	let isDayFirst = false;
	let isMonthFirst = false;
	for (const cell of cells) {
		const [, one, sign, other] = numbers.exec(tidy(cell)) ?? [];
		if (!one || sign === '.') continue;
		isDayFirst ||= Number(one) > 12;
		isMonthFirst ||= Number(other) > 12;
	}
	return isDayFirst === isMonthFirst ? null : isDayFirst ? 'dayFirst' : 'monthFirst';
}

/** The moments at which a day may begin, in milliseconds; none where it is no day. */
function readDay(given: string, order: DayOrder): number[] {
	const text = tidy(given);
	const at = (year: number, month: number, day: number) =>
		month >= 0 && month < 12 && day > 0 && day < 32
			? [Date.UTC(year < 100 ? 2000 + year : year, month, day)]
			: [];
	const [, one, sign, other, years] = numbers.exec(text) ?? [];
	if (one && other) {
		const [first, second, year] = [Number(one), Number(other), Number(years)];
		const byDay = at(year, second - 1, first);
		if (sign === '.') return byDay;
		const byMonth = at(year, first - 1, second);
		if (order === 'dayFirst' && byDay.length > 0) return byDay;
		if (order === 'monthFirst' && byMonth.length > 0) return byMonth;
		return [...byDay, ...byMonth];
	}
	const [, year, month, day] = /^(\d{4})[-./]?(\d{2}|\d(?=[-./]))[-./]?(\d{1,2})(?!\d)/.exec(text) ?? [];
	if (year && month && day) return at(Number(year), Number(month) - 1, Number(day));
	// The number by which Excel counts days, and seconds or milliseconds since 1970.
	if (/^\d{5}(\.\d+)?$/.test(text)) return [Date.UTC(1899, 11, 30) + Number(text) * dayLength];
	if (/^\d{10}(\d{3})?$/.test(text)) return [Number(text) * (text.length === 10 ? 1000 : 1)];
	const words = text.split(/[\s,./-]+/);
	const name = words.map((word) => monthOf.get(plainWord(word))).find((one) => one !== undefined);
	const dayAt = words.findIndex((word) => /^\d{1,2}(st|nd|rd|th|er)?$/.test(word));
	const found = words.find((word, index) => /^\d{4}$/.test(word) || (index > dayAt && /^\d{2}$/.test(word)));
	if (name === undefined || !found) return [];
	return at(Number(found), name, dayAt < 0 ? 1 : Number.parseInt(words[dayAt] ?? '', 10));
}

export const isDay = (text: string) => readDay(text, null).length > 0;

/**
 * Whether the day that a cell names may be over: in one of the ways to read it, if there are two. What is no day, nor says
 * that there is none, is taken for one that is over.
 */
export function isOver(text: string, order: DayOrder, now = serverNow()): boolean {
	if (isNoDay(text)) return false;
	const days = readDay(text, order);
	return days.length === 0 || days.some((day) => day <= now);
}
