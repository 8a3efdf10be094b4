import { error } from '@sveltejs/kit';
import { refusalOf } from '../../api.ts';
import { api } from '../../api.server.ts';
import { orErrorPage } from '../../refusals.ts';
import type { LayoutServerLoad } from './$types';

export const load: LayoutServerLoad = async ({ params: { slug }, url, depends }) => {
	try {
		const opened = await api.organizations.open.query({ slug });
		// No event of the organization tells that a product or a plan that it has is called otherwise now.
		if (opened.snapshot.accesses.length > 0) depends('portico:products');
		return opened;
	} catch (failure) {
		const { status, message, requestId } = refusalOf(failure);
		// Whoever has been in it is told what has become of that; a stranger isn't told that it exists.
		const departure =
			status === 404 ? await api.members.findDeparture.query({ slug }).catch(() => null) : null;
		if (departure) error(404, { message, requestId, departure });
		return orErrorPage(Promise.reject(failure), url);
	}
};
