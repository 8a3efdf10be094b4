import { sql } from 'kysely';
import { Lucia, TimeSpan, type Adapter } from 'lucia';
import { createToken, hashToken } from './tokens.ts';
import { signal } from '../news/publish.ts';
import { compileOnce } from '../database/compiled.ts';
import type { Db } from '../database/database.ts';
import { gather } from '../database/gathering.ts';
import { anyOf, idsIn, textsIn } from '../database/sets.ts';

/**
 * Sessions. Lucia 3 is no longer developed, so nothing of it leaves this file. It is given hashes only: the cookie
 * holds the token, the database its SHA-256.
 */
declare module 'lucia' {
	interface Register {
		Lucia: ReturnType<typeof createLucia>;
		DatabaseUserAttributes: Omit<SessionUser, 'id'>;
		DatabaseSessionAttributes: { device: string; address: string; lastSeenAt: Date };
	}
}

export interface SessionUser {
	id: string;
	email: string;
	firstName: string;
	lastName: string;
	isPortalAdmin: boolean;
	isEmailVerified: boolean;
	createdAt: Date;
	lastSeenAt: Date | null;
}

export interface Session {
	id: string;
	user: SessionUser;
}

/** A session lives as long after its last use, and never longer than `absoluteDays` in all. */
const slidingDays = 30;
const absoluteDays = 90;

/** How exact "last seen" is: not every call is worth a write. */
const lastSeenSeconds = 300;

/** Somebody signs in again and again, or a program does: what was used longest ago makes way. */
const maxSessions = 100;

const oldestStart = () => new Date(Date.now() - absoluteDays * 86_400_000);

const selectSessions = compileOnce((db: Db, ids: string[], oldest: Date) =>
	db
		.selectFrom('session')
		.innerJoin('account', 'account.id', 'session.userId')
		.select([
			'session.id as sessionId',
			'session.userId',
			'session.expiresAt',
			'session.device',
			'session.address',
			'session.lastSeenAt as usedAt',
			'account.email',
			'account.firstName',
			'account.lastName',
			'account.isPortalAdmin',
			'account.emailVerifiedAt',
			'account.createdAt',
			'account.lastSeenAt'
		])
		.where(sql<boolean>`session.id = any(${ids}::text[])`)
		.where('session.createdAt', '>', oldest)
		.where('account.status', '=', 'active')
);

/** What every call of somebody who is signed in begins with. */
const askForSession = gather(async (db, ids) => {
	const rows = await selectSessions(db, ids, oldestStart());
	return new Map(rows.map((row) => [row.sessionId, row]));
});

function adapter(db: Db): Adapter {
	return {
		async getSessionAndUser(sessionId) {
			const row = await askForSession(db, sessionId);
			if (!row) return [null, null];
			const { sessionId: id, userId, expiresAt, device, address, usedAt, emailVerifiedAt, ...user } = row;
			return [
				{ id, userId, expiresAt, attributes: { device, address, lastSeenAt: usedAt } },
				{ id: userId, attributes: { ...user, isEmailVerified: emailVerifiedAt !== null } }
			];
		},
		async getUserSessions(userId) {
			const rows = await db.selectFrom('session').selectAll().where('userId', '=', userId).execute();
			return rows.map(({ id, expiresAt, ...attributes }) => ({ id, userId, expiresAt, attributes }));
		},
		async setSession({ id, userId, expiresAt, attributes }) {
			await db
				.insertInto('session')
				.values({ id, userId, expiresAt, ...attributes })
				.execute();
		},
		async updateSessionExpiration(sessionId, expiresAt) {
			await db.updateTable('session').set({ expiresAt }).where('id', '=', sessionId).execute();
		},
		async deleteSession(sessionId) {
			await db.deleteFrom('session').where('id', '=', sessionId).execute();
		},
		async deleteUserSessions(userId) {
			await db.deleteFrom('session').where('userId', '=', userId).execute();
		},
		async deleteExpiredSessions() {
			await db.deleteFrom('session').where('expiresAt', '<=', new Date()).execute();
		}
	};
}

const createLucia = (db: Db) =>
	new Lucia(adapter(db), {
		sessionExpiresIn: new TimeSpan(slidingDays, 'd'),
		getSessionAttributes: ({ lastSeenAt }) => ({ lastSeenAt }),
		getUserAttributes: (attributes) => attributes
	});

const lucias = new WeakMap<Db, ReturnType<typeof createLucia>>();

/** One for the process, and one for each transaction that makes a session. */
function lucia(db: Db): ReturnType<typeof createLucia> {
	const known = lucias.get(db) ?? createLucia(db);
	lucias.set(db, known);
	return known;
}

/** Starts a session and returns the token for the cookie; it exists nowhere else. The person's open pages are told. */
export async function createSession(
	db: Db,
	userId: string,
	from: { device: string; address: string }
): Promise<string> {
	const token = createToken();
	const attributes = { ...from, lastSeenAt: new Date() };
	await lucia(db).createSession(userId, attributes, { sessionId: hashToken(token) });
	for (const { id } of (await listSessions(db, userId)).slice(maxSessions)) await endSession(db, id, userId);
	await signal(db, { kind: 'account', userId });
	return token;
}

