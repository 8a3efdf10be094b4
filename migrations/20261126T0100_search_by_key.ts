import { sql, type Kysely } from 'kysely';

/** Points and strokes beside letters, and code points that fonts leave out. */
const left = [
	'\\u0300-\\u036f\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7\\u0610-\\u061a\\u064b-\\u065f\\u0670',
	'\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f',
	'\\u00ad\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f',
	'\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8',
	'\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff'
].join('');

/** Great letters beyond ASCII and their small ones, since what `lower` makes of them depends on the server's locale. */
function listCases(): [from: string, to: string] {
	let [from, to] = ['', ''];
	for (let point = 0x80; point < 0x20000; point += 1) {
		const letter = String.fromCodePoint(point);
		const small = letter.toLowerCase();
		if (small === letter || [...small].length !== 1 || letter.normalize('NFKD') !== letter) continue;
		from += letter;
		to += small;
	}
	return [from, to];
}

const several = { ß: 'ss', æ: 'ae', œ: 'oe', þ: 'th' };
const single = ['ðđøłħŧıς’‘ʼ‐–—', "ddolhtiσ'''---"] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
	const [from, to] = listCases();
	const small = sql`translate(
		regexp_replace(normalize(given, NFKD), ${sql.lit(`[${left}]`)}, '', 'g'), ${sql.lit(from)}, ${sql.lit(to)}
	)`;
	let plain = sql`translate(lower(${small} collate "C"), ${sql.lit(single[0])}, ${sql.lit(single[1])})`;
	for (const [letter, letters] of Object.entries(several))
		plain = sql`replace(${plain}, ${sql.lit(letter)}, ${sql.lit(letters)})`;

	// What texts are searched by; lib/search.ts has the same for what is searched in a page.
	await sql`
		create function search_key(given text) returns text immutable strict parallel safe language sql as $$
			select btrim(regexp_replace(
				case when given ~ '^[\\u0001-\\u007f]*$' then lower(given collate "C") else ${plain} end,
				'[ \\t\\n\\v\\f\\r\\u0085\\u1680\\u2028\\u2029]+', ' ', 'g'
			))
		$$`.execute(db);

	// Made once, when the row is written: a search only compares. No key has a line's end, so that nothing is found that
	// lies across two of them.
	await sql`
		alter table account add column search_key text not null
		generated always as (search_key(first_name || ' ' || last_name) || E'\\n' || search_key(email)) stored`.execute(
		db
	);
	await sql`
		alter table organization add column search_key text not null
		generated always as (search_key(name)) stored`.execute(db);
	await sql`
		alter table message add column search_key text not null
		generated always as (
			search_key(recipient_name) || E'\\n' || search_key(recipient) || E'\\n' || search_key(subject)
		) stored`.execute(db);
}
