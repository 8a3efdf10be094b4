import { globSync, readFileSync } from 'node:fs';
import { parse, type AST } from 'svelte/compiler';
import { expect, test } from 'vitest';

/**
 * Sent before its page's script is there, a form without a method puts what was typed into the address, and from there into
 * histories and logs. What is looked for stands there on purpose.
 */
const isForAddresses = (file: string) => /(SearchForm|ActivityFilters|ListToolbar)\.svelte$/.test(file);

function* formsIn(node: unknown): Generator<AST.RegularElement> {
	if (typeof node !== 'object' || node === null) return;
	if ('type' in node && node.type === 'RegularElement' && (node as AST.RegularElement).name === 'form')
		yield node as AST.RegularElement;
	for (const one of Object.values(node)) yield* formsIn(one);
}

const methodOf = ({ attributes }: AST.RegularElement) => {
	const attribute = attributes.find((one) => one.type === 'Attribute' && one.name === 'method');
	if (attribute?.type !== 'Attribute' || !Array.isArray(attribute.value)) return null;
	const [value] = attribute.value;
	return value?.type === 'Text' ? value.data : null;
};

const files = globSync(['routes/**/*.svelte', 'lib/**/*.svelte']);
const forms = files.flatMap((file) =>
	[...formsIn(parse(readFileSync(file, 'utf8'), { modern: true }).fragment)].map((form) => ({ file, form }))
);

test('there are forms', () => expect(forms.length).toBeGreaterThan(30));

test.each(forms)('a form of $file is sent by POST, but for what is searched', ({ file, form }) => {
	expect(methodOf(form)).toBe(isForAddresses(file) ? 'get' : 'post');
});
