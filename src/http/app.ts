import type { IncomingMessage, ServerResponse } from 'node:http';
import { trpcServer } from '@hono/trpc-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type Context as HonoContext } from 'hono';
import { generateCookie, getCookie } from 'hono/cookie';
import { HTTPException } from 'hono/http-exception';
import { accountHeader } from '#lib/wire.ts';
import { requestIdHeader, retryAfterOf, type Arrivals } from './arrivals.ts';
import { callLimit, limitBody, limitTold, readFields, smallBody } from './bodies.ts';
import { sendDocument } from './documents.ts';
import { exportActivity, exportUsage, formatOf } from './exports.ts';
import { contextOf as contextOfAsker, type Bindings, type Parts, type Variables } from './context.ts';
import { reportCall } from './inside.ts';
import { createUsageReports } from './usage-reports.ts';
import { createMetrics } from './metrics.ts';
import { leadToOrigin, refuseElsewhere } from './own-address.ts';
import type { GatewayFinder } from '../procedures/gateways/tokens.ts';
import { followUnsubscribe } from '../procedures/preferences/preferences.ts';
import { appRouter } from '../router.ts';
import { Refusal } from '../api/refusals.ts';
import { type Context } from '../api/trpc.ts';

/** What a Node.js request handler, such as SvelteKit's, looks like. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

type App = Hono<{ Bindings: Bindings; Variables: Variables }>;

/** A header by which the pages learn what the outer server knows, as {@link requestIdHeader} is: what a client sends is replaced. */
export const addressHeader = 'x-portico-address';

const maxBatch = 10;
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** The outer server: the API, the health checks, and the pages for everything else. */
export function createApp(
	parts: Parts & { arrivals: Arrivals; gateways: GatewayFinder },
	pages: NodeHandler | null
): App {
	const { ping, env, log, arrivals } = parts;
	const app: App = new Hono();

	app.use(async (c, next) => {
		const { incoming, outgoing } = c.env;
		const { requestId, address, headers, note } = arrivals.receive(incoming);
		c.set('requestId', requestId);
		c.set('address', address);
		// Nothing here is large enough to be asked for in parts, and a part that ends before it begins confuses the pages.
		delete incoming.headers.range;
		incoming.headers[addressHeader] = address;
		incoming.headers[requestIdHeader] = requestId;
		for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
		await next();
		note(c.req.path, statusOf(c));
	});

	// Before the check of the origin: a gateway is no browser, and its token no cookie.
	app.route('/', createUsageReports(parts, new URL(env.ORIGIN).host));

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
			const form = await readFields(c);
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

	app.get('/apis/:slug{[a-z0-9-]+}/:file{openapi\\.(json|yaml)}', (c) => {
		const { slug, file } = c.req.param();
		return sendDocument(c, { slug, format: file.slice('openapi.'.length) }, () =>
			contextOf(parts, c, new Headers())
		);
	});

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
		const { status, body, headers } = arrivals.reportFailure(error, c.get('requestId'));
		return c.text(body, status, headers);
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

function statusOf(c: HonoContext<{ Bindings: Bindings; Variables: Variables }>): number {
	return c.env.outgoing.headersSent ? c.env.outgoing.statusCode : c.res.status;
}
