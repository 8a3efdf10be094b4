import { error, fail } from '@sveltejs/kit';
import { refusalOf } from './api.ts';

/** Form actions' side of the pages' forms; see enhance.ts. */

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
export function fieldOf(form: FormData, name: string): string {
	const value = form.get(name);
	return typeof value === 'string' ? value : '';
}

/** A refused call as the answer of a form action: the words, where they belong, and what was typed, never a password. */
export function failWith<Values extends Record<string, string>>(error: unknown, values: Values) {
	const { status, message, fields, reason } = refusalOf(error);
	return fail(status, { values, message, fields, reason });
}
