import { error, redirect } from '@sveltejs/kit';
import { refusalOf } from './api.ts';

async function orThrowPage<Result>(asking: Promise<Result>, url: URL): Promise<Result> {
	try {
		return await asking;
	} catch (failure) {
		const { status, message, requestId } = refusalOf(failure);
		if (status === 401) redirect(303, `/login?next=${encodeURIComponent(url.pathname + url.search)}`);
		error(status === 400 ? 404 : status, { message, requestId });
	}
}

/**
 * What a `load` asks for, or the matching error page. Who isn't signed in comes to the sign-in page and back.
 * @throws SvelteKit's redirect or error.
 */
export function orErrorPage<Result>(asking: Promise<Result>, url: URL): Promise<Result> {
	const page = orThrowPage(asking, url);
	// A load may wait for something else first: a refusal that comes meanwhile is nobody's failure.
	page.catch(() => undefined);
	return page;
}
