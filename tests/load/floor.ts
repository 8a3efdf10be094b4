import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import postgres from 'postgres';
import { createVault } from '../../src/vault/vault.ts';
import { createDuties, sessionOf } from './duties.ts';

/**
 * The least that answers the same calls: one statement each, by hand, on Portico's own tables, without checks of input,
 * limits, an origin or a log; what changes something stands in duties.ts. What `calls.ts` measures Portico beside.
 */

const { DATABASE_URL = '', ENCRYPTION_KEY = '', LOOKUP_KEY = '' } = process.env;
const sql = postgres(DATABASE_URL, { max: 16, onnotice: () => undefined });
const vault = createVault([ENCRYPTION_KEY], [LOOKUP_KEY]);
const app = new Hono();

app.get('/session', async (c) => {
	const [row] = await sql`
		select session.public_id, session.device, session.address, session.created_at, session.last_seen_at
		from session join account on account.id = session.user_id
		where session.id = ${sessionOf(c)} and session.expires_at > now() and account.status = 'active'
			and session.created_at > now() - interval '90 days'`;
	return row ? c.json([row]) : c.json({}, 401);
});

app.get('/members', async (c) => {
	const rows = await sql`
		select one.id, one.user_id, account.email, one.first_name, one.last_name, one.role, one.joined_at
		from session
		join membership as own on own.user_id = session.user_id
		join organization on organization.id = own.organization_id and organization.slug = ${c.req.query('slug') ?? ''}
		join membership as one on one.organization_id = organization.id
		join account on account.id = one.user_id and account.status = 'active'
		where session.id = ${sessionOf(c)} and session.expires_at > now() order by one.joined_at`;
	return rows.length > 0 ? c.json(rows) : c.json({}, 404);
});

app.post('/introspect', async (c) => {
	const form = new URLSearchParams(await c.req.text());
	const [row] = await sql`
		select application.id, application.name, organization.id as organization_id, organization.name as organization_name,
			credential.created_at, credential.expires_at
		from credential
		join application on application.id = credential.application_id
		join organization on organization.id = application.organization_id
		where credential.lookup_hash = ${vault.lookupHash(form.get('token') ?? '')} and credential.revoked_at is null
			and (credential.expires_at is null or credential.expires_at > now()) and organization.status = 'approved'`;
	return c.json(row ? { active: true, ...row } : { active: false });
});

app.route('/', createDuties(sql, vault, 'http://localhost'));

serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' }, () =>
	console.log('The floor is ready.')
);
process.stdin.resume().on('end', () => process.exit(0));
