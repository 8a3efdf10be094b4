import { sql, type SqlBool } from 'kysely';
import { z } from 'zod';
import { credentialLabel } from '#lib/fields.ts';
import { moment } from '#lib/schema.ts';
import { credentialState, fullName, type Credential, type ExposedCredential } from '#lib/views.ts';
import { isoOf, type Db, type Trx } from '../database.ts';
import { publish } from '../outbox.ts';
import { fieldRefusal, notFound, organizationProcedure, Refusal, router, type Context } from '../trpc.ts';
import { createKey, keyPrefix } from '../vault.ts';

/** How many credentials of an application work at once, with those that were replaced and have their last hours. */
const maxActive = 20;
/** For how long the replaced credential goes on working, in seconds. */
const overlaps = [0, 3600, 86_400, 604_800] as const;

function selectCredentials(db: Db) {
	return (
		db
			.selectFrom('credential')
			.leftJoin('account as creator', 'creator.id', 'credential.createdBy')
			// Not the secret: only reveal() reads that.
			.select([
				'credential.id',
				'credential.applicationId',
				'credential.label',
				'credential.lastFour',
				'credential.createdBy',
				'credential.createdAt',
				'credential.expiresAt',
				'credential.revokedAt',
				'creator.firstName',
				'creator.lastName',
				'creator.email'
			])
	);
}

type Row = Awaited<ReturnType<ReturnType<typeof selectCredentials>['executeTakeFirstOrThrow']>>;

function viewOf(row: Row): Credential {
	return {
		id: row.id,
		label: row.label,
		prefix: keyPrefix,
		lastFour: row.lastFour,
		createdBy:
			row.createdBy !== null && row.email !== null
				? {
						id: row.createdBy,
						name: fullName({
							firstName: row.firstName ?? '',
							lastName: row.lastName ?? '',
							email: row.email
						})
					}
				: null,
		createdAt: isoOf(row.createdAt),
		expiresAt: isoOf(row.expiresAt),
		revokedAt: isoOf(row.revokedAt)
	};
}

/** The credentials of each application, newest first. */
export async function listCredentials(db: Db, applicationIds: string[]): Promise<Map<string, Credential[]>> {
	if (applicationIds.length === 0) return new Map();
	const rows = await selectCredentials(db)
		.where('credential.applicationId', 'in', applicationIds)
		.orderBy('credential.createdAt', 'desc')
		.orderBy('credential.id')
		.execute();
	const groups = Map.groupBy(rows, (row) => row.applicationId);
	return new Map([...groups].map(([id, group]) => [id, group.map(viewOf)]));
}

/**
 * Who has revealed or copied which credential, as far as that still works. What was rotated since is dealt with, also
 * while the old secret has its last hours.
 */
function selectSeen(db: Db, organizationId: string) {
	return db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.innerJoin('event', (join) =>
			join
				.onRef('event.organizationId', '=', 'application.organizationId')
				.on('event.name', 'in', ['credential.revealed', 'credential.copied'])
				.on(sql<SqlBool>`event.payload->'credential'->>'id' = credential.id::text`)
		)
		.select([
			'credential.id',
			'credential.label',
			'credential.lastFour',
			'application.id as applicationId',
			'application.name as applicationName'
		])
		.where('application.organizationId', '=', organizationId)
		.where('credential.revokedAt', 'is', null)
		.where('credential.isReplaced', '=', false)
		.where((eb) =>
			eb.or([eb('credential.expiresAt', 'is', null), eb('credential.expiresAt', '>', new Date())])
		)
		.groupBy(['credential.id', 'application.id'])
		.orderBy('application.name')
		.orderBy('credential.label')
		.orderBy('credential.id');
}

/** The credentials that still work and that this person has revealed or copied. */
export const listSeenBy = (db: Db, organizationId: string, userId: string) =>
	selectSeen(db, organizationId)
		.where(sql<SqlBool>`event.actor->>'id' = ${userId}`)
		.execute();

/** The credentials that still work and that somebody has seen who is no longer a member, with their names. */
async function listExposed(db: Db, organizationId: string): Promise<ExposedCredential[]> {
	return selectSeen(db, organizationId)
		.select(
			sql<string[]>`array_agg(distinct event.actor->>'name' order by event.actor->>'name')`.as('people')
		)
		.where((eb) =>
			eb.not(
				eb.exists(
					eb
						.selectFrom('membership')
						.innerJoin('account', 'account.id', 'membership.userId')
						.select('membership.id')
						.where('membership.organizationId', '=', organizationId)
						.where('account.status', '=', 'active')
						.where(sql<SqlBool>`membership.user_id::text = event.actor->>'id'`)
				)
			)
		)
		.execute();
}

/** Writes a new key, encrypted for its own row. Who wants to see it presses "Reveal" like everybody else. */
export async function insertCredential(
	ctx: { db: Trx; vault: Context['vault']; user: { id: string } },
	values: { applicationId: string; label: string; expiresAt: Date | null }
): Promise<Credential> {
	const key = createKey();
	const id = crypto.randomUUID();
	await ctx.db
		.insertInto('credential')
		.values({
			id,
			...values,
			lastFour: key.slice(-4),
			secret: ctx.vault.encrypt(key, `credential:${id}`),
			lookupHash: ctx.vault.lookupHash(key),
			createdBy: ctx.user.id
		})
		.execute();
	return getCredential(ctx.db, id);
}

