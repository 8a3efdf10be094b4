import { initTRPC, TRPCError } from '@trpc/server';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import { z } from 'zod';
import type { Logger } from 'pino';
import { inputOf } from '#lib/fields.ts';
import { waitInWords } from '#lib/dates.ts';
import { rules, type ProcedurePath } from '#lib/policy.ts';
import { text } from '#lib/schema.ts';
import type { Actor } from '#lib/events.ts';
import { spend, spendAsMember } from './budget.ts';
import { isGone, isUnfitData, type Db, type Trx } from '../database/database.ts';
import type { Env } from '../env.ts';
import { calls, callSeconds } from '../metrics.ts';
import { limitFailures } from './limits.ts';
import type { Outbox } from '../mail/outbox.ts';
import { actorOf, grant, lockAsMember, lockProof } from './grants.ts';
import type { Session, SessionUser } from '../identity/sessions.ts';
import { Refusal, refusalOfOutage, tooMany } from './refusals.ts';
import { inTransaction, isUnavailable } from '../database/transaction.ts';
import { inTurnOf, inTurnOfCaller, inTurnOfMember, inTurnOfReader } from './queues.ts';
import type { Vault } from '../vault/vault.ts';
import type { publish } from '../news/publish.ts';

/** What every call has: the parts of the process, and what is particular to the request. */
export interface Context {
	db: Db;
	/** Not `env`: under that name the HTTP adapter puts its own. */
	config: Env;
	vault: Vault;
	outbox: Outbox;
	log: Logger;
	requestId: string;
	/** The network address that limits count by. */
	address: string;
	session: Session | null;
	/** The account that the calling page was drawn for, where it says so. */
	drawnFor: string | null;
	/** The browser that asks, and the token of its long-lived cookie if it has one: see identity/devices.ts. */
	device: { label: string; token: string | null };
	/** Sets or, with null, clears the session cookie of the response. */
	setSessionToken: (token: string | null) => void;
	setDeviceToken: (token: string) => void;
}

/** What a change needs that tells of itself, by an event and by e-mails. */
export type WritingContext = Pick<Context, 'config' | 'outbox'> & Parameters<typeof publish>[0];

const t = initTRPC.context<Context>().create({
	errorFormatter({ shape, error, ctx }) {
		const common = {
			code: shape.data.code,
			httpStatus: shape.data.httpStatus,
			requestId: ctx?.requestId ?? '',
			retryAfter: error instanceof Refusal ? error.retryAfter : null
		};
		if (error instanceof Refusal) {
			const { reason, fields, now } = error;
			return { ...shape, data: { ...common, reason, fields, now } };
		}
		if (error.code === 'BAD_REQUEST' && error.cause instanceof z.ZodError) {
			const fields: Record<string, string> = {};
			for (const { path, message } of error.cause.issues) fields[path.join('.')] ??= message;
			const message = Object.values(fields)[0] ?? 'The input is not right.';
			return { ...shape, message, data: { ...common, reason: 'INVALID', fields, now: {} } };
		}
		// tRPC's own refusals (no such procedure, wrong method, unreadable body) need no detail; ours must not leak any.
		const message =
			common.httpStatus >= 500 ? 'Something went wrong on our side.' : 'The request could not be understood.';
		return {
			...shape,
			message,
			data: { ...common, reason: common.code, fields: {} as Record<string, string>, now: {} }
		};
	}
});

export const { router, mergeRouters } = t;
export const createCallerFactory = t.createCallerFactory;

/** Counts what was answered; a path that comes this far is one of the router's. */
const counted = t.procedure.use(async ({ path, next }) => {
	const began = performance.now();
	const result = await next();
	calls.inc({ path, status: result.ok ? 200 : getHTTPStatusCodeFromError(result.error) });
	callSeconds.observe({ path }, (performance.now() - began) / 1000);
	return result;
});

/** A procedure without a row in the policy is refused, whoever calls. */
const base = counted.use(async ({ ctx, path, next }) => {
	if (!rules[path]) throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: `${path} has no policy` });
	const result = await next();
	if (result.ok) return result;
	const { cause } = result.error;
	if (isUnavailable(cause)) throw refusalOfOutage(cause);
	// Something that the call had looked up went away before it was done.
	if (isGone(cause)) throw new Refusal('CONFLICT', 'GONE', 'This is no longer there. Load the page again.');
	if (!isUnfitData(cause)) return result;
	// No value of the input should come this far: in the log, for whoever mends the schema.
	ctx.log.warn({ path, requestId: ctx.requestId, code: cause.code }, 'the database refused a value');
	throw new Refusal('BAD_REQUEST', 'INVALID', 'The input is not right.');
});

