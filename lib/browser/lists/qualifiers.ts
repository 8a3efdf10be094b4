import { plainWord } from './words.ts';

/** What stands beside a heading, in brackets or behind a dash: whose it is, what it is for, or how it is filled in. */

const plainSet = (words: string) => new Set(words.split(',').map(plainWord));

/** What only says how a column is filled in, and nothing about whose it is. */
const decorations =
	plainSet(`required, mandatory, must, optional, read only, readonly, upload only, write only, editable, unique, text, string,
	pflicht, pflichtfeld, pflichtangabe, erforderlich, notwendig, freiwillig, nur lesen, schreibgeschützt, obligatoire, requis, requise, facultatif, facultative,
	optionnel, optionnelle, lecture seule, obligatorio, obligatoria, requerido, requerida, opcional, solo lectura, verplicht, vereist, optioneel, alleen lezen,
	obbligatorio, obbligatoria, richiesto, facoltativo, facoltativa, opzionale, sola lettura, wymagane, wymagany, opcjonalne, opcjonalnie, tylko do odczytu,
	obrigatório, obrigatória, necessário, somente leitura, påkrævet, valgfri, valgfritt, påkrevd, obligatorisk, obligatoriskt, valfri, valfritt, pakollinen,
	valinnainen, povinné, nepovinné, volitelné, kötelező, opcionális, obligatoriu, zorunlu, isteğe bağlı, обязательно, необязательно, обовʼязково, 必須, 必填, 任意, 选填`);
/** “[MUST BE IN THE E.164 FORMAT]”, “(max. 50 characters)”, “(YYYY-MM-DD)”. */
const isHint = (text: string) =>
	/^\s*(must be|max|min|up to|e\.?\s?g\.|z\.\s?b\.|p\.\s?ex|format|utc|gmt)\b|\bformat\s*$|^[\sdmyjatmh./:-]*$/i.test(
		text
	);
const isDecoration = (text: string) => decorations.has(plainWord(text)) || isHint(text);

/** Beginnings of words that make a name or an address one of somebody else, or one that isn't for work. */
const stems = (words: string) => words.split(/\s+/).map(plainWord).filter(Boolean);
const foreign =
	stems(`manager supervisor boss chef vorgesetz führungskraft teamleit abteilungsleit responsable supérieur superviseur jefe supervisora
	leidinggevende capo przełożon kierownik gestor nadřízen esimies emergency notfall urgence emergencia emergenza nood awaryjn spouse husband wife partner ehepartner ehegatt
	conjoint cónyuge parent guardian eltern mutter vater mother father child angehörig sibling friend assist sekretär secretary
	sponsor referrer referred referee reference inviter invited mentor buddy recruiter approver owner creator createdby author delegate billing invoice rechnung facturation
	private privat privé perso personal personnel pessoal prywatn particular home heim zuhause domicile hogar casa thuis maison
	recovery backup wiederherstell second zweit previous former old ehemal ancien anterior vorherig neu maiden birth geburt middle nick spitz`);
const foreignWords = new Set(['alt', 'alte', 'alter', 'kin', 'new', 'hr', 'pa', 'ex', 'sup', 'mgr', 'priv']);
const work =
	stems(`work business office company corporate corp firm geschäft dienst arbeit beruf büro job professionn travail bureau entreprise trabajo laboral
	empresa corporativ oficina zakelijk werk kantoor bedrijf lavoro aziendal azienda ufficio służb firmow praca jobb työ primary main haupt principal principale official
	default standard organi`);
const workWords = new Set(['pro', 'prof']);
const further = stems('other alternat additional weiter zusätz autre otro ander altr inny');

/** Words of a heading, also of one written without spaces. */
export const wordsOf = (text: string) =>
	text
		.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
		.split(/[^\p{L}\p{M}\p{N}]+/u)
		.map(plainWord)
		.filter(Boolean);
const begins = (word: string, beginnings: string[]) => beginnings.some((one) => word.startsWith(one));

/** Whether words say that it is somebody else's, or not for work. */
export const isForeign = (text: string) =>
	wordsOf(text).some((word) => foreignWords.has(word) || begins(word, foreign));
export const isForWork = (text: string) =>
	wordsOf(text).some((word) => workWords.has(word) || begins(word, work));
export const isFurther = (text: string) => wordsOf(text).some((word) => begins(word, further));

/** A heading and what stands beside it, without what is mere decoration: “E-mail (work, required)”. */
export function takeApart(heading: string): { base: string; beside: string } {
	const beside: string[] = [];
	const outside = heading
		.slice(0, 300)
		.replace(/[([{（［【]([^()[\]{}（）［］【】]*)[)\]}）］】]?/g, (_, inside: string) => {
			if (!isDecoration(inside)) beside.push(...inside.split(/[,;/]/).filter((part) => !isDecoration(part)));
			return ' ';
		});
	const [base = '', ...behind] = outside.split(/\s[-–—|/]+\s|:\s/).filter((part) => plainWord(part));
	beside.push(...behind.filter((part) => !isDecoration(part)));
	return base ? { base, beside: beside.join(' ') } : { base: beside.join(' ') || heading, beside: '' };
}
