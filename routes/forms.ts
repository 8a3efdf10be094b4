import { error, fail, type SubmitFunction } from '@sveltejs/kit';
import { applyAction, enhance as enhanceForm } from '$app/forms';
import { refusalOf, sayNotOurs } from './api.ts';

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
			const message = result.error instanceof SyntaxError ? sayNotOurs() : refusalOf(result.error).message;
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

/** The form that was sent. @throws SvelteKit's error, 400 or 413, when the body is none. */
export async function readForm(request: Request): Promise<FormData> {
	try {
		return await request.formData();
	} catch (failure) {
		const isTooLong = failure instanceof Error && 'status' in failure && failure.status === 413;
		if (isTooLong) error(413, { message: 'The form is too long.', requestId: '' });
		error(400, { message: 'The form could not be read.', requestId: '' });
	}
}

/** The text of a form's field; empty when it is missing. */
export function textOf(form: FormData, name: string): string {
	const value = form.get(name);
	return typeof value === 'string' ? value : '';
}

/** A refused call as the answer of a form action: the words, where they belong, and what was typed, never a password. */
export function failWith<Values extends Record<string, string>>(error: unknown, values: Values) {
	const { status, message, fields, reason } = refusalOf(error);
	return fail(status, { values, message, fields, reason });
}

/** The words that belong to no field that the page shows. */
export function generalMessage(
	form: { message: string; fields: Record<string, string> } | null | undefined,
	shown: readonly string[]
): string | null {
	if (!form) return null;
	return shown.some((name) => form.fields[name]) ? null : form.message;
}
