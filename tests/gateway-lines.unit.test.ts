import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { canNameProduct, gatewayLines } from '#lib/gateway-lines.ts';
import { gatewayKinds } from '#lib/gateways.ts';

/**
 * The lines of programs that no package of the tests' machines brings: that they can be read, and that what one defines is
 * what another one names. The programs that there are run with theirs in proxied.postgres.test.ts.
 */

const [one, other] = ['0f3c9a1e-0000-4000-8000-000000000000', '7b2d4c55-0000-4000-8000-000000000000'];
const places = { hasBearer: true, hasApiKey: true, headerName: '', queryName: '' };
type Varied = Partial<typeof places> & { id?: string; product?: string };
const write = (kind: (typeof gatewayKinds)[number], given: Varied = {}) => {
	const { id = one, product, ...others } = given;
	const rest = product === undefined ? {} : { product };
	return gatewayLines(
		{ ...places, ...others, id, kind },
		{ origin: 'https://portal.example.com', token: 'pgw_token', ...rest }
	);
};
/** Refuses a key that stands twice. */
const read = (lines: string) => parse(lines) as Record<string, never>;

test('Traefik’s are YAML in which each middleware, router and service is there that is named', () => {
	const { http } = read(write('traefik', { product: 'parcel-api' })) as unknown as {
		http: {
			middlewares: Record<string, { chain?: { middlewares: string[] } }>;
			routers: Record<string, { middlewares: string[]; service: string }>;
			services: Record<string, unknown>;
		};
	};
	const [router] = Object.values(http.routers);
	expect(Object.keys(http.services)).toEqual([router?.service]);
	const [chain = ''] = router?.middlewares ?? [];
	const { middlewares } = http.middlewares[chain]?.chain ?? { middlewares: [] };
	expect(Object.keys(http.middlewares).toSorted()).toEqual([chain, ...middlewares].toSorted());
});

test('Envoy’s are YAML in which the cluster is there that is asked', () => {
	const { http_filters: filters, clusters } = read(write('envoy')) as unknown as {
		http_filters: { name: string; typed_config: Record<string, never> }[];
		clusters: { name: string; load_assignment: { cluster_name: string } }[];
	};
	expect(filters.map(({ name }) => name.split('.').at(-1))).toEqual(['header_mutation', 'ext_authz', 'rbac']);
	const asked = filters[1]?.typed_config.http_service as unknown as { server_uri: { cluster: string } };
	expect(clusters).toMatchObject([
		{ name: asked.server_uri.cluster, load_assignment: { cluster_name: asked.server_uri.cluster } }
	]);
});

test('Kong’s are YAML with a plugin whose text is one piece of Lua', () => {
	const { services } = read(write('kong')) as unknown as {
		services: { plugins: { name: string; config: { access: string[] } }[] }[];
	};
	const [plugin] = services[0]?.plugins ?? [];
	expect(plugin?.name).toBe('pre-function');
	expect(plugin?.config.access).toHaveLength(1);
	expect(plugin?.config.access[0]).toMatch(/^local headers[^]*\bend\n?$/);
});

test('Tyk’s are JavaScript', () => {
	expect(() => new Function(write('tyk', { product: 'parcel-api' }))).not.toThrow();
});

test.each(gatewayKinds.filter((kind) => !['caddy', 'other', 'envoy'].includes(kind)))(
	'what the lines of %s define has another name for each gateway and product',
	(kind) => {
		const named = (given: object) =>
			(write(kind, given).match(/(?:api|portico)[-_](?:0f3c9a1e|7b2d4c55)\w*/g) ?? []).map((name) =>
				name.replace(/^\w+?[-_]/, '')
			);
		const sets = [{}, { id: other }, { product: 'a-b' }, { product: 'c' }].map(
			(given) => new Set(named(given))
		);
		for (const set of sets) expect(set.size).toBe(1);
		expect(new Set(sets.flatMap((set) => [...set])).size).toBe(canNameProduct(kind) ? 4 : 2);
	}
);

test.each(['envoy', 'haproxy', 'kong', 'tyk'] as const)(
	'the lines of %s pass on the headers in which the gateway looks, and no other one',
	(kind) => {
		const lines = write(kind, { hasBearer: false, hasApiKey: false, headerName: 'X-Acme-Key' });
		expect(lines).toContain('x-acme-key');
		expect(lines).not.toMatch(/x-api-key|authorization\b(?!_)/);
		expect(write(kind)).toMatch(/authorization[^]*x-api-key/);
	}
);
