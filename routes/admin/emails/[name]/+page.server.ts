import { api } from '../../../api.server.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ url, params, depends }) => {
	depends('portico:email');
	// The API refuses a name that no e-mail has, which is a page that isn't there.
	const email = await orErrorPage(api.emails.get.query({ name: params.name }), url);
	return { email, pageId: crypto.randomUUID() };
};