/**
 * What a call works with: a change with one transaction, so that it can be rolled back as a whole, a question with the
 * database itself. Several answers that must agree are put together by {@link ofOneMoment}.
 */
function working<Result extends { ok: boolean }>(
	db: Db,
	type: string,
	run: (db: Trx) => Promise<Result>
): Promise<Result> {
	// A question writes nothing, which alone would need the transaction that the type promises.
	return type === 'mutation' ? inTransaction(db, run) : run(db as Trx);
}

/** For a question that is answered from several places: all of them as they are at one moment. */
export const ofOneMoment = t.middleware(({ ctx, next }) =>
	inTransaction(ctx.db, (db) => next({ ctx: { db } }), true)
);

const anyoneProcedure = base.use(({ ctx, path, type, next }) => {
	if (rules[path]?.who !== 'anyone') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
	return inTurnOfCaller(ctx, type, next);
});

/** What tells whether a name is taken, that of a company which may be no customer in public. */
const guessing: ReadonlySet<string> = new Set<ProcedurePath>([
	'organizations.request',
	'organizations.rename',
	'organizations.requestAgain'
]);
const guessesOf = (accountId: string) => ({ key: `guess:name:${accountId}`, max: 20, seconds: 3600 });

const signedInProcedure = base.use(async ({ ctx, path, type, next }) => {
	if (!ctx.session) throw new Refusal('UNAUTHORIZED', 'SIGN_IN', 'Sign in to go on.');
	const { user } = ctx.session;
	if (type === 'mutation' && ctx.drawnFor !== null && ctx.drawnFor !== user.id) {
		const words = `You are signed in as ${user.email} by now, and this page was another account’s. Load it again.`;
		throw new Refusal('CONFLICT', 'OTHER_ACCOUNT', words);
	}
	const go = () => next({ ctx: { session: ctx.session as Session, user } });
	if (!guessing.has(path) || user.isPortalAdmin) return go();
	const goOrThrow = async () => {
		const result = await go();
		if (result.ok) return result;
		throw result.error;
	};
	const isTakenName = (error: unknown) => error instanceof Refusal && error.reason === 'TAKEN';
	return limitFailures(ctx.db, [guessesOf(user.id)], goOrThrow, isTakenName);
});

/** For everybody, with or without a session. Such a procedure opens the transactions that it needs itself. */
export function publicProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return anyoneProcedure.input(inputOf(shape));
}

/** Refuses what is more than the budgets hold, before any lock is taken. */
async function spendBudgets(
	ctx: Context & { user: SessionUser },
	type: string,
	{ isAdmin = false, organizationId, cost = 1 }: { isAdmin?: boolean; organizationId?: string; cost?: number }
): Promise<void> {
	if (type !== 'mutation') return;
	const { db, user } = ctx;
	const wait =
		(await spend(db, { kind: isAdmin ? 'admin' : 'person', id: user.id }, cost)) ??
		(organizationId === undefined ? null : await spendAsMember(db, organizationId, user.id, cost));
	if (wait !== null) throw tooMany(`That was too much at once. Try again in ${waitInWords(wait)}.`, wait);
}

/** For any signed-in person. */
export function userProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return signedInProcedure.input(inputOf(shape)).use(async ({ ctx, path, type, next }) => {
		if (rules[path]?.who !== 'user') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
		await spendBudgets(ctx, type, {});
		const actor = actorOf(ctx.user, 'developer');
		return inTurnOfCaller(ctx, type, () => working(ctx.db, type, (db) => next({ ctx: { db, actor } })));
	});
}

/**
 * For a signed-in person whose address is proven: what is asked for in a company's name is asked for by somebody who can
 * be written to. Holds the account, so that two calls of one person wait for each other; `isProven` is false where the
 * portal sends no e-mail and nobody can prove anything.
 */
export function verifiedProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return signedInProcedure.input(inputOf(shape)).use(async ({ ctx, path, type, next }) => {
		if (rules[path]?.who !== 'verified') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
		await spendBudgets(ctx, type, {});
		const actor = actorOf(ctx.user, 'developer');
		return inTurnOfCaller(ctx, type, () =>
			inTransaction(ctx.db, async (db) => {
				const isProven = await lockProof(ctx, db, ctx.user.id);
				return next({ ctx: { db, actor, isProven } });
			})
		);
	});
}

/** As {@link userProcedure}, for what hashes a password first: it opens the transactions that it needs itself. */
export function personProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return signedInProcedure.input(inputOf(shape)).use(async ({ ctx, path, type, next }) => {
		if (rules[path]?.who !== 'user') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
		await spendBudgets(ctx, type, {});
		return inTurnOfCaller(ctx, type, () => next({ ctx: { actor: actorOf(ctx.user, 'developer') } }));
	});
}

