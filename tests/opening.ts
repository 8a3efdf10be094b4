import { startPortal, unique, type Company } from './factories.ts';
import { createGateway, createKeyOf, forward } from './gateways.ts';
import { createPlan, publishProduct, slugOf } from './products.ts';
import { startSecond } from './race.ts';

/** API products behind gateways and keys that open them, on two processes that keep their answers in memory. */

interface Said {
	status?: number;
	reason?: string;
	detail?: string;
	product?: { slug: string; name: string };
}

type Product = Awaited<ReturnType<typeof publishProduct>>;

export async function startOpening() {
	const portal = await startPortal();
	const other = await startSecond(portal);
	async function stop() {
		await other.dispose();
		await portal.stop();
	}

	async function ask(token: string, secret: string, query = '', { origin } = portal.server) {
		const { status, headers, text } = await forward(origin, token, { 'x-api-key': secret }, { path: query });
		return { status, headers, said: (text ? JSON.parse(text) : {}) as Said };
	}
	const statusOf = async (...given: Parameters<typeof ask>) => (await ask(...given)).status;

	async function introspect(token: string, secret: string, fields: Record<string, string> = {}) {
		const response = await fetch(`${portal.server.origin}/api/introspect`, {
			method: 'POST',
			headers: { authorization: `Bearer ${token}` },
			body: new URLSearchParams({ token: secret, ...fields })
		});
		return { status: response.status, body: (await response.json()) as Record<string, unknown> };
	}

	/** A product that asks nobody, and a gateway in front of it. */
	async function offer(given: Parameters<typeof createPlan>[2] = {}) {
		const product = await publishProduct(portal, {
			name: unique('Größen API'),
			slug: slugOf(unique('sizes'))
		});
		const plan = await createPlan(portal, product.id, { perSecond: 0, perMonth: 0, ...given });
		const { gateway, token } = await createGateway(portal);
		const serving = { gatewayId: gateway.id, productId: product.id };
		await portal.admin.api.products.serve.mutate({ ...serving, isServing: true });
		return { product, plan, gateway, token };
	}

	const get = (company: Company, applicationId: string, product: Product, planId: string) =>
		company.owner.api.accesses.request.mutate({
			organizationId: company.id,
			applicationId,
			product: product.slug,
			planId
		});

	async function furnish(offered: Awaited<ReturnType<typeof offer>>) {
		const company = await portal.company({ admin: portal.admin });
		const key = await createKeyOf(company);
		const { granted } = await get(company, key.application.id, offered.product, offered.plan.id);
		return { company, ...key, accessId: granted?.id ?? '' };
	}

	return { portal, other, stop, ask, statusOf, introspect, offer, get, furnish };
}
