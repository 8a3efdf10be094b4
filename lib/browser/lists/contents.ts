import { findOrder, isDay, isNoDay, type DayOrder } from './days.ts';
import { findHeading, type Meaning } from './headings.ts';
import { wordsOf } from './qualifiers.ts';
import { findDoubt, findReason, findSide, isMark, isStanding, saysNo, saysYes } from './standings.ts';
import { plainWord } from './words.ts';

/** What a column is by what stands in it, where its heading isn't known. */

export type Column = {
	heading: string;
	/** Null: not understood. */
	meaning: Meaning | null;
	/** What stands in the first rows that hold something. */
	samples: string[];
	/** Whether it says nothing but how people stand, so that an unknown word is a doubt. */
	isStrict?: boolean;
	/** Whether it holds marks, so that a place without one says no. */
	isMarked?: boolean;
	/** Which number of its days is the month. */
	order?: DayOrder;
};

const begins = (words: string[], beginnings: string[]) =>
	words.some((word) => beginnings.some((one) => word.startsWith(one)));
const stems = (text: string) => text.split(/\s+/).map(plainWord).filter(Boolean);

const ofStatus = stems('status statut estatus stato stav standing zustand állapot situaç статус');
/** What has a status of its own, or is switched on and off, and is not the person. */
const ofThings =
	stems(`email mail e-mail lead marketing marital famil zivil civil order bestell ticket task project projekt billing payment zahlung rechnung
	license lizenz licence consent subscription newsletter sync mfa 2sv 2fa factor sso visa deal opportunity country verif phone telefon pop imap voicemail archive hold audit
	notification password passwort probe probation trial warranty garantie drive storage forward protocol`);
/** What else a heading of two or three words may say of a person's account. */
const subjects = new Set(
	stems(`user users account accounts login logon log sign signin in on off is has can may the a currently flag konto benutzer anmeldung anmelden zugang access zugriff ist noch still im der
	compte utilisateur connexion est cuenta usuario conto utente persona person people employee mitarbeiter member mitglied company firma unternehmen team with us here there da not no nicht non`)
);
const ofLeaving =
	stems(`leav left exit depart terminat austritt ausscheid ausgeschied ausgetret kündig gekünd ende end until bis deactiv deaktiv delet suspend sortie départ fin baja
	uitdienst einde cessazione zwolni resign retir offboard expir ablauf gültig last letzter vertragsende`);

/** The meaning of a column whose heading nobody knows, or that nobody needs; null where what it holds doesn't show it. */
export function findByContents(heading: string, values: string[], isKnown: boolean): Meaning | null {
	const filled = values.filter((value) => plainWord(value) || saysYes(value) || saysNo(value));
	const words = wordsOf(heading);
	const isMostly = (fits: (value: string) => boolean) =>
		filled.length > 0 && filled.filter(fits).length * 2 >= filled.length;
	if (isKnown)
		return isMostly((value) => isStanding(value) && !findReason(value)?.includes('no person')) &&
			filled.some((value) => findReason(value))
			? 'status'
			: null;
	const isOfThings = begins(words, ofThings);
	const side = findSide(words);
	const isYesOrNo = filled.length > 0 && filled.every((value) => saysYes(value) || saysNo(value));
	if (isYesOrNo) {
		if (isOfThings) return null;
		if (begins(words, ofStatus)) return side ?? 'isActive';
		const others = words.filter((word) => !subjects.has(word) && findSide([word]) === null);
		return side && others.length === 0 ? side : null;
	}
	if (isOfThings) return null;
	if (begins(words, ofStatus)) return 'status';
	if (filled.some(isDay) && filled.every((value) => isDay(value) || isNoDay(value)))
		return begins(words, ofLeaving) ? 'goneSince' : null;
	const isOfKinds = new Set(filled).size * 2 <= filled.length;
	return isMostly(isStanding) || (isOfKinds && filled.some((value) => isStanding(value))) ? 'status' : null;
}

/** Whether a column that isn't understood may say that somebody is gone. */
export const mayTellGone = (heading: string, values: string[]) =>
	!begins(wordsOf(heading), ofThings) &&
	values.some(
		(value) => value.length < 60 && value.split(' ').length < 4 && findDoubt(value, false) !== null
	);

const ofKinds = stems('type typ kind art tipo details');

/** Adds what has to be known of all of a column before one of its cells can be understood. */
export const prepare = (columns: Column[], rows: { cells: string[] }[]): Column[] =>
	columns.map((column, at) => ({
		...column,
		isStrict: !begins(wordsOf(column.heading), ofKinds) && findHeading(column.heading) !== 'state',
		isMarked:
			column.samples.length > 0 && rows.every(({ cells }) => !cells[at]?.trim() || isMark(cells[at].trim())),
		order:
			column.meaning === 'goneSince' || column.meaning === 'isGone'
				? findOrder(rows.map(({ cells }) => cells[at] ?? ''))
				: null
	}));