export const getCredential = async (db: Db, id: string) =>
	viewOf(await selectCredentials(db).where('credential.id', '=', id).executeTakeFirstOrThrow());

/** @throws {Refusal} NOT_FOUND, also for a credential of another application or organization. */
async function getPlace(
	db: Db,
	organizationId: string,
	input: { applicationId: string; credentialId: string }
) {
	const row = await selectCredentials(db)
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.select(['application.name as applicationName', 'credential.secret', 'credential.isReplaced'])
		.where('credential.id', '=', input.credentialId)
		.where('credential.applicationId', '=', input.applicationId)
		.where('application.organizationId', '=', organizationId)
		.executeTakeFirst();
	if (!row) throw notFound();
	const { applicationId, applicationName, secret, isReplaced } = row;
	return { secret, isReplaced, event: { applicationId, applicationName, credential: viewOf(row) } };
}

/** Exact under the lock of the organization's row. */
async function refuseTooMany(db: Db, applicationId: string): Promise<void> {
	const { count } = await db
		.selectFrom('credential')
		.select((eb) => eb.fn.countAll<number>().as('count'))
		.where('applicationId', '=', applicationId)
		.where('revokedAt', 'is', null)
		.where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', new Date())]))
		.executeTakeFirstOrThrow();
	if (Number(count) < maxActive) return;
	throw new Refusal(
		'CONFLICT',
		'TOO_MANY',
		`An application holds up to ${maxActive} active credentials. Revoke one first.`
	);
}

function refuseUnlessActive(credential: Credential): void {
	const state = credentialState(credential);
	if (state === 'active') return;
	throw new Refusal('CONFLICT', state.toUpperCase(), `This credential is ${state} and no longer works.`);
}

const credential = { applicationId: z.uuid(), credentialId: z.uuid() };

/** Both show the secret; the activity tells which of the two it was. */
const showing = (name: 'credential.revealed' | 'credential.copied') =>
	organizationProcedure(credential).mutation(async ({ ctx, input }) => {
		const { secret, event } = await getPlace(ctx.db, ctx.organization.id, input);
		refuseUnlessActive(event.credential);
		await publish(ctx, name, event);
		return { secret: ctx.vault.decrypt(secret, `credential:${event.credential.id}`) };
	});

export const credentialsRouter = router({
	/** What a Super admin should rotate: somebody who has gone knows it. */
	listExposed: organizationProcedure({}).query(({ ctx }) => listExposed(ctx.db, ctx.organization.id)),

	create: organizationProcedure({
		applicationId: z.uuid(),
		label: credentialLabel,
		expiresAt: moment.nullable().default(null)
	}).mutation(async ({ ctx, input }) => {
		const application = await ctx.db
			.selectFrom('application')
			.select(['id', 'name'])
			.where('id', '=', input.applicationId)
			.where('organizationId', '=', ctx.organization.id)
			.executeTakeFirst();
		if (!application) throw notFound();
		const expiresAt = input.expiresAt ? new Date(input.expiresAt) : null;
		if (expiresAt && expiresAt.getTime() <= Date.now()) {
			throw fieldRefusal('expiresAt', 'INVALID', 'The expiry lies in the past.');
		}
		await refuseTooMany(ctx.db, application.id);
		const created = await insertCredential(ctx, {
			applicationId: application.id,
			label: input.label,
			expiresAt
		});
		await publish(ctx, 'credential.created', {
			applicationId: application.id,
			applicationName: application.name,
			credential: created
		});
		return created;
	}),

	reveal: showing('credential.revealed'),
	copy: showing('credential.copied'),

	/** A new key in place of the old one, which goes on working for the overlap. */
	rotate: organizationProcedure({ ...credential, overlapSeconds: z.literal(overlaps) }).mutation(
		async ({ ctx, input }) => {
			const { event, isReplaced } = await getPlace(ctx.db, ctx.organization.id, input);
			refuseUnlessActive(event.credential);
			if (isReplaced) {
				throw new Refusal(
					'CONFLICT',
					'REPLACED',
					'This credential has been replaced already. Rotate the one that took its place.'
				);
			}
			// Without an overlap the new one takes the place of the old one.
			if (input.overlapSeconds > 0) await refuseTooMany(ctx.db, event.applicationId);
			const now = new Date();
			const end = new Date(now.getTime() + input.overlapSeconds * 1000);
			const known = event.credential.expiresAt && new Date(event.credential.expiresAt);
			await ctx.db
				.updateTable('credential')
				.set({
					isReplaced: true,
					...(input.overlapSeconds === 0
						? { revokedAt: now }
						: { expiresAt: known && known < end ? known : end })
				})
				.where('id', '=', event.credential.id)
				.execute();
			const created = await insertCredential(ctx, {
				applicationId: event.applicationId,
				label: event.credential.label,
				expiresAt: null
			});
			await publish(ctx, 'credential.rotated', {
				...event,
				credential: created,
				replaced: await getCredential(ctx.db, event.credential.id)
			});
			return created;
		}
	),

	revoke: organizationProcedure(credential).mutation(async ({ ctx, input }) => {
		const { event } = await getPlace(ctx.db, ctx.organization.id, input);
		refuseUnlessActive(event.credential);
		await ctx.db
			.updateTable('credential')
			.set({ revokedAt: new Date() })
			.where('id', '=', event.credential.id)
			.execute();
		const revoked = await getCredential(ctx.db, event.credential.id);
		await publish(ctx, 'credential.revoked', { ...event, credential: revoked });
		return revoked;
	})
});
