import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** What a form holds is sent before its page's script runs, too: in the body, or it stands in addresses and their logs. */

const files = globSync(['routes/**/*.svelte', 'lib/**/*.svelte']);
const forms = files.flatMap((file) => {
	const text = readFileSync(file, 'utf8');
	return [...text.matchAll(/<form\b/g)].map(({ index }) => {
		const body = text.slice(index, text.indexOf('</form>', index));
		// The tag's own text: "=>" ends no tag.
		const [tag = ''] = /^<form(?:=>|[^>])*>/.exec(body) ?? [];
		return { file, tag, body };
	});
});

test('every form is sent by POST, but for searches', () => {
	expect(forms.length).toBeGreaterThan(40);
	const byPost = forms.filter(({ tag }) => /\smethod="post"/.test(tag));
	const searches = forms.filter(
		({ tag, body }) =>
			/\smethod="get"/.test(tag) && /\srole="search"/.test(tag) && !/password|secret/i.test(body)
	);
	const others = forms.filter((form) => !byPost.includes(form) && !searches.includes(form));
	expect(others.map(({ file, tag }) => `${file}: ${tag}`)).toEqual([]);
});
