import { searchKey } from '../../search.ts';

/** Words as they are compared: in small letters, without accents, spaces and marks. */
export const plainWord = (text: string) => searchKey(text).replace(/[^\p{L}\p{N}]/gu, '');

/** One space between words, none around, and nothing that can't be seen. */
export const tidy = (text: string) =>
	text
		.replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, '')
		.replace(/\s/g, ' ')
		.split(' ')
		.filter(Boolean)
		.join(' ');
