import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { addressOf, countedAddress, prefixOf } from '../src/identity/networks.ts';

describe('the address that limits count', () => {
	test.each([
		['203.0.113.7', '203.0.113.7'],
		[' 203.0.113.7 ', '203.0.113.7'],
		['203.0.113.7:40000', '203.0.113.7'],
		['203.0.113.7:1', '203.0.113.7'],
		['[203.0.113.7]:443', '203.0.113.7'],
		['::ffff:203.0.113.7', '203.0.113.7'],
		['::FFFF:203.0.113.7', '203.0.113.7'],
		['::ffff:cb00:7107', '203.0.113.7'],
		['0:0:0:0:0:FFFF:CB00:7107', '203.0.113.7'],
		['[::ffff:203.0.113.7]:443', '203.0.113.7'],
		['2001:db8::1', '2001:db8::/64'],
		['2001:DB8::1', '2001:db8::/64'],
		['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::/64'],
		['[2001:db8::1]', '2001:db8::/64'],
		['[2001:db8::1]:443', '2001:db8::/64'],
		['2001:db8:0:0:ffff::9', '2001:db8::/64'],
		['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
		['fe80::1%eth0', 'fe80::/64'],
		['[fe80::1%25eth0]:443', 'fe80::/64'],
		['::1', '::/64'],
		['::', '::/64'],
		['1::', '1::/64']
	])('of %j is %s', (given, counted) => expect(countedAddress(given)).toBe(counted));

	test.each([
		'',
		'unknown',
		'_hidden',
		'203.0.113',
		'203.0.113.7.1',
		'203.0.113.256',
		'0203.0.113.7',
		'203.0.113.7:port',
		'203.0.113.7:',
		'2001:db8::1:443:x',
		'[2001:db8::1',
		'2001:db8::1]',
		'[2001:db8::1]x',
		'[]',
		'example.test',
		'1::2::3',
		'"203.0.113.7"',
		'x'.repeat(10_000)
	])('there is none in %j', (given) => expect(countedAddress(given)).toBeNull());

	const from = (
		forwarded: string | undefined,
		trustedProxies: number,
		own: string | undefined = '198.51.100.1'
	) => {
		const request = { headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress: own } };
		return addressOf(request as unknown as IncomingMessage, trustedProxies);
	};

	test.each([
		['1.1.1.1, 2.2.2.2, 3.3.3.3', 0, '198.51.100.1'],
		['1.1.1.1, 2.2.2.2, 3.3.3.3', 1, '3.3.3.3'],
		['1.1.1.1, 2.2.2.2, 3.3.3.3', 2, '2.2.2.2'],
		['1.1.1.1, 2.2.2.2:5000, [2001:DB8::1]:443', 1, '2001:db8::/64'],
		['1.1.1.1, 2.2.2.2:5000, 3.3.3.3', 2, '2.2.2.2'],
		['3.3.3.3', 2, '198.51.100.1'],
		['1.1.1.1, garbage', 1, '198.51.100.1'],
		['', 1, '198.51.100.1'],
		[undefined, 1, '198.51.100.1']
	])('of a request with %j behind %i proxies is %s', (forwarded, proxies, counted) =>
		expect(from(forwarded, proxies)).toBe(counted)
	);

	test('of a connection is that of its other end, in whatever form the system tells it', () => {
		expect(from(undefined, 0, '::ffff:127.0.0.1')).toBe('127.0.0.1');
		expect(from(undefined, 0, '::1')).toBe('::/64');
		expect(from(undefined, 0, '')).toBe('unknown');
	});
});

test.each([
	['203.0.113.7', '203.0.113.0/24'],
	['2001:db8::/64', '2001:db8::/64'],
	['unknown', 'unknown']
])('of %s a list of devices shows %s', (address, shown) => expect(prefixOf(address)).toBe(shown));
