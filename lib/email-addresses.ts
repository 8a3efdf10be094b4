import { trimUnseen, withoutIgnorable } from './unseen.ts';

const longestEmail = 254;
/** A label of a domain (RFC 1035). */
const isLabel = (text: string) =>
	text.length <= 63 && /^[a-z\d-]+$/.test(text) && !text.startsWith('-') && !text.endsWith('-');

/** Whether a letter becomes others with the case, as Greek ones with a iota below do; ß and ς stay what they are. */
function foldsAway(text: string): boolean {
	const rest = text.toLowerCase().normalize('NFC').replace(/[ßς]/g, '');
	return rest.toUpperCase().toLowerCase().normalize('NFC') !== rest;
}

/** So much may be pasted as an address, in characters. */
export const longestPasted = 2 * longestEmail + 100;
/** What stands around an address in a text, and is none of it. */
const around = new Set('<>()[]{}"“”„\'‘’‚`´«»‹›,;:.!?…。，、；：！？（）「」『』【】《》〈〉');

function withoutPercents(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/** The address in what was pasted: `<mailto:pat@x.test?subject=…>,` has one. */
export function bareAddress(pasted: string): string {
	const bare = trimUnseen(pasted, (letter) => around.has(letter));
	if (!/^mailto:/i.test(bare)) return bare;
	// Some programs write it as the address of a page. What stands in one may be written as %… (RFC 6068, section 2).
	const inside = bare.replace(/^mailto:(?:\/\/)?/i, '').split('?', 1)[0] ?? '';
	return trimUnseen(withoutPercents(inside), (letter) => around.has(letter));
}

/**
 * The one form of an e-mail address that is stored, compared and looked up: without what stood around it, lower case, an
 * international domain in its ASCII form (Punycode, RFC 3492). Null for what is not an address, also for everything that
 * is not ASCII before the @.
 */
export function normalizeEmail(given: string): string | null {
	// Before anything else: what follows looks at each character.
	if (given.length > longestPasted) return null;
	const text = bareAddress(given);
	if (text.length > longestEmail) return null;
	const parts = text.split('@');
	const [local, domain] = parts;
	if (parts.length !== 2 || !local || !domain || local.length > 64) return null;
	if (!/^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i.test(local)) return null;
	// What URL would read as a port, a path, a query or a percent sign, or drop, is no part of a domain.
	if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain) || withoutIgnorable(domain) !== domain) return null;
	// These two change into other letters with the case, depending on the language.
	if (/[\u0130\u0131]/.test(domain) || domain.normalize('NFKC') !== domain) return null;
	if (foldsAway(domain) || !URL.canParse(`http://${domain}`)) return null;
	const ascii = new URL(`http://${domain}`).hostname;
	const labels = ascii.split('.');
	const last = labels.at(-1) ?? '';
	if (labels.length < 2 || !labels.every(isLabel) || last.length < 2 || !/^[a-z]/.test(last)) return null;
	return `${local.toLowerCase()}@${ascii}`;
}
