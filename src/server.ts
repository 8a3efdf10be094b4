import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { forwardAuthPath } from '#lib/gateways.ts';
import { clearAlarms } from './news/alarms.ts';
import { createApp, type NodeHandler } from './http/app.ts';
import { createArrivals } from './http/arrivals.ts';
import { smallBody } from './http/bodies.ts';
import { createInside } from './http/inside.ts';
import { withCompression } from './http/compression.ts';
import { watchForRequests } from './database/backups.ts';
import { openDatabase } from './database/database.ts';
import { readEnv, type Env } from './env.ts';
import { startBoss, work } from './jobs.ts';
import { startLive } from './live/live.ts';
import { meetNeighbours } from './live/neighbours.ts';
import { createLog } from './logging.ts';
import { findMailing, getMailServerRow } from './mail/servers.ts';
import { createOutbox } from './mail/outbox.ts';
import { openBuiltPages, openDevelopmentPages } from './http/pages.ts';
import { withQuestions } from './http/questions.ts';
import { createGatewayFinder } from './procedures/gateways/tokens.ts';
import { createLimiter } from './procedures/quotas/limiter.ts';
import { createWarnings } from './procedures/quotas/warnings.ts';
import { prepareSetup } from './procedures/setup/setup.ts';
import { startCounter } from './procedures/usage/counting.ts';
import { checkKeys } from './vault/check.ts';
import { openVault } from './vault/vault.ts';

/**
 * For so many milliseconds a connection waits for its next request: longer than proxies keep theirs, 60 seconds where they say
 * nothing else, or they would send a request on one that is being closed.
 */
const keptFor = 75_000;

/**
 * So many connections may wait until they are taken, as far as the system lets them (net.core.somaxconn): with Node's 511, of
 * a thousand pages that come back at once half would be dropped, and wait for TCP to try again after 1, 3, 7, 15 … seconds.
 */
const backlog = 8192;

/** How long a request under way may take once the process has been asked to end, in milliseconds. */
const patience = 10_000;

const isDevelopment = process.argv.includes('--dev');
const isDemo = process.argv.includes('--demo');
/** People whose password everybody knows, and addresses that aren't theirs: never in a real database or a real mail. */
const demoEnv = { DATABASE_URL: '', SMTP_URL: '', PORTAL_ADMIN_EMAIL: '', PORTAL_ADMIN_PASSWORD: '' };

