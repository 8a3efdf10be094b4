import { sql, type SelectQueryBuilder } from 'kysely';
import { z } from 'zod';
import { credentialLabel, wholeNumber } from '#lib/fields.ts';
import { maxActiveCredentials, sayCredentialLimit } from '#lib/limits.ts';
import { credentialState, cursor, endedShown, type Credential } from '#lib/views.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import { newestFirst, takePage } from '../../database/paging.ts';
import type { Tables } from '../../database/tables.ts';
import { publish } from '../../news/publish.ts';
import { notFound, Refusal } from '../../api/refusals.ts';
import { organizationProcedure, router, type Context } from '../../api/trpc.ts';
import { expiryWithin } from './ages.ts';
import { consequenceOf, tellChange } from './changes.ts';
import { listExposed } from './exposures.ts';
import { listLastUses } from './uses.ts';
import { nameIn, personOf } from '../../people/names.ts';
import { credentialPlace } from '../../vault/sealed.ts';
import { createKey, keyPrefix } from '../../vault/vault.ts';

/**
 * For how long a credential may work, in seconds: up to ten years. A span, not a date: whoever chooses “in 30 days” means
 * that, whatever the clock of their browser says.
 */
const life = wholeNumber('The life of a credential in seconds', 1, 3650 * 86_400);
/** For how long the replaced credential goes on working, in seconds. */
const overlaps = [0, 3600, 86_400, 604_800] as const;

export function selectCredentials(db: Db) {
	return (
		db
			.selectFrom('credential')
			.innerJoin('application as home', 'home.id', 'credential.applicationId')
			// Not the secret: only reveal() reads that.
			.select([
				'credential.id',
				'credential.applicationId',
				'credential.label',
				'credential.lastFour',
				'credential.createdBy',
				'credential.createdAt',
				'credential.expiresAt',
				'credential.revokedAt'
			])
			.select(nameIn('home.organizationId', 'credential.createdBy').as('creatorName'))
	);
}

type Row = Awaited<ReturnType<ReturnType<typeof selectCredentials>['executeTakeFirstOrThrow']>>;

export function credentialViewOf(row: Row): Credential {
	return {
		id: row.id,
		label: row.label,
		prefix: keyPrefix,
		lastFour: row.lastFour,
		createdBy: personOf(row.createdBy, row.creatorName),
		createdAt: isoOf(row.createdAt),
		expiresAt: isoOf(row.expiresAt),
		revokedAt: isoOf(row.revokedAt)
	};
}

const hasEnded = sql<boolean>`
	(credential.revoked_at is not null or (credential.expires_at is not null and credential.expires_at <= now()))`;

/** The credentials of these applications, newest first: all that work, and of each the latest of those that have ended. */
export function selectShown(db: Db, applications: SelectQueryBuilder<Tables, 'application', { id: string }>) {
	const ranked = db
		.selectFrom('credential')
		.select(['credential.id', hasEnded.as('isEnded')])
		.select(
			sql<number>`row_number() over (
				partition by credential.application_id, ${hasEnded} order by credential.created_at desc, credential.id
			)`.as('rank')
		)
		.where('credential.applicationId', 'in', applications);
	return selectCredentials(db)
		.innerJoin(ranked.as('ranked'), 'ranked.id', 'credential.id')
		.where((eb) => eb.or([eb('ranked.isEnded', '=', false), eb('ranked.rank', '<=', endedShown)]))
		.orderBy('credential.createdAt', 'desc')
		.orderBy('credential.id');
}

/** Writes a new key, encrypted for its own row, and returns the row's id. Who wants to see it presses "Reveal" like everybody else. */
export async function insertCredential(
	ctx: { db: Trx; vault: Context['vault']; user: { id: string } },
	values: { applicationId: string; label: string; expiresAt: Date | null }
): Promise<string> {
	const key = createKey();
	const id = crypto.randomUUID();
	await ctx.db
		.insertInto('credential')
		.values({
			id,
			...values,
			lastFour: key.slice(-4),
			secret: ctx.vault.encrypt(key, credentialPlace(id)),
			lookupHash: ctx.vault.lookupHash(key),
			createdBy: ctx.user.id
		})
		.execute();
	return id;
}

