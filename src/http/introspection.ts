import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { z } from 'zod';
import { limitBody, readForm } from './bodies.ts';
import { compileOnce } from '../database/compiled.ts';
import type { Db } from '../database/database.ts';
import { isInForce } from '../procedures/credentials/validity.ts';
import { isKey, type Vault } from '../vault/vault.ts';

/**
 * How an API gateway asks whether a credential works: token introspection (RFC 7662). The gateway proves itself by a
 * bearer token of the environment, never by a cookie, so that no page of a browser can ask.
 */

/** What a gateway learns of a credential that works; of any other only that it doesn't, and not why. */
export type Introspection =
	| { active: false }
	| {
			active: true;
			token_type: 'api_key';
			/** The application, whose credentials come and go. */
			client_id: string;
			application: { id: string; name: string };
			organization: { id: string; name: string };
			/** Seconds since 1970 at which it was created and, if it ends, ends. */
			iat: number;
			exp?: number;
	  };

const selectByHash = compileOnce((db: Db, hash: string, now: Date) =>
	db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.innerJoin('organization', 'organization.id', 'application.organizationId')
		.select([
			'application.id as applicationId',
			'application.name as applicationName',
			'organization.id as organizationId',
			'organization.name as organizationName',
			'credential.createdAt',
			'credential.expiresAt'
		])
		.where('credential.lookupHash', '=', hash)
		.where('credential.revokedAt', 'is', null)
		.where((eb) => eb.or([eb('credential.expiresAt', 'is', null), eb('credential.expiresAt', '>', now)]))
		.where(isInForce)
);

/** One indexed query, after the checksum has kept typing errors from the database. */
export async function introspect(db: Db, vault: Vault, presented: string): Promise<Introspection> {
	if (!isKey(presented)) return { active: false };
	const [row] = await selectByHash(db, vault.lookupHash(presented), new Date());
	if (!row) return { active: false };
	const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
	return {
		active: true,
		token_type: 'api_key',
		client_id: row.applicationId,
		application: { id: row.applicationId, name: row.applicationName },
		organization: { id: row.organizationId, name: row.organizationName },
		iat: seconds(row.createdAt),
		...(row.expiresAt && { exp: seconds(row.expiresAt) })
	};
}

const digest = (text: string) => createHash('sha256').update(text).digest();
/** Whatever is no key is inactive, as the standard has it; only what is too long is refused. */
const asked = z.object({ token: z.string().min(1).max(500) });

/** `POST /introspect` with `token=…` as a form, as the standard has it. */
export function createIntrospection({ db, vault }: { db: Db; vault: Vault }, gatewayTokens: string[]): Hono {
	const known = gatewayTokens.map(digest);
	const path = '/introspect';
	const app = new Hono();
	app.use(path, async (c, next) => {
		await next();
		c.res.headers.set('cache-control', 'no-store');
	});
	app.use(
		path,
		bearerAuth({
			verifyToken: (token) => {
				const given = digest(token);
				return known.filter((one) => timingSafeEqual(one, given)).length > 0;
			}
		})
	);
	app.use(
		path,
		limitBody(
			() => 2_000,
			(c, headers) => c.json({ error: 'invalid_request' }, 413, headers)
		)
	);
	app.post(path, async (c) => {
		const form = asked.safeParse(await readForm(c));
		if (!form.success) return c.json({ error: 'invalid_request' }, 400);
		return c.json(await introspect(db, vault, form.data.token));
	});
	return app;
}
