import {
	autocompletion,
	snippetCompletion,
	type Completion,
	type CompletionContext
} from '@codemirror/autocomplete';
import { indentWithTab } from '@codemirror/commands';
import { xml } from '@codemirror/lang-xml';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintGutter } from '@codemirror/lint';
import { unifiedMergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { Decoration, EditorView, keymap, MatchDecorator, ViewPlugin } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { basicSetup } from 'codemirror';

/** CodeMirror in the portal's look, for the text of an e-mail. */

export interface Variable {
	name: string;
	kind: 'text' | 'url' | 'email';
	meaning: string;
	sample: string;
	isRequired: boolean;
}

const theme = EditorView.theme({
	'&': { backgroundColor: 'var(--surface)', color: 'var(--ink)', fontSize: '13px' },
	'&.cm-focused': { outline: '2px solid var(--accent-ink)', outlineOffset: '2px' },
	'.cm-scroller': { fontFamily: 'var(--font-mono, ui-monospace), monospace', lineHeight: '20px' },
	'.cm-content': { caretColor: 'var(--ink)', padding: '8px 0' },
	'.cm-content, .cm-gutter': { minHeight: '320px' },
	'.cm-cursor': { borderLeftColor: 'var(--ink)' },
	'.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--ink-soft)', border: 'none' },
	'.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
	'&.cm-focused .cm-activeLineGutter': { color: 'var(--ink)', fontWeight: '600' },
	'&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
		backgroundColor: 'var(--fresh)'
	},
	'.cm-variable': { backgroundColor: 'var(--accent-soft)', borderRadius: '3px' },
	'.cm-tooltip': {
		backgroundColor: 'var(--surface)',
		color: 'var(--ink)',
		border: '1px solid var(--line)',
		borderRadius: '8px'
	},
	'.cm-tooltip-autocomplete > ul > li[aria-selected]': {
		backgroundColor: 'var(--accent)',
		color: 'var(--on-accent)'
	},
	'.cm-completionDetail': { fontStyle: 'normal', opacity: '0.85' },
	'.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--ink)' },
	'.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--fresh)' },
	'.cm-deletedChunk': { backgroundColor: 'var(--danger-soft)' },
	'.cm-changedLine, .cm-insertedLine': { backgroundColor: 'var(--good-soft) !important' },
	'.cm-deletedText': { background: 'none', textDecoration: 'underline' },
	'&.cm-merge-b .cm-changedText': { background: 'none', textDecoration: 'underline' },
	'.cm-collapsedLines': { background: 'var(--sunken)', color: 'var(--ink-soft)' }
});

const colors = syntaxHighlighting(
	HighlightStyle.define([
		{ tag: [tags.tagName, tags.angleBracket], color: 'var(--info)' },
		{ tag: tags.attributeName, color: 'var(--warn)' },
		{ tag: [tags.attributeValue, tags.string], color: 'var(--good)' },
		{ tag: tags.comment, color: 'var(--ink-soft)', fontStyle: 'italic' },
		{ tag: [tags.character, tags.special(tags.string)], color: 'var(--accent-ink)' },
		{ tag: tags.invalid, color: 'var(--danger)' }
	])
);

const variableMark = new MatchDecorator({
	regexp: /\{\{\s*\w+\s*\}\}/g,
	decoration: Decoration.mark({ class: 'cm-variable' })
});
const variableMarks = ViewPlugin.define(
	(view) => ({
		decorations: variableMark.createDeco(view),
		update(update) {
			this.decorations = variableMark.updateDeco(update, this.decorations);
		}
	}),
	{ decorations: (plugin) => plugin.decorations }
);

