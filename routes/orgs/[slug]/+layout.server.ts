import { api } from '../../api.server.ts';
import { orErrorPage } from '../../refusals.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = ({ params, url }) =>
	orErrorPage(api.organizations.open.query({ slug: params.slug }), url);
