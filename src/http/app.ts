import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import { trpcServer } from '@hono/trpc-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type Context as HonoContext } from 'hono';
import { generateCookie, getCookie } from 'hono/cookie';
import { HTTPException } from 'hono/http-exception';
import { loggedPath } from '#lib/redaction.ts';
import { forwardAuthPath } from '#lib/gateways.ts';
import { accountHeader } from '#lib/wire.ts';
import { addressOf } from '../identity/networks.ts';
import { raiseAlarm } from '../news/alarms.ts';
import { callLimit, limitBody, limitTold, readForm, smallBody } from './bodies.ts';
import type { Env } from '../env.ts';
import { exportActivity, exportUsage, formatOf } from './exports.ts';
import { contextOf as contextOfAsker, type Bindings, type Parts, type Variables } from './context.ts';
import { reportCall } from './inside.ts';
import { createForwardAuth } from './forward-auth.ts';
import { createIntrospection } from './introspection.ts';
import { createUsageReports } from './usage-reports.ts';
import { createMetrics } from './metrics.ts';
import { leadToOrigin, refuseElsewhere } from './own-address.ts';
import { createChecker } from '../procedures/gateways/checking.ts';
import type { Limiter } from '../procedures/quotas/limiter.ts';
import { createGatewayFinder } from '../procedures/gateways/tokens.ts';
import { followUnsubscribe } from '../procedures/preferences/preferences.ts';
import { requests } from '../metrics.ts';
import { appRouter } from '../router.ts';
import { Refusal, refusalOfOutage } from '../api/refusals.ts';
import { type Context } from '../api/trpc.ts';

/** What a Node.js request handler, such as SvelteKit's, looks like. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

type App = Hono<{ Bindings: Bindings; Variables: Variables }>;

/** Headers by which the pages learn what the outer server knows. What a client sends under these names is replaced. */
export const addressHeader = 'x-portico-address';
export const requestIdHeader = 'x-request-id';

const maxBatch = 10;
/** Said once: otherwise all who come through the proxy share one limit, and whoever sees it knows why. */
const unexpectedProxy =
	'a request came with X-Forwarded-For while TRUSTED_PROXIES is 0: behind a proxy everybody counts as one address';
