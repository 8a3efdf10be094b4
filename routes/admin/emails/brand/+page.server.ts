import { apiFor } from '../../../api.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = ({ fetch, url, depends }) => {
	depends('portico:brand');
	return orErrorPage(apiFor(fetch).emails.getBrand.query({}), url);
};
