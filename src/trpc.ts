import { initTRPC, TRPCError } from '@trpc/server';
import { z } from 'zod';
import type { Logger } from 'pino';
import { can, rules, type ProcedurePath } from '#lib/policy.ts';
import { fullName, type Role } from '#lib/views.ts';
import type { Actor } from '#lib/events.ts';
import type { Db, Trx } from './database.ts';
import type { Env } from './env.ts';
import type { Outbox } from './outbox.ts';
import type { Session, SessionUser } from './session.ts';
import type { Vault } from './vault.ts';

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
	/** The browser that asks, and the token of its long-lived cookie if it has one: see devices.ts. */
	device: { label: string; token: string | null };
	/** Sets or, with null, clears the session cookie of the response. */
	setSessionToken: (token: string | null) => void;
	setDeviceToken: (token: string) => void;
}

type RefusalCode =
	'BAD_REQUEST' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'CONFLICT' | 'TOO_MANY_REQUESTS';

/** A refusal on purpose: the only errors whose words reach a client. */
export class Refusal extends TRPCError {
	readonly reason: string;
	readonly fields: Record<string, string>;

	constructor(code: RefusalCode, reason: string, message: string, fields: Record<string, string> = {}) {
		super({ code, message });
		this.reason = reason;
		this.fields = fields;
	}
}

/** An input error at one field, in words. */
export function fieldRefusal(field: string, reason: string, message: string): Refusal {
	return new Refusal(reason === 'INVALID' ? 'BAD_REQUEST' : 'CONFLICT', reason, message, {
		[field]: message
	});
}

export const notFound = () => new Refusal('NOT_FOUND', 'NOT_FOUND', 'This was not found.');

const t = initTRPC.context<Context>().create({
	errorFormatter({ shape, error, ctx }) {
		const common = {
			code: shape.data.code,
			httpStatus: shape.data.httpStatus,
			requestId: ctx?.requestId ?? ''
		};
		if (error instanceof Refusal) {
			return { ...shape, data: { ...common, reason: error.reason, fields: error.fields } };
		}
		if (error.code === 'BAD_REQUEST' && error.cause instanceof z.ZodError) {
			const fields: Record<string, string> = {};
			for (const { path, message } of error.cause.issues) fields[path.join('.')] ??= message;
			const message = Object.values(fields)[0] ?? 'The input is not right.';
			return { ...shape, message, data: { ...common, reason: 'INVALID', fields } };
		}
		// tRPC's own refusals (no such procedure, wrong method, unreadable body) need no detail; ours must not leak any.
		const message =
			common.httpStatus >= 500 ? 'Something went wrong on our side.' : 'The request could not be understood.';
		return {
			...shape,
			message,
			data: { ...common, reason: common.code, fields: {} as Record<string, string> }
		};
	}
});

export const { router, mergeRouters } = t;
export const createCallerFactory = t.createCallerFactory;

/** A procedure without a row in the policy is refused, whoever calls. */
const base = t.procedure.use(({ path, next }) => {
	if (!rules[path]) throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: `${path} has no policy` });
	return next();
});

const anyoneProcedure = base.use(({ path, next }) => {
	if (rules[path]?.who !== 'anyone') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
	return next();
});

const signedInProcedure = base.use(({ ctx, next }) => {
	if (!ctx.session) throw new Refusal('UNAUTHORIZED', 'SIGN_IN', 'Sign in to go on.');
	return next({ ctx: { session: ctx.session, user: ctx.session.user } });
});

/** For everybody, with or without a session. Such a procedure opens the transactions that it needs itself. */
export function publicProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return anyoneProcedure.input(z.strictObject(shape));
}

/** For any signed-in person. */
export function userProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return signedInProcedure.input(z.strictObject(shape)).use(({ ctx, path, type, next }) => {
		if (rules[path]?.who !== 'user') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
		const actor = actorOf(ctx.user, 'developer');
		return inTransaction(ctx.db, type, (db) => next({ ctx: { db, actor } }));
	});
}

/** As {@link userProcedure}, for what hashes a password first: it opens the transactions that it needs itself. */
export function personProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return signedInProcedure.input(z.strictObject(shape)).use(({ ctx, path, next }) => {
		if (rules[path]?.who !== 'user') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
		return next({ ctx: { actor: actorOf(ctx.user, 'developer') } });
	});
}

/** For portal admins. */
export function adminProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return signedInProcedure.input(z.strictObject(shape)).use(({ ctx, path, type, next }) => {
		if (rules[path]?.who !== 'admin') throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR' });
		if (!ctx.user.isPortalAdmin) {
			throw new Refusal('FORBIDDEN', 'FORBIDDEN', 'Only the portal’s own team can do this.');
		}
		const actor = actorOf(ctx.user, 'admin');
		return inTransaction(ctx.db, type, (db) => next({ ctx: { db, actor } }));
	});
}

