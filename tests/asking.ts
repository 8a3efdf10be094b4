import type { ProductAccess } from '#lib/products.ts';
import { startPortal, type Company, type Visitor } from './factories.ts';
import { insertProduct, type Offered } from './offers.ts';

type Asking = { by?: Visitor; of?: Offered; plan?: string; message?: string; in?: Company };

export const idOf = ({ request }: ProductAccess) => request?.id ?? '';
export const accessIdOf = ({ granted }: ProductAccess) => granted?.id ?? '';

/** A portal with a company that asks for access, and how it asks. */
export async function startAsking() {
	const portal = await startPortal();
	const company = await portal.company({ admin: portal.admin });
	const member = await portal.member(company);
	const stranger = await portal.company({ admin: portal.admin });
	/** For everybody who is signed in, and for the company alone. */
	const product = await insertProduct(portal);
	const chosen = await insertProduct(portal, { for: [company] });

	const open = async (by: Visitor, { slug }: Company) =>
		(await by.api.organizations.open.query({ slug })).snapshot;
	const accessesOf = async ({ id }: { id: string }) =>
		(await open(company.owner, company)).accesses.filter(({ applicationId }) => applicationId === id);

	const ask = (applicationId: string, given: Asking = {}) => {
		const { by = company.owner, of = product, plan = 'Business', message = '', in: place = company } = given;
		return by.api.accesses.request.mutate({
			organizationId: place.id,
			applicationId,
			product: of.slug,
			planId: of.plans[plan] ?? '',
			message
		});
	};

	/** An application with a request that waits. */
	async function waiting(given: Asking = {}) {
		const application = await portal.application(company);
		const asked = await ask(application.id, given);
		return { application, asked, requestId: idOf(asked) };
	}

	/** An application that has access. */
	async function having(given: Asking = {}) {
		const one = await waiting(given);
		const access = await portal.admin.api.accesses.approve.mutate({ requestId: one.requestId });
		return { ...one, access, place: { organizationId: company.id, accessId: accessIdOf(access) } };
	}

	return { portal, company, member, stranger, product, chosen, open, accessesOf, ask, waiting, having };
}
