import { apiFor } from './api.ts';
import { orErrorPage } from './refusals.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = ({ fetch, depends, url }) => {
	depends('portico:account');
	return orErrorPage(apiFor(fetch).sessions.get.query({}), url);
};