/**
 * The session of a cookie's token, or null when it is over or was never one.
 * @param address from where it is used; null where that is not known.
 */
export async function findSession(db: Db, token: string, address: string | null): Promise<Session | null> {
	const { session, user } = await lucia(db).validateSession(hashToken(token));
	if (!session) return null;
	const stale = new Date(Date.now() - lastSeenSeconds * 1000);
	if (session.lastSeenAt < stale) await noteUsed(db, JSON.stringify({ id: session.id, address }));
	if (!user.lastSeenAt || user.lastSeenAt < stale) await noteSeen(db, user.id);
	return { id: session.id, user };
}

/** A session is used now: its id and the address from where, as JSON. */
const noteUsed = gather(async (db, used) => {
	await sql`
		update session set last_seen_at = ${new Date()}, address = coalesce(one.address, session.address)
		from (
			select session.id, given.address
			from jsonb_to_recordset(${`[${used.join()}]`}::text::jsonb) as given (id text, address text)
			join session on session.id = given.id
			order by session.id
			for no key update of session
		) as one
		where session.id = one.id`.execute(db);
	return new Map<string, never>();
});

/** The sessions of a person that are good, the one used last first. */
export const listSessions = async (db: Db, userId: string) => (await gatherSessions(db, userId)) ?? [];

const gatherSessions = gather(async (db, userIds) =>
	Map.groupBy(await selectSessionsOf(db, userIds, new Date(), oldestStart()), ({ userId }) => userId)
);

const selectSessionsOf = compileOnce((db: Db, userIds: string[], now: Date, oldest: Date) =>
	db
		.selectFrom('session')
		.select(['userId', 'id', 'publicId', 'device', 'address', 'createdAt', 'lastSeenAt'])
		.where('userId', '=', anyOf(userIds))
		.where('expiresAt', '>', now)
		.where('createdAt', '>', oldest)
		.orderBy('lastSeenAt', 'desc')
		.orderBy('id')
);

/** Somebody makes a call now. */
const noteSeen = gather(async (db, userIds) => {
	await noteAllSeen(db, userIds);
	return new Map<string, never>();
});

/** These people make calls, or have closed their last page. */
export async function noteAllSeen(db: Db, userIds: string[]): Promise<void> {
	if (userIds.length === 0) return;
	// Locked in one order, as by everybody who holds several.
	await sql`
		update account set last_seen_at = ${new Date()}
		from (select id from account where id in ${idsIn(userIds)} order by id for no key update) as one
		where account.id = one.id`.execute(db);
}

/** Which of these sessions, given by their hashes, are still good: one query for any number of them. */
export async function listLiveSessions(db: Db, ids: string[]): Promise<Set<string>> {
	if (ids.length === 0) return new Set();
	const rows = await db
		.selectFrom('session')
		.innerJoin('account', 'account.id', 'session.userId')
		.select('session.id')
		.where('session.id', 'in', textsIn(ids))
		.where('session.expiresAt', '>', new Date())
		.where('session.createdAt', '>', oldestStart())
		.where('account.status', '=', 'active')
		.execute();
	return new Set(rows.map(({ id }) => id));
}

/** Ends one session and closes its sockets; the person's other pages are told. */
export async function endSession(db: Db, sessionId: string, userId: string): Promise<void> {
	await lucia(db).invalidateSession(sessionId);
	await signal(db, { kind: 'ended', room: `session:${sessionId}` });
	await signal(db, { kind: 'account', userId });
}

/** Ends all sessions of a person but one, and closes their sockets. */
export async function endOtherSessions(db: Db, userId: string, keptId: string): Promise<void> {
	for (const { id } of await listSessions(db, userId)) {
		if (id !== keptId) await endSession(db, id, userId);
	}
}

/** Ends all sessions of a person and closes their sockets. */
export async function endSessions(db: Db, userId: string): Promise<void> {
	await lucia(db).invalidateUserSessions(userId);
	await signal(db, { kind: 'ended', room: `user:${userId}` });
}

/** Removes what has expired; a matter of tidiness, since expired sessions are refused anyway. */
export async function deleteExpiredSessions(db: Db): Promise<void> {
	await lucia(db).deleteExpiredSessions();
}

/** The cookie's name and attributes. `__Host-` binds it to this host, which browsers grant on https alone. */
export function sessionCookie(origin: string) {
	const isSecure = origin.startsWith('https:');
	return {
		name: isSecure ? '__Host-portico' : 'portico',
		options: {
			path: '/',
			httpOnly: true,
			secure: isSecure,
			sameSite: 'Lax',
			// The database decides when a session is over; the cookie only has to outlive it.
			maxAge: absoluteDays * 86_400
		} as const
	};
}