/** What a request is for, by the first word of its path; whatever has none of these is for a page. */
const kinds = new Map([
	['trpc', 'call'],
	['api', 'api'],
	['_app', 'file'],
	['healthz', 'health'],
	['readyz', 'health'],
	['metrics', 'metrics']
]);
const kindOf = (path: string) => kinds.get(path.split('/', 2)[1] ?? '') ?? 'page';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The outer server: the API, the health checks, and the pages for everything else. */
export function createApp(parts: Parts & { limiter: Limiter }, pages: NodeHandler | null): App {
	const { db, ping, env, log } = parts;
	const app: App = new Hono();

	let hasWarned = false;
	const warnOfProxy = () => {
		log.warn({}, unexpectedProxy);
		raiseAlarm(db, 'forwarded-header').catch((error: unknown) =>
			log.error({ err: error }, 'an alarm could not be raised')
		);
	};
	app.use(async (c, next) => {
		const { incoming, outgoing } = c.env;
		const requestId = randomUUID();
		const address = addressOf(incoming, env.TRUSTED_PROXIES);
		// Of a gateway's question it tells who called the API.
		if (!hasWarned && env.TRUSTED_PROXIES === 0 && !c.req.path.startsWith(forwardAuthPath)) {
			hasWarned = incoming.headers['x-forwarded-for'] !== undefined;
			if (hasWarned) warnOfProxy();
		}
		// Some gateways put the path that they were asked for behind ours: dots in it would lead to another answer, such as
		// that of /healthz, and be taken for a yes.
		if (incoming.url?.startsWith(forwardAuthPath) && !c.req.path.startsWith(forwardAuthPath))
			return c.json({ title: 'Bad Request', status: 400, detail: 'The path leads elsewhere.' }, 400);
		c.set('requestId', requestId);
		c.set('address', address);
		// Nothing here is large enough to be asked for in parts, and a part that ends before it begins confuses the pages.
		delete incoming.headers.range;
		incoming.headers[addressHeader] = address;
		incoming.headers[requestIdHeader] = requestId;
		for (const [name, value] of Object.entries(securityHeaders(env))) outgoing.setHeader(name, value);
		outgoing.setHeader(requestIdHeader, requestId);
		const began = performance.now();
		await next();
		const path = loggedPath(c.req.path);
		const ms = Math.round(performance.now() - began);
		const status = statusOf(c);
		requests.inc({ kind: kindOf(c.req.path), status });
		log.info({ requestId, method: c.req.method, path, status, ms }, 'request');
	});

	// Before the check of the origin: a gateway is no browser, and its token no cookie. Before the address is read: what a
	// client of an API asked for may stand in it.
	const asked = { checker: createChecker(parts), gateways: createGatewayFinder(parts) };
	const realm = new URL(env.ORIGIN).host;
	app.route('/', createForwardAuth(asked, realm));
	app.route('/', createIntrospection(asked, realm));
	app.route('/', createUsageReports({ db, gateways: asked.gateways }, realm));

	app.use(async (c, next) => {
		try {
			decodeURIComponent(c.req.path);
		} catch {
			return c.text('This address can’t be read.', 400);
		}
		return next();
	});

	if (env.METRICS_TOKEN) app.route('/metrics', createMetrics(parts, env.METRICS_TOKEN));
	// One press in the reader's mail program (RFC 8058). It comes from that program's servers, without an origin or a
	// cookie; what the link is signed for is all that it can do. A press on our own page goes on to the page.
	app.post(
		'/unsubscribe/:token',
		limitBody(() => smallBody),
		async (c, next) => {
			if (c.req.header('origin') === env.ORIGIN) return next();
			const form = await readForm(c);
			if (form['List-Unsubscribe'] !== 'One-Click') return c.text('Open the link in a browser.', 400);
			try {
				await followUnsubscribe(parts, c.req.param('token'), false);
			} catch (error) {
				if (error instanceof Refusal) return c.text(error.message, 404);
				throw error;
			}
			return c.text('You will get no more of these e-mails.');
		}
	);

	// Cookies travel with requests that other sites make. Whatever changes something has to come from our own pages,
	// whichever content type it claims.
	app.use(async (c, next) => {
		if (safeMethods.has(c.req.method) || c.req.header('origin') === env.ORIGIN) return next();
		return refuseElsewhere(c, env.ORIGIN);
	});

	app.get('/healthz', (c) => c.text('ok'));
	app.get('/readyz', async (c) => {
		try {
			await ping();
			return c.text('ready');
		} catch (error) {
			log.error({ err: error }, 'the database does not answer');
			return c.text('the database does not answer', 503);
		}
	});

	app.use('/trpc/*', limitBody(callLimit));
	app.use(
		'/trpc/*',
		trpcServer({
			router: appRouter,
			endpoint: '/trpc',
			maxBatchSize: maxBatch,
			allowBatching: true,
			createContext: ({ resHeaders }, c: HonoContext) =>
				contextOf(parts, c, resHeaders) as Promise<Context & Record<string, unknown>>,
			responseMeta: ({ errors }) => ({
				headers: { 'cache-control': 'private, no-store', ...retryAfterOf(errors) }
			}),
			onError: ({ error, path, ctx }) => reportCall(parts, { error, path, ctx })
		})
	);

	const breakOff = (c: HonoContext<{ Bindings: Bindings; Variables: Variables }>) => (error: unknown) => {
		log.warn({ err: error, requestId: c.get('requestId') }, 'an export was broken off');
		c.env.outgoing.destroy();
	};
	const download = (c: HonoContext<{ Bindings: Bindings; Variables: Variables }>, organizationId?: string) =>
		exportActivity(
			c,
			{ format: formatOf(c.req.path), organizationId },
			() => contextOf(parts, c, new Headers()),
			breakOff(c)
		);
	app.get('/api/:file{activity\\.(csv|jsonl)}', (c) => download(c));
	app.get('/api/organizations/:organizationId/:file{activity\\.(csv|jsonl)}', (c) =>
		download(c, c.req.param('organizationId'))
	);
	app.get('/api/organizations/:organizationId/applications/:applicationId/usage.csv', (c) =>
		exportUsage(c, c.req.param(), () => contextOf(parts, c, new Headers()), breakOff(c))
	);

	if (pages) {
		app.use(leadToOrigin(env.ORIGIN));
		app.all('*', limitTold(smallBody), async (c) => {
			const { incoming, outgoing } = c.env;
			await new Promise<void>((resolve) => {
				outgoing.once('close', resolve);
				pages(incoming, outgoing, () => {
					outgoing.statusCode = 404;
					outgoing.end('Not found');
				});
			});
			return RESPONSE_ALREADY_SENT;
		});
	}

	app.onError((error, c) => {
		// A refusal of Hono's own, as of a gateway without its token.
		if (error instanceof HTTPException) return error.getResponse();
		const requestId = c.get('requestId');
		const refusal = refusalOfOutage(error);
		if (refusal instanceof Refusal) {
			log.warn({ err: error, requestId }, 'a request could not be carried out now');
			return c.text(refusal.message, 503, retryAfterOf([refusal]));
		}
		log.error({ err: error, requestId }, 'a request failed');
		return c.text(`Something went wrong on our side. Request ${requestId}`, 500);
	});
	return app;
}

/** Who asks by a request from the network; cookies that the call sets go into `headers`. */
function contextOf(parts: Parts, c: HonoContext, headers: Headers): Promise<Context> {
	return contextOfAsker(parts, {
		requestId: c.get('requestId') as string,
		address: c.get('address') as string,
		userAgent: c.req.header('user-agent') ?? '',
		drawnFor: c.req.header(accountHeader) ?? null,
		getCookie: (name) => getCookie(c, name),
		setCookie: (...cookie) => headers.append('set-cookie', generateCookie(...cookie))
	});
}

/** When the same may be asked again (RFC 9110, 10.2.3), of several answers the latest. */
function retryAfterOf(errors: readonly unknown[]): Record<string, string> {
	const seconds = errors.flatMap((error) => (error instanceof Refusal && error.retryAfter) || []);
	return seconds.length > 0 ? { 'retry-after': String(Math.max(...seconds)) } : {};
}

function statusOf(c: HonoContext<{ Bindings: Bindings; Variables: Variables }>): number {
	return c.env.outgoing.headersSent ? c.env.outgoing.statusCode : c.res.status;
}

function securityHeaders(env: Env): Record<string, string> {
	return {
		'x-content-type-options': 'nosniff',
		'x-frame-options': 'DENY',
		// Not no-referrer: under that, browsers send a form without script with `Origin: null`.
		'referrer-policy': 'same-origin',
		'cross-origin-opener-policy': 'same-origin',
		'permissions-policy': 'camera=(), geolocation=(), microphone=()',
		...(env.ORIGIN.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000' })
	};
}
