import { createTRPCClient, httpLink } from '@trpc/client';
import type { AppRouter } from '../../src/router.ts';
import type { Server } from '../harness.ts';

/** How long a call takes beside another, as `npm run bench` shows it. */

const runs = 15;

export const admin = { email: 'admin@example.test', password: 'a password for measuring' };

export const format = (ms: number) => ms.toFixed(ms < 100 ? 1 : 0).padStart(7);
const summary = (times: number[]) => {
	const sorted = times.toSorted((a, b) => a - b);
	return [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
		.map((ms = 0) => format(ms))
		.join(' ');
};

/** The shortest, the median and the longest of several, in milliseconds, after some that don't count. */
export async function measure(work: () => Promise<unknown>): Promise<string> {
	for (let warm = 0; warm < 3; warm++) await work();
	const times: number[] = [];
	for (let time = 0; time < runs; time++) {
		const began = performance.now();
		await work();
		times.push(performance.now() - began);
	}
	return summary(times);
}

export function printRow(name: string, floor: string, measured: string, plan = '') {
	console.log(`${name.padEnd(46)} ${floor.padEnd(24)}  ${measured.padEnd(24)}  ${plan}`);
}
export function printHead(title: string, columns: [string, string, string]) {
	console.log(`\n${title}`);
	printRow('milliseconds: min, median, max', ...columns);
}

/** Signs in as a page does and returns what asks with the cookie. */
export async function signIn(server: Server, as = admin) {
	const headers = { origin: server.origin, 'content-type': 'application/json' };
	const body = JSON.stringify(as);
	const answer = await fetch(`${server.origin}/trpc/sessions.create`, { method: 'POST', headers, body });
	if (!answer.ok) throw new Error(`The sign-in was refused: ${answer.status}`);
	const cookie = answer.headers
		.getSetCookie()
		.map((line) => line.split(';')[0])
		.join('; ');
	const request = (path: string, init: RequestInit = {}) =>
		fetch(new URL(path, server.origin), {
			...init,
			headers: { ...Object.fromEntries(new Headers(init.headers)), cookie, origin: server.origin }
		});
	const ask = (url: URL | RequestInfo, init?: unknown) => request(String(url), init as RequestInit);
	return {
		request,
		api: createTRPCClient<AppRouter>({ links: [httpLink({ url: `${server.origin}/trpc`, fetch: ask })] })
	};
}
export type Client = Awaited<ReturnType<typeof signIn>>;
