import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer, Order } from './dashboards.ts';

/** Many open dashboards in a process of their own, so that what they cost is not in the way of whoever measures. */

export type Crowd = ReturnType<typeof startCrowd>;

export function startCrowd() {
	const child = fork(fileURLToPath(new URL('dashboards.ts', import.meta.url)), {
		stdio: ['ignore', 'inherit', 'inherit', 'ipc']
	});
	const waiting = new Map<number, (answer: unknown) => void>();
	let orders = 0;
	child.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
		waiting.get(id)?.(answer);
		waiting.delete(id);
	});
	function ask<Name extends Order['name']>(order: Extract<Order, { name: Name }>): Promise<Answer<Name>> {
		const id = (orders += 1);
		const { promise, resolve } = Promise.withResolvers<unknown>();
		waiting.set(id, resolve);
		child.send({ id, order });
		return promise as Promise<Answer<Name>>;
	}
	return { ask, end: () => void child.kill('SIGKILL') };
}
