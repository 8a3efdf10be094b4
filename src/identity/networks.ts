import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Network addresses: whom limits count, and what of an address is kept. */

/** As the system writes an IPv4 client of a socket that takes both. */
const mapped = /^::ffff:([\d.]+)$/;

/** Without the port, the brackets and the zone that a proxy may write with it; null for what is no address. */
function bareIp(text: string): string | null {
	const [, inBrackets] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? [];
	const [, beforePort] = /^([\d.]+):\d{1,5}$/.exec(text) ?? [];
	const [address = ''] = (inBrackets ?? beforePort ?? text).split('%', 1);
	return isIP(address) === 0 ? null : address;
}

/** The eight groups of an IPv6 address, as numbers. */
function groupsOf(address: string): number[] {
	// The one canonical spelling: lower case, no leading zeros, no dotted end.
	const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
	const [head = '', tail] = canonical.split('::');
	const read = (part = '') => (part ? part.split(':').map((group) => parseInt(group, 16)) : []);
	const [first, last] = [read(head), read(tail)];
	return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}

/**
 * The one spelling under which limits count a client, or null for what is no address. An IPv4 address inside of an
 * IPv6 one is that client; of any other IPv6 address the first 64 bits count, since whoever has one has all the others
 * of its network.
 */
export function countedAddress(text: string): string | null {
	const [, plain] = mapped.exec(text) ?? [];
	// The most frequent one, and taking an address apart takes time.
	if (plain && isIP(plain) === 4) return plain;
	const address = bareIp(text.trim());
	if (!address) return null;
	if (isIP(address) === 4) return address;
	const groups = groupsOf(address);
	const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
	if (isMapped)
		return groups
			.slice(6)
			.flatMap((group) => [group >> 8, group & 255])
			.join('.');
	const network = groups.slice(0, 4).map((group) => group.toString(16));
	return `${new URL(`http://[${network.join(':')}::]`).hostname.slice(1, -1)}/64`;
}

const forwardedTo = ({ headers }: IncomingMessage) =>
	String(headers['x-forwarded-for'] ?? '')
		.split(',')
		.map((one) => one.trim())
		.filter(Boolean);

/**
 * The network address that limits count by: the one that the outermost trusted proxy saw, or else the connection's own.
 */
export function addressOf(request: IncomingMessage, trustedProxies: number): string {
	const seen = trustedProxies > 0 ? forwardedTo(request).at(-trustedProxies) : undefined;
	return (seen && countedAddress(seen)) || countedAddress(request.socket.remoteAddress ?? '') || 'unknown';
}

/** Networks that nobody reaches from outside, and the machine itself. */
const inner = new BlockList();
for (const [net, bits] of [
	['10.0.0.0', 8],
	['172.16.0.0', 12],
	['192.168.0.0', 16],
	['100.64.0.0', 10],
	['169.254.0.0', 16],
	['127.0.0.0', 8]
] as const)
	inner.addSubnet(net, bits);
inner.addSubnet('fc00::', 7, 'ipv6');
inner.addSubnet('fe80::', 10, 'ipv6');
inner.addAddress('::1', 'ipv6');
const isInner = (address: string) => inner.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** `doubtful`: its sender can have made up the lines that say so. */
export type Judged = 'right' | 'fewer' | 'more' | 'doubtful';

/**
 * Whether a request has come through as many proxies as are trusted; null where it says nothing about that, as one from the
 * machine itself. Of more than that only an address from outside tells: a company's own proxy writes where in it somebody is.
 * And it is beyond doubt only where what is trusted has seen an address that nobody outside can have.
 */
export function judgeForwarded(request: IncomingMessage, trustedProxies: number): Judged | null {
	const forwarded = forwardedTo(request);
	if (trustedProxies === 0) return forwarded.length > 0 ? 'doubtful' : 'right';
	const own = bareIp(request.socket.remoteAddress ?? '');
	if (forwarded.length === 0 && (!own || isInner(own))) return null;
	if (forwarded.length < trustedProxies) return 'fewer';
	const [before, seen] = [-trustedProxies - 1, -trustedProxies].map((n) => bareIp(forwarded.at(n) ?? ''));
	if (!before || isInner(before)) return 'right';
	return seen && isInner(seen) ? 'more' : 'doubtful';
}

/** An IPv4 address without its last number; of an IPv6 one the first 64 bits are all that we ever have. */
export function prefixOf(address: string): string {
	return isIP(address) === 4 ? `${address.split('.', 3).join('.')}.0/24` : address;
}
