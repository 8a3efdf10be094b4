import { apiFor } from '../../../api.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch, url, params, depends }) => {
	depends('portico:email');
	// The API refuses a name that no e-mail has, which is a page that isn't there.
	const email = await orErrorPage(apiFor(fetch).emails.get.query({ name: params.name }), url);
	return { email, pageId: crypto.randomUUID() };
};
