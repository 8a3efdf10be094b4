import { randomBytes } from 'node:crypto';
import unhomoglyph from 'unhomoglyph';
import { withoutIgnorable } from '#lib/unseen.ts';
import type { Db } from '../../database/database.ts';

/** What makes two names of organizations the same, or nearly. */

/** Letters of other scripts that look like Latin ones, as those (Unicode UTS #39, confusables.txt). ASCII stays. */
function foldLookalikes(text: string): string {
	return text.replace(/[^\p{ASCII}]/gu, (letter) => {
		const latin = unhomoglyph(letter);
		return /^\p{ASCII}+$/u.test(latin) ? latin : letter;
	});
}

/** Neither case nor spaces nor compatibility forms nor look-alike letters nor what nobody sees tell two names apart. */
function nameKey(name: string): string {
	const seen = withoutIgnorable(name.normalize('NFKC'));
	return foldLookalikes(seen).toLowerCase().replace(/\s+/g, ' ').trim();
}

const legalForms =
	/\b(a\/?s|ab|ag|b\.?v|co|company|corp|corporation|gmbh|group|holdings?|inc|incorporated|kg|limited|llc|llp|ltd|n\.?v|oy|oyj|plc|pty|s\.?a|s\.?l|s\.?p\.?a|s\.?r\.?l|sarl|sas|se)\b\.?/g;

/** What is left when accents, punctuation and the legal form are gone: two companies with the same may be one. */
function nearKey(name: string): string {
	const plain = nameKey(name).normalize('NFKD').replace(/\p{M}/gu, '');
	const core = plain.replace(legalForms, ' ').replace(/[^\p{L}\p{N}]/gu, '');
	return core || plain;
}

/** Both keys, as the table keeps them. */
export const keysOf = (name: string) => ({ nameKey: nameKey(name), nearKey: nearKey(name) });

/** Latin letters and digits of the name; a name without any gets a random slug. */
function slugOf(name: string): string {
	const slug = name
		.normalize('NFKD')
		.replace(/\p{M}/gu, '')
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-|-$/g, '')
		.slice(0, 48);
	return slug || `org-${randomBytes(4).toString('hex')}`;
}

export async function findFreeSlug(db: Db, name: string): Promise<string> {
	const slug = slugOf(name);
	const taken = await db.selectFrom('organization').select('id').where('slug', '=', slug).executeTakeFirst();
	return taken ? `${slug}-${randomBytes(3).toString('hex')}` : slug;
}