/**
 * For members of the organization that the input names. A mutation holds the lock of the organization's row, so that
 * whatever it reads of members and roles stays true until the commit.
 *
 * A stranger is told NOT_FOUND, a member whom the policy refuses FORBIDDEN.
 */
export function organizationProcedure<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
	return signedInProcedure
		.input(z.strictObject({ organizationId: z.uuid(), ...shape }))
		.use(({ ctx, input, path, type, next }) => {
			const { organizationId } = input as { organizationId: string };
			return inTransaction(ctx.db, type, async (db) =>
				next({ ctx: await grant(db, ctx.user, { path, type }, 'organization.id', organizationId) })
			);
		});
}

/** As {@link organizationProcedure}, for a page that knows the organization by its slug. */
export function slugProcedure() {
	return signedInProcedure
		.input(z.strictObject({ slug: z.string().max(100) }))
		.use(({ ctx, input, path, type, next }) =>
			inTransaction(ctx.db, type, async (db) =>
				next({ ctx: await grant(db, ctx.user, { path, type }, 'organization.slug', input.slug) })
			)
		);
}

/** What a member's call may work with; thrown as a refusal when the policy says no. */
async function grant(
	db: Trx,
	user: SessionUser,
	{ path, type }: { path: string; type: string },
	column: 'organization.id' | 'organization.slug',
	value: string
) {
	if (type === 'mutation') {
		// The lock first and in a statement of its own: the role read after it is the one that it protects. Only a
		// member gets it, so that a stranger can't hold up an organization.
		await db
			.selectFrom('organization')
			.select('organization.id')
			.where(column, '=', value)
			.where((eb) =>
				eb.exists(
					eb
						.selectFrom('membership')
						.select('membership.id')
						.whereRef('membership.organizationId', '=', 'organization.id')
						.where('membership.userId', '=', user.id)
				)
			)
			.forUpdate()
			.execute();
	}
	const row = await db
		.selectFrom('organization')
		.innerJoin('membership', 'membership.organizationId', 'organization.id')
		// Deactivated while the call waited for the lock: no longer somebody who may act here.
		.innerJoin('account', 'account.id', 'membership.userId')
		.selectAll('organization')
		.select([
			'membership.id as membershipId',
			'membership.role',
			'membership.firstName',
			'membership.lastName'
		])
		.where(column, '=', value)
		.where('membership.userId', '=', user.id)
		.where('account.status', '=', 'active')
		.where('organization.status', '!=', 'withdrawn')
		.executeTakeFirst();
	if (!row) throw notFound();
	const { membershipId, role, firstName, lastName, ...organization } = row;
	if (!can(path as ProcedurePath, { role, organization })) throw refusalFor(role, organization, path);
	return {
		db,
		organization,
		membership: { id: membershipId, role, firstName, lastName },
		actor: {
			id: user.id,
			name: fullName({ firstName, lastName, email: user.email }),
			kind: 'developer'
		} as Actor
	};
}

function refusalFor(role: Role, organization: { status: string; name: string }, path: string): Refusal {
	const rule = rules[path];
	if (rule?.who === 'member' && !rule.statuses.some((one) => one === organization.status)) {
		return new Refusal(
			'FORBIDDEN',
			`ORGANIZATION_${organization.status.toUpperCase()}`,
			`${organization.name} is ${organization.status}: this can’t be done now.`
		);
	}
	return new Refusal(
		'FORBIDDEN',
		'FORBIDDEN',
		role === 'super_admin'
			? 'This can’t be done here.'
			: 'Only a Super admin of the organization can do this.'
	);
}

/**
 * Runs one call in one transaction: a mutation can be rolled back as a whole, a query sees one state of the database.
 * tRPC's next() reports an error instead of throwing it; only a throw rolls the transaction back.
 */
async function inTransaction<Result extends { ok: boolean }>(
	db: Db,
	type: string,
	run: (trx: Trx) => Promise<Result>
): Promise<Result> {
	const transaction =
		type === 'mutation'
			? db.transaction()
			: db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
	let failed: Result | undefined;
	try {
		return await transaction.execute(async (trx) => {
			const result = await run(trx);
			if (result.ok) return result;
			failed = result;
			throw new Error('rolled back');
		});
	} catch (error) {
		if (failed) return failed;
		throw error;
	}
}

export function actorOf(user: SessionUser, kind: Actor['kind']): Actor {
	return { id: user.id, name: fullName(user), kind };
}

/** The portal itself as the one who did it. */
export const system: Actor = { id: null, name: 'Portico', kind: 'system' };
