import { sql } from 'kysely';
import type { Actor } from '#lib/events.ts';
import { can, rules, type ProcedurePath } from '#lib/policy.ts';
import { fullName, type Role } from '#lib/views.ts';
import { sendAhead } from '../database/ahead.ts';
import { compileOnce } from '../database/compiled.ts';
import type { Db, Trx } from '../database/database.ts';
import { gather } from '../database/gathering.ts';
import { findProof, type ProofParts } from './proofs.ts';
import { notFound, Refusal } from './refusals.ts';
import type { SessionUser } from '../identity/sessions.ts';

/** What the policy makes of a call, with the rows that its decision depends on held until the commit. */

/** By which a call names the organization. */
type Column = 'organization.id' | 'organization.slug';

export function actorOf(user: SessionUser, kind: Actor['kind']): Actor {
	return { id: user.id, name: fullName(user), kind };
}

/** Holds the account; see {@link findProof}. @throws {Refusal} FORBIDDEN where a proof is missing. */
export async function lockProof(ctx: ProofParts, db: Trx, userId: string): Promise<boolean> {
	await db.selectFrom('account').select('id').where('id', '=', userId).forNoKeyUpdate().execute();
	const proof = await findProof(ctx, db, userId);
	if (proof === null) throw new Refusal('UNAUTHORIZED', 'SIGN_IN', 'Sign in to go on.');
	if (proof !== 'missing') return proof === 'given';
	throw new Refusal('FORBIDDEN', 'UNVERIFIED', 'Confirm your address first: we have sent you a link.');
}

/** The memberships of these people in the organizations that are called so, pair by pair. */
const selectMemberships = (db: Db, column: Column, userIds: string[], names: string[]) =>
	db
		.selectFrom(
			sql<{ userId: string; name: string }>`unnest(${userIds}::uuid[], ${names}::text[])`.as<'asked'>(
				sql`asked (user_id, name)`
			)
		)
		.innerJoin('organization', (join) =>
			column === 'organization.id'
				? join.on('organization.id', '=', sql<string>`asked.name::uuid`)
				: join.onRef('organization.slug', '=', 'asked.name')
		)
		.innerJoin('membership', (join) =>
			join
				.onRef('membership.organizationId', '=', 'organization.id')
				.onRef('membership.userId', '=', 'asked.userId')
		)
		// Deactivated while the call waited for the lock: no longer somebody who may act here.
		.innerJoin('account', 'account.id', 'membership.userId')
		.selectAll('organization')
		.select([
			'asked.userId',
			'asked.name as askedName',
			'membership.id as membershipId',
			'membership.role',
			'membership.firstName',
			'membership.lastName',
			'membership.joinedAt'
		])
		.where('account.status', '=', 'active')
		.where('organization.status', '!=', 'withdrawn');
const memberships = {
	'organization.id': compileOnce((db: Db, userIds: string[], ids: string[]) =>
		selectMemberships(db, 'organization.id', userIds, ids)
	),
	'organization.slug': compileOnce((db: Db, userIds: string[], slugs: string[]) =>
		selectMemberships(db, 'organization.slug', userIds, slugs)
	)
};

/** By a person's id and, after a space, what the organization is called by. Several who ask at once are asked for together. */
const gatherMemberships = (column: Column) =>
	gather(async (db, keys) => {
		const asked = keys.map(
			(key) => [key.slice(0, key.indexOf(' ')), key.slice(key.indexOf(' ') + 1)] as const
		);
		const rows = await memberships[column](
			db,
			asked.map(([userId]) => userId),
			asked.map(([, name]) => name)
		);
		return new Map(rows.map((row) => [`${row.userId} ${row.askedName}`, row]));
	});
export const findMembership = {
	'organization.id': gatherMemberships('organization.id'),
	'organization.slug': gatherMemberships('organization.slug')
};

/** Holds organizations, several by id. Only a member gets them, so that a stranger can't hold up an organization. */
export async function lockAsMember(db: Trx, userId: string, column: Column, values: string[]): Promise<void> {
	const held = db
		.selectFrom('organization')
		.select('organization.id')
		.where(column, 'in', values)
		.where((eb) =>
			eb.exists(
				eb
					.selectFrom('membership')
					.select('membership.id')
					.whereRef('membership.organizationId', '=', 'organization.id')
					.where('membership.userId', '=', userId)
			)
		)
		.orderBy('organization.id')
		.forUpdate();
	await sendAhead(db, held);
}

/** Holds an organization, for what is done in nobody's name or by somebody who isn't a member yet. */
export async function holdOrganization(db: Trx, id: string): Promise<void> {
	await sendAhead(db, db.selectFrom('organization').select('id').where('id', '=', id).forUpdate());
}

/** As {@link holdOrganization}, where what it is called is needed too. */
export const lockOrganization = (db: Trx, id: string) =>
	db
		.selectFrom('organization')
		.select(['id', 'isPersonal', 'name', 'slug'])
		.where('id', '=', id)
		.forUpdate()
		.executeTakeFirst();

/** What a member's call may work with; thrown as a refusal when the policy says no. */
export async function grant(
	db: Trx,
	ctx: ProofParts & { user: SessionUser },
	{ path, type }: { path: string; type: string },
	column: Column,
	value: string
) {
	const { user } = ctx;
	if (type === 'mutation') {
		// The lock first and in a statement of its own, if in one write: the role read after it is the one that it protects.
		await lockAsMember(db, user.id, column, [value]);
	}
	const row = await findMembership[column](db, `${user.id} ${value}`);
	if (!row) throw notFound();
	const {
		userId: _,
		askedName: __,
		membershipId,
		role,
		firstName,
		lastName,
		joinedAt,
		...organization
	} = row;
	if (!can(path as ProcedurePath, { role, organization })) throw refusalFor(role, organization, path);
	const rule = rules[path];
	const isProven = rule?.who === 'member' && rule.isVerifiedOnly ? await lockProof(ctx, db, user.id) : true;
	return {
		db,
		isProven,
		organization,
		membership: { id: membershipId, role, firstName, lastName, joinedAt },
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
