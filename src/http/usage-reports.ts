import { Hono } from 'hono';
import type { Db } from '../database/database.ts';
import { idempotencyKey, report, takeReport } from '../procedures/usage/reporting.ts';
import { limitBody } from './bodies.ts';
import type { Bindings, Variables } from './context.ts';
import type { GatewayFinder } from '../procedures/gateways/tokens.ts';

/** A thousand rows with their names, with room for spaces. */
const longestReport = 400_000;

/** `POST /api/usage`: what a gateway has counted that checks by itself. It proves itself as one that asks does. */
export function createUsageReports(
	{ db, gateways }: { db: Db; gateways: GatewayFinder },
	realm: string
): Hono<{ Bindings: Bindings; Variables: Variables }> {
	const path = '/api/usage';
	const app = new Hono<{ Bindings: Bindings; Variables: Variables }>();
	app.use(path, async (c, next) => {
		await next();
		c.res.headers.set('cache-control', 'no-store');
	});
	app.use(path, async (c, next) => {
		const [, token = ''] = /^bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
		const asking = token ? await gateways.find(token, c.get('address')) : null;
		if (!asking) {
			const headers = { 'www-authenticate': `Bearer realm="${realm}"` };
			return c.json({ error: 'This is not the token of a gateway.' }, 401, headers);
		}
		c.set('gateway', asking.gateway);
		return next();
	});
	app.use(
		path,
		limitBody(
			() => longestReport,
			(c, headers) => c.json({ error: 'The report is too long.' }, 413, headers)
		)
	);
	app.post(path, async (c) => {
		const key = idempotencyKey.safeParse(c.req.header('idempotency-key'));
		if (!key.success)
			return c.json({ error: 'Idempotency-Key has to be 1 to 200 characters of visible ASCII.' }, 400);
		const given: unknown = await c.req.json().catch(() => undefined);
		if (given === undefined) return c.json({ error: 'The body is not JSON.' }, 400);
		const read = report.safeParse(given);
		if (!read.success) {
			const [issue] = read.error.issues;
			return c.json({ error: `${issue?.path.join('.') || 'The body'}: ${issue?.message}` }, 400);
		}
		const reported = await takeReport(db, c.get('gateway').id, key.data, read.data);
		if (!reported) return c.json({ error: 'Another report has come under this Idempotency-Key.' }, 422);
		return c.json(reported);
	});
	app.all(path, (c) => c.json({ error: 'A report is sent by POST.' }, 405, { allow: 'POST' }));
	app.all(`${path}/`, (c) => c.json({ error: `Reports go to ${path}, without a slash at the end.` }, 404));
	return app;
}
