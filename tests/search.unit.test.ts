import { expect, test } from 'vitest';
import { searchKey } from '#lib/search.ts';

test.each([
	['Véronique', 'veronique'],
	['Ve\u0301ronique', 'VERONIQUE'],
	['Łucja Żak', 'lucja zak'],
	['Søren Ægir', 'soren aegir'],
	['Straße', 'STRASSE'],
	['İstanbul Işık', 'istanbul isik'],
	['Иван Ёлкин', 'иван елкин'],
	['Σωκράτης', 'ΣΩΚΡΑΤΗΣ'],
	['Siobhán O’Brien', "siobhan o'brien"],
	['Nguyễn Thị', 'nguyen thi'],
	['  Ana\u00a0 Maria ', 'ana maria'],
	['Ana\u200bMaria', 'anamaria'],
	['Ｇｒａｃｅ', 'grace'],
	['مُحَمَّد', 'محمد']
])('%s is found by %s', (text, search) => expect(searchKey(text)).toBe(searchKey(search)));

test('another letter is another', () => {
	expect(searchKey('Berg')).not.toContain(searchKey('berk'));
	expect(searchKey('が')).not.toBe(searchKey('か'));
});
