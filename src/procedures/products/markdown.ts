import MarkdownIt from 'markdown-it';

/**
 * A description as HTML, made on the server. HTML in it stays the text that it is. Images are not loaded, since each would tell
 * whoever hosts it who reads the page: what they show is said in words. Links lead to the web, to an address for mail or to
 * a page of the portal, and pass on nothing.
 */

const markdown = new MarkdownIt({ html: false, linkify: true, maxNesting: 20 });
// What has no scheme is a word with a dot in it as often as an address.
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });

const allowed = /^(?:https?:\/\/|mailto:|#|\/(?![/\\]))/i;
markdown.validateLink = (url) => allowed.test(url);

markdown.renderer.rules.image = (tokens, index) => markdown.utils.escapeHtml(tokens[index]?.content ?? '');

markdown.renderer.rules.link_open = (tokens, index, options, _, self) => {
	tokens[index]?.attrSet('rel', 'noopener nofollow');
	return self.renderToken(tokens, index, options);
};

// What is wider than the page is scrolled by itself, also with the keyboard.
markdown.renderer.rules.table_open = () =>
	'<div class="wide" tabindex="0" role="region" aria-label="Table"><table>\n';
markdown.renderer.rules.table_close = () => '</table></div>\n';

const { fence, code_block: block } = markdown.renderer.rules;
for (const [name, rule] of Object.entries({ fence, code_block: block }))
	markdown.renderer.rules[name] = (...given) =>
		(rule?.(...given) ?? '').replace('<pre', '<pre tabindex="0" role="region" aria-label="Code"');

/** The level that the page's own headings leave to the first of a description. */
const firstLevel = 3;

/** Headings of a description stand below those of its page, none of them more than one level below the one before. */
markdown.core.ruler.push('headings', ({ tokens }) => {
	const open: number[] = [];
	for (const token of tokens) {
		if (token.type !== 'heading_open' && token.type !== 'heading_close') continue;
		if (token.type === 'heading_open') {
			const level = Number(token.tag.slice(1));
			while ((open.at(-1) ?? 0) >= level) open.pop();
			open.push(level);
		}
		token.tag = `h${Math.min(firstLevel + open.length - 1, 6)}`;
	}
});

/** What was rendered lately, the oldest first: a page that many read is rendered once. */
const rendered = new Map<string, string>();
const renderedAtMost = 100;

export function renderMarkdown(text: string): string {
	const known = rendered.get(text);
	if (known !== undefined) return known;
	const html = markdown.render(text);
	const [oldest] = rendered.size >= renderedAtMost ? rendered.keys() : [];
	if (oldest !== undefined) rendered.delete(oldest);
	rendered.set(text, html);
	return html;
}
