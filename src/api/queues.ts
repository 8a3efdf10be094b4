import type { Db } from '../database/database.ts';
import { inTurn, isTaken } from '../database/turns.ts';
import type { SessionUser } from '../identity/sessions.ts';
import { findMembership } from './grants.ts';
import { notFound } from './refusals.ts';

/** Behind whom a call waits before it takes a connection to the database. */

/**
 * How many calls of one person, network or organization read at once: the connections are everybody's. What changes an
 * organization goes one by one, since each call would wait for the same row; what a person changes likewise.
 */
const readersAtOnce = 4;

interface Caller {
	db: Db;
	address: string;
	session: { user: SessionUser } | null;
}

export function inTurnOfCaller<Result>(
	ctx: Caller,
	type: string,
	run: () => Promise<Result>
): Promise<Result> {
	if (!ctx.session) return inTurn(`address:${ctx.address}`, readersAtOnce, run);
	const { id } = ctx.session.user;
	return inTurn(`user:${id}:${type}`, type === 'mutation' ? 1 : readersAtOnce, run);
}

/** Waits behind the other changes of the organization. Whoever may not change it is refused before. */
export const inTurnOf = <Result>(organizationId: string, run: () => Promise<Result>) =>
	inTurn(`organization:${organizationId}`, 1, run);

/** In turn with what else the person reads, and with the organization's other readers. */
export function inTurnOfReader<Result>(
	ctx: Caller & { user: SessionUser },
	organizationId: string,
	run: () => Promise<Result>
): Promise<Result> {
	const key = `organization:${organizationId}:reading`;
	return inTurnOfCaller(ctx, 'query', async () => {
		if (isTaken(key)) await refuseStranger(ctx.db, ctx.user, organizationId);
		return inTurn(key, readersAtOnce, run);
	});
}

/** As {@link inTurnOf}, for members. */
export async function inTurnOfMember<Result>(
	db: Db,
	user: SessionUser,
	organizationId: string,
	run: () => Promise<Result>
): Promise<Result> {
	if (isTaken(`organization:${organizationId}`)) await refuseStranger(db, user, organizationId);
	return inTurnOf(organizationId, run);
}

/** How long somebody may wait as a member after they were seen to be one, in milliseconds; what they may do is asked anew. */
const knownFor = 60_000;
const knownAtMost = 10_000;
/** Until when, by person and organization. */
const known = new Map<string, number>();

/**
 * A stranger waits for nobody, so that no crowd of them holds up the members.
 * @throws {Refusal} NOT_FOUND.
 */
async function refuseStranger(db: Db, user: SessionUser, organizationId: string): Promise<void> {
	const key = `${user.id} ${organizationId}`;
	const now = performance.now();
	if ((known.get(key) ?? 0) > now) return;
	if (!(await findMembership['organization.id'](db, key))) throw notFound();
	// In the order in which they were let in, so that the first is the oldest.
	known.delete(key);
	const [oldest] = known.size >= knownAtMost ? known.keys() : [];
	if (oldest !== undefined) known.delete(oldest);
	known.set(key, now + knownFor);
}
