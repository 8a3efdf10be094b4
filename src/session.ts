import { Lucia, TimeSpan, type Adapter } from 'lucia';
import { createToken, hashToken } from './tokens.ts';
import { signal } from './outbox.ts';
import type { Db } from './database.ts';

/**
 * Sessions. Lucia 3 is no longer developed, so nothing of it leaves this file. It is given hashes only: the cookie
 * holds the token, the database its SHA-256.
 */
declare module 'lucia' {
	interface Register {
		Lucia: ReturnType<typeof lucia>;
		DatabaseUserAttributes: Omit<SessionUser, 'id'>;
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

const oldestStart = () => new Date(Date.now() - absoluteDays * 86_400_000);

function adapter(db: Db): Adapter {
	return {
		async getSessionAndUser(sessionId) {
			const row = await db
				.selectFrom('session')
				.innerJoin('account', 'account.id', 'session.userId')
				.select([
					'session.id as sessionId',
					'session.userId',
					'session.expiresAt',
					'account.email',
					'account.firstName',
					'account.lastName',
					'account.isPortalAdmin',
					'account.emailVerifiedAt',
					'account.createdAt',
					'account.lastSeenAt'
				])
				.where('session.id', '=', sessionId)
				.where('session.createdAt', '>', oldestStart())
				.where('account.status', '=', 'active')
				.executeTakeFirst();
			if (!row) return [null, null];
			const { sessionId: id, userId, expiresAt, emailVerifiedAt, ...user } = row;
			return [
				{ id, userId, expiresAt, attributes: {} },
				{ id: userId, attributes: { ...user, isEmailVerified: emailVerifiedAt !== null } }
			];
		},
		async getUserSessions(userId) {
			const rows = await db.selectFrom('session').selectAll().where('userId', '=', userId).execute();
			return rows.map(({ id, expiresAt }) => ({ id, userId, expiresAt, attributes: {} }));
		},
		async setSession({ id, userId, expiresAt }) {
			await db.insertInto('session').values({ id, userId, expiresAt }).execute();
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

function lucia(db: Db) {
	return new Lucia(adapter(db), {
		sessionExpiresIn: new TimeSpan(slidingDays, 'd'),
		getUserAttributes: (attributes) => attributes
	});
}

/** Starts a session and returns the token for the cookie; it exists nowhere else. */
export async function createSession(db: Db, userId: string): Promise<string> {
	const token = createToken();
	await lucia(db).createSession(userId, {}, { sessionId: hashToken(token) });
	return token;
}

/** The session of a cookie's token, or null when it is over or was never one. */
export async function findSession(db: Db, token: string): Promise<Session | null> {
	const { session, user } = await lucia(db).validateSession(hashToken(token));
	if (!session) return null;
	if (!user.lastSeenAt || user.lastSeenAt.getTime() < Date.now() - lastSeenSeconds * 1000) {
		await db.updateTable('account').set({ lastSeenAt: new Date() }).where('id', '=', user.id).execute();
	}
	return { id: session.id, user };
}

/** Which of these sessions, given by their hashes, are still good: one query for any number of them. */
export async function listLiveSessions(db: Db, ids: string[]): Promise<Set<string>> {
	const rows = await db
		.selectFrom('session')
		.innerJoin('account', 'account.id', 'session.userId')
		.select('session.id')
		.where('session.id', 'in', ids)
		.where('session.expiresAt', '>', new Date())
		.where('session.createdAt', '>', oldestStart())
		.where('account.status', '=', 'active')
		.execute();
	return new Set(rows.map(({ id }) => id));
}

/** Ends one session and closes its sockets. */
export async function endSession(db: Db, sessionId: string): Promise<void> {
	await lucia(db).invalidateSession(sessionId);
	await signal(db, { kind: 'ended', room: `session:${sessionId}` });
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
