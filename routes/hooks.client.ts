import type { HandleClientError } from '@sveltejs/kit';
import { keepingPage } from './staying.ts';

window.fetch = keepingPage(window.fetch.bind(window));

/**
 * What goes wrong in the browser. Data or code of a page that can't be read came from something else than the portal or
 * didn't come: the error page knows such an error by its missing request.
 */
export const handleError: HandleClientError = ({ error, message }) => {
	const isUnread = error instanceof SyntaxError || error instanceof TypeError;
	console.error(error);
	return isUnread && /JSON|fetch|import/i.test(error.message) ? { message } : { message, requestId: '' };
};
