import { describe, expect, test } from 'vitest';
import { adminPassword, startPortal, uniqueEmail, type Portal } from './factories.ts';

/** Whom limits count behind no proxy, one and two, whatever the header says and however an address is spelled. */

/** Asks once with each of the headers; the buckets under which it was counted, and how often each. */
async function count(portal: Portal, headers: string[]): Promise<Record<string, number>> {
	await portal.inDatabase((db) => db.deleteFrom('rateLimit').execute());
	for (const header of headers) {
		await portal.visitor(header).api.accounts.requestReset.mutate({ email: uniqueEmail() });
	}
	const rows = await portal.inDatabase((db) =>
		db
			.selectFrom('rateLimit')
			.select(['key', 'count'])
			.where('key', 'like', 'reset:address:%')
			.orderBy('key')
			.execute()
	);
	return Object.fromEntries(rows.map(({ key, count }) => [key.slice('reset:address:'.length), count]));
}

/** One client in each line, as proxies write it. */
const spellings: Record<string, string[]> = {
	'203.0.113.7': [
		'203.0.113.7',
		'203.0.113.7:40000',
		'203.0.113.7:1',
		'[203.0.113.7]:443',
		'::ffff:203.0.113.7',
		'::FFFF:203.0.113.7',
		'[::ffff:203.0.113.7]:40001',
		'0:0:0:0:0:FFFF:CB00:7107'
	],
	'2001:db8:1:2::/64': [
		'2001:db8:1:2::1',
		'2001:DB8:1:2::1',
		'2001:0db8:0001:0002:0000:0000:0000:0001',
		'[2001:db8:1:2::1]',
		'[2001:DB8:1:2::1]:40000',
		'2001:db8:1:2:ffff:ffff:ffff:ffff',
		'2001:db8:1:2::1%eth0',
		'[2001:db8:1:2::9%25eth1]:5'
	]
};
const noAddresses = [
	'unknown',
	'_hidden',
	'203.0.113',
	'203.0.113.7:port',
	'[2001:db8::1',
	'x'.repeat(4000),
	'"'
];
const ofThisHost = ['127.0.0.1', '::/64'];

describe.each([0, 1, 2])('behind %i trusted proxies', (proxies) => {
	/** What stands in the header behind the client's address: one address of each further proxy. */
	const behind = Array.from({ length: Math.max(0, proxies - 1) }, (_, n) => `, 10.9.9.${n}:80`).join('');

	test('each client has one bucket, and nothing that it says of itself gives it another', async () => {
		const portal = await startPortal({ TRUSTED_PROXIES: String(proxies) });
		try {
			const all = Object.values(spellings).flat();
			const honest = await count(
				portal,
				all.map((spelling) => `${spelling}${behind}`)
			);
			if (proxies === 0) expect(Object.entries(honest)).toEqual([[expect.toBeOneOf(ofThisHost), all.length]]);
			else {
				const lengths = Object.entries(spellings).map(([bucket, { length }]) => [bucket, length]);
				expect(honest).toEqual(Object.fromEntries(lengths));
			}
			// Lines that the client has made up stand before what the proxies have seen.
			const forged = await count(
				portal,
				all.map((spelling, n) => `10.${n}.0.1, 198.51.100.${n}:4${n}, ${spelling}${behind}`)
			);
			expect(forged).toEqual(honest);
			// Of what is no address, and where there are fewer lines than proxies, the connection counts.
			const broken = [
				...noAddresses.map((one) => `${one}${behind}`),
				...(proxies > 1 ? ['198.51.100.1'] : [])
			];
			expect(Object.entries(await count(portal, broken))).toEqual([
				[expect.toBeOneOf(ofThisHost), broken.length]
			]);
		} finally {
			await portal.stop();
		}
	});
});

test.for([
	{
		trusted: 2,
		header: '198.51.100.7',
		kind: 'proxies-fewer',
		right: '198.51.100.7, 10.0.0.1',
		isMakeable: false
	},
	{
		trusted: 1,
		header: '198.51.100.7, 203.0.113.5',
		kind: 'proxies-more',
		right: '198.51.100.7',
		isMakeable: true
	},
	{
		trusted: 1,
		header: '198.51.100.7, 10.0.0.1',
		kind: 'proxies-more',
		right: '10.1.2.3, 198.51.100.7',
		isMakeable: false
	},
	{ trusted: 0, header: '198.51.100.7', kind: 'forwarded-header', right: '', isMakeable: true }
])(
	'with $trusted trusted proxies, $header in every request is told to the admins; now and then it is not',
	async ({ trusted, header, kind, right, isMakeable }) => {
		const portal = await startPortal({ TRUSTED_PROXIES: String(trusted) });
		try {
			const ask = async (forwarded: string, times: number) => {
				for (let n = 0; n < times; n++) await portal.visitor(forwarded).request('/trpc/nothing');
			};
			const admin = portal.visitor(header);
			await admin.api.sessions.create.mutate({ email: 'admin@example.test', password: adminPassword });
			const alarms = () => admin.api.alarms.list.query({});
			for (let n = 0; n < 4; n++) {
				await ask(header, 12);
				await ask(right, 1);
			}
			expect(await alarms()).toEqual([]);
			await ask(header, 40);
			const detail = trusted > 0 ? `TRUSTED_PROXIES is ${trusted}.` : '';
			await expect.poll(alarms).toMatchObject([{ kind, count: 1, detail }]);
			const words = trusted > 0 ? 'proxies than TRUSTED_PROXIES says' : 'while TRUSTED_PROXIES is 0';
			const said = () => portal.server.logs.split(words).length - 1;
			expect(said()).toBe(1);
			// Programs that come from inside say nothing of how people come.
			for (const path of ['/healthz', '/readyz', '/metrics', '/api/introspect'])
				await portal.visitor(right).request(path);
			expect(await alarms()).toHaveLength(1);
			// What whoever likes can make up is over with the first person who comes another way.
			await ask(right, 1);
			if (isMakeable) await expect.poll(alarms).toEqual([]);
			else expect(await alarms()).toHaveLength(1);
			// Until it is started anew, with another number perhaps.
			await portal.server.restart();
			if (trusted > 0) expect(await alarms()).toEqual([]);
		} finally {
			await portal.stop();
		}
	}
);
