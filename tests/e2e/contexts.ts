import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/**
 * Contexts of the browser that one person leaves and the next one enters: empty as a new one, but in a process that knows
 * the portal's scripts. To start such a process and to read the scripts anew is most of what opening a page costs.
 */
export interface Seat {
	context: BrowserContext;
	page: Page;
	leave: () => Promise<void>;
}

interface Free extends Seat {
	browser: Browser;
	wanted: string;
}

/** More would only hold memory: no test has more people at once. */
const kept = 6;
const free: Free[] = [];

/** What a page or a context doesn't forget: whoever has done it leaves nothing for others. */
const lasting = [
	'addInitScript',
	'addLocatorHandler',
	'clearPermissions',
	'exposeBinding',
	'exposeFunction',
	'fastForward',
	'grantPermissions',
	'install',
	'newCDPSession',
	'pauseAt',
	'routeFromHAR',
	'routeWebSocket',
	'setDefaultNavigationTimeout',
	'setDefaultTimeout',
	'setExtraHTTPHeaders',
	'setFixedTime',
	'setGeolocation',
	'setOffline',
	'setSystemTime'
];

type Emitter = Record<'on' | 'off', (name: string, listener: (...given: never[]) => void) => unknown> & {
	eventNames(): string[];
	listeners(name: string): ((...given: never[]) => void)[];
};

/** Calls `told` before any of the lasting methods of that object. */
function watch(object: object, told: () => void): void {
	const methods = object as Record<string, unknown>;
	for (const name of lasting) {
		const method = methods[name];
		if (typeof method !== 'function') continue;
		methods[name] = (...given: unknown[]) => {
			told();
			return method.apply(object, given);
		};
	}
}

async function openSeat(
	browser: Browser,
	options: BrowserContextOptions & { baseURL: string },
	prepare: (context: BrowserContext) => Promise<void>,
	wanted: string
): Promise<Seat> {
	const context = await browser.newContext(options);
	await prepare(context);
	const page = await context.newPage();
	const devtools = await context.newCDPSession(page);
	let isSpent = false;
	for (const object of [context, page, context.clock]) watch(object, () => (isSpent = true));
	page.once('close', () => (isSpent = true));
	page.once('crash', () => (isSpent = true));
	const emitters = [context, page] as unknown as Emitter[];
	const own = emitters.map(
		(emitter) => new Map(emitter.eventNames().map((name) => [name, new Set(emitter.listeners(name))]))
	);

	async function clear(): Promise<void> {
		for (const [index, emitter] of emitters.entries()) {
			for (const name of emitter.eventNames()) {
				const added = emitter.listeners(name).filter((listener) => !own[index]?.get(name)?.has(listener));
				for (const listener of added) emitter.off(name, listener);
			}
		}
		const others = context.pages().filter((other) => other !== page);
		await Promise.all(others.map((other) => other.close()));
		await page.unrouteAll({ behavior: 'ignoreErrors' });
		await context.unrouteAll({ behavior: 'ignoreErrors' });
		// Of the same origin, so that the process stays and its storage can be reached. A route would empty the caches.
		await page.goto(`${options.baseURL}/healthz`);
		await page.evaluate(() => sessionStorage.clear());
		await devtools.send('Storage.clearDataForOrigin', {
			origin: options.baseURL,
			storageTypes: 'local_storage,indexeddb,cache_storage,service_workers,file_systems'
		});
		await context.clearCookies();
		await devtools.send('Page.resetNavigationHistory');
		await page.mouse.move(0, 0);
		await page.setViewportSize(options.viewport ?? { width: 1280, height: 800 });
		await page.emulateMedia({
			media: null,
			colorScheme: options.colorScheme ?? 'light',
			reducedMotion: 'no-preference',
			forcedColors: 'none',
			contrast: 'no-preference'
		});
	}

	const seat: Free = { browser, wanted, context, page, leave };
	async function leave(): Promise<void> {
		// A portal that is away can't be asked for an empty page; then nobody else needs it either.
		if (!isSpent) await clear().catch(() => (isSpent = true));
		if (isSpent) return context.close();
		free.push(seat);
		if (free.length > kept) await free.shift()?.context.close();
	}
	return seat;
}

/** A context for one person with its page, both as new; `prepare` is done to it once, and the same for the same options. */
export async function takeSeat(
	browser: Browser,
	options: BrowserContextOptions & { baseURL: string },
	prepare: (context: BrowserContext) => Promise<void>
): Promise<Seat> {
	const wanted = JSON.stringify(options);
	const index = free.findLastIndex((seat) => seat.browser === browser && seat.wanted === wanted);
	const [seat] = index < 0 ? [] : free.splice(index, 1);
	return seat ?? openSeat(browser, options, prepare, wanted);
}