async function start(env: Env): Promise<void> {
	const log = createLog(env.LOG_LEVEL);
	// SvelteKit's handler reads its origin from here.
	process.env.ORIGIN = env.ORIGIN;
	// And here how long a body may be that doesn't tell its length.
	process.env.BODY_SIZE_LIMIT = String(smallBody);

	const vault = openVault(env);
	const database = await openDatabase(env);
	const { db } = database;
	const processId = randomUUID();
	const neighbours = await meetNeighbours(database, vault, processId, log);
	await checkKeys(db, vault).catch(async (error: unknown) => {
		await neighbours.leave();
		throw error;
	});
	const boss = await startBoss(database.source, log);
	const outbox = createOutbox(boss, vault, env);
	const counter = startCounter(db, log);
	const parts = { db, ping: () => database.ping(), env, vault, outbox, counter, log };
	if (isDemo) {
		const { seedDemo } = await import('./demo.ts');
		await seedDemo(parts);
	}
	const setupUrl = await prepareSetup(parts);
	await clearAlarms(db, [
		...(env.TRUSTED_PROXIES > 0 ? (['forwarded-header'] as const) : []),
		'proxies-fewer',
		'proxies-more'
	]);

	let pages: NodeHandler = (_request, response) => response.writeHead(503).end('Portico is starting.');
	const report = (error: unknown) => log.error({ err: error }, 'limits could not be counted');
	const warnings = createWarnings({ ...parts, config: env, report });
	const limiter = createLimiter({ db, processId, report }, warnings.warn);
	const asked = { ...parts, limiter, gateways: createGatewayFinder(parts), arrivals: createArrivals(parts) };
	const app = createApp(asked, (request, response, next) => pages(request, response, next));
	const answer: Parameters<typeof getRequestListener>[0] = async (request, env) => {
		const response = await app.fetch(request, env as HttpBindings);
		// To HEAD, Hono makes an answer of its own of what the page has sent already.
		return request.method === 'HEAD' && env.outgoing.headersSent ? RESPONSE_ALREADY_SENT : response;
	};
	const listener = withCompression(getRequestListener(answer));
	globalThis.portico = createInside(parts);
	const server = createServer(
		{
			// Whoever asks for another protocol, as some do for HTTP/2, is answered in this one; so is a gateway that asks with the
			// headers of a client who wants a WebSocket of the API behind it.
			shouldUpgradeCallback: ({ headers, url }) =>
				headers.upgrade?.toLowerCase() === 'websocket' && url?.startsWith(forwardAuthPath) !== true,
			keepAliveTimeout: keptFor
		},
		withQuestions(listener, asked)
	);
	pages = isDevelopment ? await openDevelopmentPages(server) : await openBuiltPages();
	const live = await startLive(server, { database, env, processId, log });
	const endWork = await work(boss, parts);
	const { source } = database;
	const endBackups = 'pglite' in source ? watchForRequests(source.pglite, env.DATA_FOLDER, log) : () => {};

	// One that nobody waited for ends no portal: what it was about has failed, and everybody else goes on.
	process.on('unhandledRejection', (reason) => {
		log.error({ err: reason }, 'something failed that nobody waited for');
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen({ port: env.PORT, host: env.HOST, backlog }, resolve);
	});
	const isOwnNode = process.execPath.includes('node_modules');
	console.log(`\nOn Node ${process.versions.node}${isOwnNode ? ', which came with the packages' : ''}.`);
	console.log(`Portico is ready at ${env.ORIGIN}`);
	if (setupUrl) console.log(`Set up the first portal admin: ${setupUrl}`);
	if (findMailing(await getMailServerRow(db), parts)?.route === null) {
		console.log(`No mail server is set up: e-mails wait in ${env.ORIGIN}/admin/mailbox`);
	}

	let isEnding = false;
	async function end(): Promise<void> {
		if (isEnding) return;
		isEnding = true;
		log.info('ending');
		const closed = new Promise<void>((resolve) => server.close(() => resolve()));
		// A connection whose request has just been answered would be kept open for the next one.
		const closing = setInterval(() => server.closeIdleConnections(), 50);
		const deadline = setTimeout(() => server.closeAllConnections(), patience);
		await live.close();
		await closed;
		clearInterval(closing);
		clearTimeout(deadline);
		await limiter.stop();
		await warnings.stop();
		await counter
			.stop()
			.catch((error: unknown) => log.error({ err: error }, 'the last requests were not counted'));
		endWork();
		await endBackups();
		await boss.stop({ graceful: true, timeout: patience });
		await neighbours.leave();
		await database.close();
	}
	for (const signal of ['SIGTERM', 'SIGINT'] as const) {
		process.on(signal, () => {
			end().then(
				() => process.exit(0),
				(error: unknown) => {
					log.error({ err: error }, 'could not end in good order');
					process.exit(1);
				}
			);
		});
	}
}

function describe(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	if ('code' in error && error.code === 'EADDRINUSE') {
		return 'The port is in use by another program. Set PORT to a free one.';
	}
	const { cause } = error;
	return cause instanceof Error && !error.message.includes(cause.message)
		? `${error.message}\n${cause.message}`
		: error.message;
}

try {
	await start(readEnv(isDemo ? { DATA_FOLDER: './data-demo', ...process.env, ...demoEnv } : process.env));
} catch (error) {
	console.error(`Portico could not start.\n${describe(error)}`);
	process.exit(1);
}
