import { apiFor } from './api.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = ({ fetch, depends }) => {
	depends('portico:account');
	return apiFor(fetch).sessions.get.query({});
};
