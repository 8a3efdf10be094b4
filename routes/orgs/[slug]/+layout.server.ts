import { apiFor } from '../../api.ts';
import { orErrorPage } from '../../refusals.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = ({ fetch, params, url }) =>
	orErrorPage(apiFor(fetch).organizations.open.query({ slug: params.slug }), url);
