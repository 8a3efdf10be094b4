import type { SubmitFunction } from '@sveltejs/kit';
import { applyAction, enhance as enhanceForm } from '$app/forms';
import { sayNotOurs, unreachable } from './unanswered.ts';

/** Forms that work before the JavaScript has loaded, as their pages see them; their other side is forms.ts. */

/**
 * As SvelteKit's `enhance`, where an answer may come from something else than the portal, or not at all: that is said at
 * the form, which keeps what was typed. SvelteKit would put the parser's error in the place of the page.
 */
export function enhance(form: HTMLFormElement, submit?: SubmitFunction) {
	return enhanceForm(form, async (sending) => {
		const then = await submit?.(sending);
		return async (answer) => {
			const { result, update } = answer;
			// An error of the portal's own is no exception but what it has sent.
			if (result.type !== 'error' || !(result.error instanceof Error)) {
				return then ? then(answer) : update();
			}
			const message = result.error instanceof SyntaxError ? sayNotOurs() : unreachable;
			const values = Object.fromEntries(
				[...sending.formData].filter(([name, value]) => typeof value === 'string' && !/password/i.test(name))
			);
			await applyAction({
				type: 'failure',
				status: 503,
				data: { values, message, fields: {}, reason: 'NOT_OURS' }
			});
			await then?.({ ...answer, update: async () => undefined });
		};
	});
}

/** The words that belong to no field that the page shows. */
export function generalMessage(
	form: { message: string; fields: Record<string, string> } | null | undefined,
	shown: readonly string[]
): string | null {
	if (!form) return null;
	return shown.some((name) => form.fields[name]) ? null : form.message;
}
