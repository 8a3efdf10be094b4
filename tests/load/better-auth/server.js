import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { organization } from 'better-auth/plugins';
import pg from 'pg';

/**
 * The same company with better-auth and its organizations, as its documentation sets them up, on a PostgreSQL database of
 * its own: without limits, without e-mails. Prints one line of JSON with what callers need once it serves.
 */

const { DATABASE_URL, PORT, PEOPLE, CALLERS, OFFERS } = process.env;
const [people, callers, offers] = [Number(PEOPLE), Number(CALLERS), Number(OFFERS)];
const baseURL = `http://127.0.0.1:${PORT}`;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 16 });
const auth = betterAuth({
	baseURL,
	secret: 'only for measuring, and nowhere else at all',
	database: pool,
	emailAndPassword: { enabled: true },
	rateLimit: { enabled: false },
	telemetry: { enabled: false },
	logger: { disabled: true },
	plugins: [
		organization({
			membershipLimit: 100_000,
			invitationLimit: 100_000,
			organizationLimit: 100_000,
			sendInvitationEmail: async () => {}
		})
	]
});
await (await getMigrations(auth.options)).runMigrations();

const cookies = [];
const ids = [];
const emailOf = (n) => `p${n}@example.test`;
for (let n = 0; n < people; n++) {
	const { headers, response } = await auth.api.signUpEmail({
		body: { email: emailOf(n), password: 'a password for measuring', name: `Person No ${n}` },
		returnHeaders: true
	});
	cookies.push(
		headers
			.getSetCookie()
			.map((line) => line.split(';')[0])
			.join('; ')
	);
	ids.push(response.user.id);
}
const as = (n) => new Headers({ cookie: cookies[n], origin: baseURL });
async function create(owner, slug, others) {
	const { id: organizationId } = await auth.api.createOrganization({
		body: { name: slug, slug },
		headers: as(owner)
	});
	let member;
	for (const n of others)
		member = await auth.api.addMember({ body: { userId: ids[n], organizationId, role: 'member' } });
	return { organizationId, memberId: member?.id };
}
const numbers = Array.from({ length: people }, (_, n) => n);
const { organizationId } = await create(0, 'northwind', numbers.slice(1));
const teams = [];
for (let n = 0; n < callers; n++) teams.push(await create(n, `team-${n}`, [n + callers]));
const invitations = Array.from({ length: callers }, () => []);
for (let offer = 0; offer < offers; offer++) {
	const one = await create(callers * 2, `offer-${offer}`, []);
	for (let n = 0; n < callers; n++) {
		const { id } = await auth.api.createInvitation({
			body: { email: emailOf(n), role: 'member', organizationId: one.organizationId },
			headers: as(callers * 2)
		});
		invitations[n].push(id);
	}
}

const handle = toNodeHandler(auth);
createServer((request, response) => {
	if (request.url !== '/offer-again') return void handle(request, response);
	pool
		.query(
			`delete from member using organization o where o.id = "organizationId" and o.slug like 'offer-%' and role <> 'owner';
			update invitation set status = 'pending' from organization o where o.id = "organizationId" and o.slug like 'offer-%'`
		)
		.then(() => response.end('ok'));
}).listen(Number(PORT), '127.0.0.1', () =>
	console.log(JSON.stringify({ cookies, organizationId, teams, invitations }))
);