/**
 * For portal admins.
 *
 * @param isFree for what takes long: it holds neither a turn nor a transaction, and opens those that it needs itself.
 */
export function adminProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape, isFree = false) {
	return signedInProcedure.input(inputOf(shape)).use(async ({ ctx, input, path, type, next }) => {
		if (rules[path]?.who !== 'admin') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
		if (!ctx.user.isPortalAdmin) {
			throw new Refusal('FORBIDDEN', 'FORBIDDEN', 'Only the portal’s own team can do this.');
		}
		await spendBudgets(ctx, type, { isAdmin: true });
		const actor = actorOf(ctx.user, 'admin');
		if (isFree) return next({ ctx: { db: ctx.db as Trx, actor } });
		const { organizationId } = input as { organizationId?: string };
		const run = () => working(ctx.db, type, (db) => next({ ctx: { db, actor } }));
		const isChange = type === 'mutation' && organizationId !== undefined;
		return isChange ? inTurnOf(organizationId, run) : inTurnOfCaller(ctx, type, run);
	});
}

/**
 * For members of the organization that the input names. A mutation holds the lock of the organization's row, so that
 * whatever it reads of members and roles stays true until the commit.
 *
 * A stranger is told NOT_FOUND, a member whom the policy refuses FORBIDDEN.
 *
 * @param costOf how many changes a call makes, for what makes many.
 */
export function organizationProcedure<Shape extends z.core.$ZodLooseShape>(
	shape: Shape,
	costOf: (input: z.output<z.ZodObject<Shape, z.core.$strict>>) => number = () => 1
) {
	return signedInProcedure
		.input(inputOf({ organizationId: z.uuid(), ...shape }))
		.use(async ({ ctx, input, path, type, next }) => {
			const { organizationId } = input as { organizationId: string };
			await spendBudgets(ctx, type, { organizationId, cost: costOf(input as never) });
			const run = () =>
				working(ctx.db, type, async (db) =>
					next({ ctx: await grant(db, ctx, { path, type }, 'organization.id', organizationId) })
				);
			return type === 'mutation'
				? inTurnOfMember(ctx.db, ctx.user, organizationId, run)
				: inTurnOfReader(ctx, organizationId, run);
		});
}

/**
 * As {@link organizationProcedure}, for what goes from one organization into another, `targetId`. Holds both, in the order
 * of their ids, so that two such calls never wait for each other; `ctx.target` is what the call may work with there. The
 * policy is asked for the call's own path here, and for `pathThere` there.
 */
export function transferProcedure<Shape extends z.core.$ZodLooseShape>(
	shape: Shape,
	pathThere: ProcedurePath
) {
	return signedInProcedure
		.input(z.strictObject({ organizationId: z.uuid(), targetId: z.uuid(), ...shape }))
		.use(async ({ ctx, input, path, type, next }) => {
			const { organizationId, targetId } = input as { organizationId: string; targetId: string };
			const ids = [...new Set([organizationId, targetId])].sort();
			for (const id of ids) await spendBudgets(ctx, type, { organizationId: id });
			const run = () =>
				working(ctx.db, type, async (db) => {
					await lockAsMember(db, ctx.user.id, 'organization.id', ids);
					// Held by now: what is read of them is read as by a question.
					const asking = (path: string, id: string) =>
						grant(db, ctx, { path, type: 'query' }, 'organization.id', id);
					const [here, target] = [await asking(path, organizationId), await asking(pathThere, targetId)];
					return next({ ctx: { ...here, target } });
				});
			return ids.reduceRight((then, id) => () => inTurnOfMember(ctx.db, ctx.user, id, then), run)();
		});
}

/**
 * As {@link organizationProcedure}, for a question that is asked together with others of its kind: a thousand members who
 * ask take no more connections than one, so that none waits for the organization's other readers.
 */
export function gatheredProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return signedInProcedure
		.input(inputOf({ organizationId: z.uuid(), ...shape }))
		.use(({ ctx, input, path, type, next }) =>
			inTurnOfCaller(ctx, type, async () => {
				const { organizationId } = input as { organizationId: string };
				return next({
					ctx: await grant(ctx.db as Trx, ctx, { path, type }, 'organization.id', organizationId)
				});
			})
		);
}

/** As {@link gatheredProcedure}, for a page that knows the organization by its slug. */
export function slugProcedure() {
	return signedInProcedure
		.input(z.strictObject({ slug: text(100) }))
		.use(({ ctx, input, path, type, next }) =>
			inTurnOfCaller(ctx, type, async () =>
				next({ ctx: await grant(ctx.db as Trx, ctx, { path, type }, 'organization.slug', input.slug) })
			)
		);
}

/** The portal itself as the one who did it. */
export const system: Actor = { id: null, name: 'Portico', kind: 'system' };
