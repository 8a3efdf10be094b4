import topLevelDomains from 'tlds' with { type: 'json' };
import { withoutIgnorable } from './unseen.ts';

/**
 * What mail programs take for a link that nobody of us wrote. They know which top-level domains there are, and link nothing
 * else: the list is that of IANA (https://data.iana.org/TLD/tlds-alpha-by-domain.txt), as the package `tlds` keeps it.
 */

let domains: ReadonlySet<string> | undefined;
const isTopLevelDomain = (text: string) => {
	domains ??= new Set(topLevelDomains.map((one) => one.normalize('NFKC')));
	return domains.has(text) || text.startsWith('xn--');
};

/** What ends the best-known short addresses: taken for a link also behind a single letter, as of a second name. */
const bestKnown = new Set('ai app co com de dev eu info io ly me net org ru to uk xyz'.split(' '));

/** A full stop between words, of whatever script, and what follows the second word. */
const dotted = /(?<=([\p{L}\p{M}\p{N}-]?)[\p{L}\p{M}\p{N}-])\.(xn--[a-z\d-]+|[\p{L}\p{M}\p{N}]+)(\/?)/gu;
const number = /\d\.\d{1,3}\.\d{1,3}\.\d/u;
const scheme = /\b(?:https?|ftp|mailto|javascript):/u;

/** Whether a mail program would make a link of a part of it. */
export function isLinkLike(text: string): boolean {
	// As it is read: compatibility forms folded, and the full stops of East Asia as ours.
	const read = withoutIgnorable(text.normalize('NFKC'))
		.replace(/[\u3002\uff61]/g, '.')
		.toLowerCase()
		.normalize('NFKC');
	if (number.test(read) || scheme.test(read)) return true;
	for (const [, before, word = '', slash] of read.matchAll(dotted)) {
		if (isTopLevelDomain(word) && (before || slash || bestKnown.has(word))) return true;
	}
	return false;
}
