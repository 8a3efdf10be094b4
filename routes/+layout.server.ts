import { api } from './api.server.ts';
import { orErrorPage } from './refusals.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = ({ depends, url }) => {
	depends('portico:account');
	return orErrorPage(api.sessions.get.query({}), url);
};
