import type { Socket } from 'socket.io-client';
import type { LiveEvent } from '#lib/events.ts';
import type { ServerToClient, Stream } from '#lib/wire.ts';

/** What a socket has heard so far, and a way to wait for more of it without asking again and again. */
export function heard(socket: Socket<ServerToClient>) {
	const events: LiveEvent[] = [];
	const streams: Stream[] = [];
	/** Ids of the people who have a page open, for each organization, as a page keeps them. */
	const online = new Map<string, Set<string>>();
	/** How many they are, also where not all are named. */
	const counts = new Map<string, number>();
	const words: string[] = [];
	const waiting = new Set<() => void>();
	const note = (word: string) => {
		words.push(word);
		for (const look of waiting) look();
	};
	socket.on('connect', () => note('connect'));
	socket.on('connect_error', (error: Error & { data?: { reason?: string } }) => {
		note(`connect_error ${error.message}`);
		// As a page does, where a busy machine couldn't let it in: the library takes a refusal for the last word.
		if (!socket.active && error.data?.reason === 'UNAVAILABLE') setTimeout(() => socket.connect(), 200);
	});
	socket.on('disconnect', () => note('disconnect'));
	socket.on('event', (stream, event) => {
		events.push(event);
		streams.push(stream);
		note(event.name);
	});
	socket.on('account', () => note('account'));
	socket.on('ended', () => note('ended'));
	socket.on('resync', () => note('resync'));
	socket.on('news', (isLive) => note(`news ${isLive}`));
	socket.on('online', (organizationId, { count, userIds }) => {
		counts.set(organizationId, count);
		const before = online.get(organizationId) ?? new Set();
		const now = new Set(userIds);
		online.set(organizationId, now);
		note('online');
		for (const id of now.difference(before)) note(`presence ${id} true`);
		for (const id of before.difference(now)) note(`presence ${id} false`);
	});
	socket.on('settings', () => note('settings'));
	socket.on('editors', (name, editors) =>
		note(`editors ${name} ${editors.map((one) => one.name).join(', ')}`)
	);
	socket.on('seen', (organizationId, seq) => note(`seen ${organizationId} ${seq}`));
	socket.on('mailbox', () => note('mailbox'));
	socket.on('alarms', () => note('alarms'));
	socket.on('gateways', () => note('gateways'));
	socket.on('products', () => note('products'));
	socket.on('usage', (organizationId) => note(`usage ${organizationId}`));
	/** Resolves when the condition holds, now or after one of the next words. */
	function until(holds: () => boolean, what: string, timeoutMs = 240_000): Promise<void> {
		if (holds()) return Promise.resolve();
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				waiting.delete(look);
				reject(new Error(`Waited in vain for ${what}. Heard: ${words.join(', ') || 'nothing'}`));
			}, timeoutMs);
			const look = () => {
				if (!holds()) return;
				clearTimeout(timer);
				waiting.delete(look);
				resolve();
			};
			waiting.add(look);
		});
	}
	const hears = (word: string) => until(() => words.includes(word), word);
	/** The latest of this name: behind it may stand what happened just before the page came, and was told late. */
	const latest = (name: string) => events.findLast((event) => event.name === name);
	/** What the portal admins' own stream has told. */
	const portalEvents = () => events.filter((_, index) => streams[index]?.kind === 'portal');
	return { socket, events, latest, portalEvents, online, counts, words, until, hears };
}
