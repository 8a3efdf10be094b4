import { globSync, readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { events } from '#lib/events.ts';
import { startHearing, mayEnd, missChanges, noteChange } from '../src/news/changes.ts';
import { createMemory, type Kept } from '../src/news/memory.ts';

let isHeard: boolean;
let loads: number;
beforeEach(() => {
	[isHeard, loads] = [true, 0];
	startHearing(() => isHeard);
});

/** An answer that counts how often it was read. */
const answer =
	(given: Partial<Kept<number>> = {}) =>
	async (): Promise<Kept<number>> => ({
		value: (loads += 1),
		tags: ['organization:one'],
		forMs: 60_000,
		room: 'found',
		...given
	});

test('an answer is kept until something happens to what it was made of, and whatever nobody can place ends all', async () => {
	const memory = createMemory<number>('numbers', { found: 10, refused: 10 });
	const read = () => memory.read('key', answer({ tags: ['organization:one', 'account:ada'] }));
	expect([await read(), await read()]).toEqual([1, 1]);
	const others = [
		{ name: 'credential.revoked', organizationId: 'two' },
		{ name: 'settings.updated', organizationId: null },
		{ name: 'account.deactivated', organizationId: null, accountId: 'grace' }
	];
	for (const other of others) {
		noteChange(other);
		expect(await read(), other.name).toBe(1);
	}
	const ends = [
		() => noteChange({ name: 'credential.revoked', organizationId: 'one' }),
		() => noteChange({ name: 'account.deactivated', organizationId: null, accountId: 'ada' }),
		// Of several accounts at once, and of a process of an older version.
		() => noteChange({ name: 'account.deleted', organizationId: null }),
		() => noteChange({}),
		missChanges
	];
	let known = 1;
	for (const end of ends) {
		end();
		known += 1;
		expect([await read(), await read()]).toEqual([known, known]);
	}
});

test('what was read before a change is never kept after it', async () => {
	const memory = createMemory<number>('numbers', { found: 10, refused: 10 });
	for (const change of [() => noteChange({ name: 'member.joined', organizationId: 'two' }), missChanges]) {
		const before = loads;
		const read = Promise.withResolvers<void>();
		const reading = memory.read('key', async () => {
			const kept = await answer()();
			await read.promise;
			return kept;
		});
		change();
		read.resolve();
		expect(await reading).toBe(before + 1);
		expect(await memory.read('key', answer())).toBe(before + 2);
		missChanges();
	}
});

test('while changes aren’t heard nothing is answered from memory, nor kept', async () => {
	const memory = createMemory<number>('numbers', { found: 10, refused: 10 });
	const read = () => memory.read('key', answer());
	expect([await read(), await read()]).toEqual([1, 1]);
	isHeard = false;
	expect([await read(), await read()]).toEqual([2, 3]);
	isHeard = true;
	expect(await read()).toBe(1);
	missChanges();
	isHeard = false;
	await read();
	isHeard = true;
	expect(await read()).toBe(5);
});

test('each kind has a bound of its own: what strangers make up takes nobody’s place', async () => {
	const memory = createMemory<number>('numbers', { found: 2, refused: 3 });
	const found = (key: string) => memory.read(key, answer());
	const refused = (key: string) => memory.read(key, answer({ room: 'refused', tags: [] }));
	const [one, two] = [await found('one'), await found('two')];
	for (let guess = 0; guess < 100; guess++) await refused(`guess ${guess}`);
	expect([await found('one'), await found('two')]).toEqual([one, two]);
	expect(loads).toBe(102);
	// The latest three are known, an older one is not.
	for (const guess of ['guess 97', 'guess 98', 'guess 99']) await refused(guess);
	expect(loads).toBe(102);
	await refused('guess 96');
	expect(loads).toBe(103);
	// The one that was asked for the longest time ago makes room.
	await found('one');
	await found('three');
	expect([await found('one'), loads]).toEqual([one, 104]);
	await found('two');
	expect(loads).toBe(105);
});

test('an answer’s own end is a part of it', async () => {
	const memory = createMemory<number>('numbers', { found: 10, refused: 10 });
	expect(await memory.read('over', answer({ forMs: 0 }))).toBe(1);
	expect(await memory.read('over', answer({ forMs: 1 }))).toBe(2);
	await expect.poll(() => memory.read('over', answer({ forMs: 1 }))).toBeGreaterThan(2);
});

test('whatever may end an answer is told by its commit: all events but those of which it is known that they don’t', () => {
	expect(Object.keys(events).filter(mayEnd)).toEqual([
		'organization.renamed',
		'organization.withdrawn',
		'organization.approved',
		'organization.rejected',
		'organization.suspended',
		'organization.restored',
		'organization.deletionScheduled',
		'organization.deletionCancelled',
		'organization.deleted',
		'organization.configured',
		'organization.limited',
		'application.updated',
		'application.deleted',
		'application.limited',
		'application.neared',
		'application.moved',
		'application.received',
		'credential.rotated',
		'credential.revoked',
		'credential.expired',
		'account.approved',
		'account.rejected',
		'account.deactivated',
		'account.activated',
		'account.madeAdmin',
		'account.removedAsAdmin',
		'account.renamed',
		'account.emailChanged',
		'account.passwordChanged',
		'account.passwordResetSent',
		'account.deleted',
		'account.notificationsChanged',
		'settings.updated',
		'email.changed',
		'email.restored',
		'email.reset',
		'gateway.updated',
		'gateway.rotated',
		'gateway.opened',
		'gateway.revoked',
		'product.updated',
		'product.published',
		'product.retired',
		'product.kept',
		'product.shown',
		'product.hidden',
		'product.served',
		'product.deleted',
		'product.documented',
		'plan.updated',
		'plan.closed',
		'plan.opened',
		'plan.deleted',
		'access.withdrawn',
		'access.approved',
		'access.rejected',
		'access.ended',
		'access.kept',
		'access.limited',
		'access.retiring',
		'access.aged'
	]);
	expect(mayEnd('something.new')).toBe(true);
});

test('what ends kept answers is told by the commit itself', () => {
	const root = new URL('../src/', import.meta.url).pathname;
	const sources = globSync('**/*.ts', { cwd: root }).map((file) => readFileSync(root + file, 'utf8'));
	const nouns = new Set(
		sources.flatMap((source) => [...source.matchAll(/'noun:(\w+)'/g)].map(([, noun]) => noun))
	);
	expect(nouns).toContain('email');
	const untold = Object.keys(events).filter((name) => nouns.has(name.split('.', 1)[0]) && !mayEnd(name));
	// Nothing was kept of what is new.
	expect(untold.filter((name) => !name.endsWith('.created'))).toEqual([]);
});