const textAttributes = ['align', 'color', 'css-class', 'font-size', 'font-weight', 'line-height', 'padding'];
const inline = ['a', 'b', 'strong', 'em', 'u', 'br', 'span', 'small', 'code'];
const elements = [
	{ name: 'mj-text', top: true, attributes: textAttributes, children: [...inline, 'p', 'ul', 'ol', 'li'] },
	{ name: 'mj-button', top: true, attributes: ['href', 'align', 'background-color', 'color', 'padding'] },
	{ name: 'mj-table', top: true, attributes: textAttributes, children: [...inline, 'tr', 'td', 'th'] },
	{ name: 'mj-divider', top: true, attributes: ['border-color', 'border-width', 'padding'] },
	{ name: 'mj-spacer', top: true, attributes: ['height'] },
	{ name: 'part-title', top: true, children: inline },
	{ name: 'part-button', top: true, attributes: ['href'], children: inline },
	{ name: 'part-note', top: true, children: inline },
	{ name: 'part-quote', top: true, children: inline },
	{ name: 'a', attributes: ['href'] },
	...inline.slice(1).map((name) => ({ name })),
	...['p', 'ul', 'ol', 'li', 'tr', 'td', 'th'].map((name) => ({ name }))
];

/** What `{{` offers: the variables of this message and nothing else. */
function completeVariables(variables: readonly Variable[]) {
	const options: Completion[] = variables.map(({ name, meaning }) => ({
		label: `{{${name}}}`,
		detail: meaning,
		type: 'variable',
		apply(view, _, from, to) {
			// The editor has closed the braces by itself already.
			const closed = /^\}{0,2}/.exec(view.state.sliceDoc(to, to + 2))?.[0].length ?? 0;
			const insert = `{{${name}}}`;
			view.dispatch({
				changes: { from, to: to + closed, insert },
				selection: { anchor: from + insert.length },
				userEvent: 'input.complete'
			});
		}
	}));
	const conditions = variables
		.filter(({ kind, isRequired }) => kind !== 'url' && !isRequired)
		.map(({ name }) =>
			snippetCompletion(`<!-- if ${name} -->\${}<!-- end -->`, {
				label: `<!-- if ${name} -->`,
				detail: 'Only where there is one',
				type: 'keyword'
			})
		);
	return (context: CompletionContext) => {
		const braces = context.matchBefore(/\{\{?\s*\w*/);
		if (braces) return { from: braces.from, options, validFor: /^\{\{?\s*\w*$/ };
		const comment = context.matchBefore(/<!-{0,2} ?i?f? ?\w*/);
		return comment && { from: comment.from, options: conditions };
	};
}

const look: Extension = [
	basicSetup,
	xml({ elements }),
	theme,
	colors,
	variableMarks,
	EditorView.lineWrapping
];

const labelled = (label: string, descriptionId?: string) =>
	EditorView.contentAttributes.of({
		'aria-label': label,
		...(descriptionId && { 'aria-describedby': descriptionId })
	});

export function createEditor(given: {
	parent: HTMLElement;
	text: string;
	label: string;
	/** Says how the keyboard gets out: Tab indents here, and after Escape leaves. */
	descriptionId: string;
	variables: readonly Variable[];
	onchange: (text: string) => void;
}): EditorView {
	const { parent, text, label, descriptionId, variables, onchange } = given;
	// One function for all questions: CodeMirror tells by it what it has asked before.
	const completions = [{ autocomplete: completeVariables(variables) }];
	return new EditorView({
		parent,
		doc: text,
		extensions: [
			look,
			labelled(label, descriptionId),
			keymap.of([indentWithTab]),
			lintGutter(),
			autocompletion({ icons: false }),
			EditorState.languageData.of(() => completions),
			EditorView.updateListener.of((update) => {
				if (update.docChanged) onchange(update.state.doc.toString());
			})
		]
	});
}

/** What has to be taken out of one text and put into it to get the other, to be read. */
export function createComparison(parent: HTMLElement, from: string, to: string, label: string): EditorView {
	return new EditorView({
		parent,
		doc: to,
		extensions: [
			look,
			labelled(label),
			EditorState.readOnly.of(true),
			unifiedMergeView({
				original: from,
				mergeControls: false,
				gutter: true,
				collapseUnchanged: { margin: 3, minSize: 6 }
			})
		]
	});
}