export const getCredential = async (db: Db, id: string) =>
	credentialViewOf(await selectCredentials(db).where('credential.id', '=', id).executeTakeFirstOrThrow());

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
	return { secret, isReplaced, event: { applicationId, applicationName, credential: credentialViewOf(row) } };
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
	if (Number(count) < maxActiveCredentials) return;
	throw new Refusal('CONFLICT', 'TOO_MANY', sayCredentialLimit);
}

function refuseUnlessActive(credential: Credential): void {
	const state = credentialState(credential, Date.now());
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
		return { secret: ctx.vault.decrypt(secret, credentialPlace(event.credential.id)) };
	});

/** @throws {Refusal} NOT_FOUND, also for an application of another organization. */
export async function getApplicationRow(db: Db, organizationId: string, id: string) {
	const application = await db
		.selectFrom('application')
		.select(['id', 'name', 'createdAt'])
		.where('id', '=', id)
		.where('organizationId', '=', organizationId)
		.executeTakeFirst();
	if (!application) throw notFound();
	return application;
}

/** How many of those that have ended one call lists. */
const pageLength = 50;

export const credentialsRouter = router({
	/** The credentials of an application that have ended, newest first: also those that its page doesn't show at first. */
	list: organizationProcedure({ applicationId: z.uuid(), after: cursor.nullable().default(null) }).query(
		async ({ ctx, input: { applicationId, after } }) => {
			await getApplicationRow(ctx.db, ctx.organization.id, applicationId);
			const ended = selectCredentials(ctx.db)
				.where('credential.applicationId', '=', applicationId)
				.where(hasEnded);
			const { rows, next } = await takePage(ended, newestFirst('credential'), after, pageLength);
			return {
				credentials: rows.map(credentialViewOf),
				lastUses: await listLastUses(
					ctx.db,
					rows.map(({ id }) => id)
				),
				next
			};
		}
	),

	/** What a Super admin should rotate: somebody who has gone knows it. */
	listExposed: organizationProcedure({}).query(({ ctx }) => listExposed(ctx.db, ctx.organization.id)),

	create: organizationProcedure({
		applicationId: z.uuid(),
		label: credentialLabel,
		expiresInSeconds: life.nullable().default(null)
	}).mutation(async ({ ctx, input }) => {
		const application = await getApplicationRow(ctx.db, ctx.organization.id, input.applicationId);
		const expiresAt = await expiryWithin(ctx.db, application.id, input.expiresInSeconds);
		await refuseTooMany(ctx.db, application.id);
		const createdId = await insertCredential(ctx, {
			applicationId: application.id,
			label: input.label,
			expiresAt
		});
		const created = await getCredential(ctx.db, createdId);
		const event = { applicationId: application.id, applicationName: application.name, credential: created };
		await publish(ctx, 'credential.created', event);
		await tellChange(ctx, event, 'created');
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
					replacedAt: now,
					...(input.overlapSeconds === 0
						? { revokedAt: now }
						: { expiresAt: known && known < end ? known : end })
				})
				.where('id', '=', event.credential.id)
				.execute();
			const createdId = await insertCredential(ctx, {
				applicationId: event.applicationId,
				label: event.credential.label,
				expiresAt: await expiryWithin(ctx.db, event.applicationId, null)
			});
			const created = await getCredential(ctx.db, createdId);
			const replaced = await getCredential(ctx.db, event.credential.id);
			await publish(ctx, 'credential.rotated', { ...event, credential: created, replaced });
			await tellChange(ctx, { ...event, credential: created }, 'rotated', consequenceOf(replaced));
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
		await tellChange(ctx, { ...event, credential: revoked }, 'revoked', 'It works no longer.');
		return revoked;
	})
});
