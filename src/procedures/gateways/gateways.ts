import { sql, type Selectable } from 'kysely';
import { z } from 'zod';
import { refusedKeys } from '#lib/checking.ts';
import { gatewayInput } from '#lib/gateway-input.ts';
import {
	gatewayKindLabels,
	sayPlaces,
	type Gateway,
	type GatewayHead,
	type GatewayKind,
	type KeyPlaces
} from '#lib/gateways.ts';
import { text } from '#lib/schema.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import type { Tables } from '../../database/tables.ts';
import { limit } from '../../api/limits.ts';
import { fieldRefusal, notFound, Refusal, refusingTaken } from '../../api/refusals.ts';
import { refuseUnseen, seenIn } from '../../api/seen.ts';
import { adminProcedure, ofOneMoment, router, type Context } from '../../api/trpc.ts';
import { hashToken } from '../../identity/tokens.ts';
import { publish } from '../../news/publish.ts';
import { answerTo } from './checking.ts';
import { createGatewayToken, environmentId, lastFourOf } from './tokens.ts';

/** The gateways of the provider, as its portal's admins look after them. */

const gatewaysAtMost = 100;
/** How many of those that were revoked the list goes on showing. */
const revokedShown = 20;
/** For how long the replaced token goes on working, in seconds; as with credentials. */
const overlaps = [0, 3600, 86_400, 604_800] as const;

type GatewayRow = Selectable<Tables['gateway']>;
type Row = GatewayRow & { hasProducts: boolean };
type TokenRow = Selectable<Tables['gatewayToken']>;

const headOf = ({
	id,
	name,
	kind,
	hasBearer,
	hasApiKey,
	headerName,
	queryName
}: GatewayRow): GatewayHead => ({
	id,
	name,
	kind,
	hasBearer,
	hasApiKey,
	headerName,
	queryName
});

function viewOf(row: Row, tokens: TokenRow[]): Gateway {
	return {
		...headOf(row),
		isEnvironment: row.isEnvironment,
		serves: row.hasProducts ? 'products' : row.isProductsOnly ? 'nothing' : 'everything',
		createdBy: { name: row.createdBy.name },
		createdAt: isoOf(row.createdAt),
		revokedAt: isoOf(row.revokedAt),
		lastUsedAt: isoOf(row.lastUsedAt),
		lastUsedFrom: row.lastUsedFrom,
		tokens: tokens
			.filter(({ gatewayId }) => gatewayId === row.id)
			.map(({ id, lastFour, createdAt, expiresAt, lastUsedAt }) => ({
				id,
				lastFour,
				createdAt: isoOf(createdAt),
				expiresAt: isoOf(expiresAt),
				lastUsedAt: isoOf(lastUsedAt)
			}))
	};
}

/** Those that are there: the environment's only while the environment names a token. */
const selectGateways = (db: Db, config: Context['config']) =>
	db
		.selectFrom('gateway')
		.selectAll('gateway')
		.select(
			sql<boolean>`exists (select from gateway_product where gateway_id = gateway.id)`.as('hasProducts')
		)
		.$if(!config.GATEWAY_TOKEN, (query) => query.where('isEnvironment', '=', false));

const selectTokens = (db: Db) =>
	db
		.selectFrom('gatewayToken')
		.selectAll()
		.where((eb) => eb.or([eb('expiresAt', 'is', null), eb('expiresAt', '>', new Date())]))
		.orderBy('createdAt', 'desc')
		.orderBy('id');

type Asked = { db: Db; config: Context['config'] };

/** @throws {Refusal} NOT_FOUND. */
async function getGateway({ db, config }: Asked, id: string): Promise<Gateway> {
	const row = await selectGateways(db, config).where('id', '=', id).executeTakeFirst();
	if (!row) throw notFound();
	return viewOf(row, await selectTokens(db).where('gatewayId', '=', id).execute());
}

/**
 * Holds the gateway until the commit.
 * @throws {Refusal} NOT_FOUND, or CONFLICT for one that has been revoked.
 */
async function lockGateway({ db, config }: Asked, id: string): Promise<Row> {
	const row = await selectGateways(db, config).where('id', '=', id).forUpdate().executeTakeFirst();
	if (!row) throw notFound();
	if (!row.revokedAt) return row;
	throw new Refusal('CONFLICT', 'REVOKED', 'This gateway has been revoked, and asks no more.');
}

/** What the environment has set, only the environment takes back. */
function refuseEnvironment({ id }: Row): void {
	if (id !== environmentId) return;
	const words =
		'The tokens of this gateway stand in the environment of the server: change GATEWAY_TOKEN there.';
	throw new Refusal('CONFLICT', 'FIXED', words);
}

const says = { kind: (kind: GatewayKind) => gatewayKindLabels[kind] };
const labels = { hasBearer: '“Authorization: Bearer”', hasApiKey: '“X-API-Key”' };

function refuseNowhere(places: KeyPlaces): void {
	if (sayPlaces(places)) return;
	throw fieldRefusal(
		'hasBearer',
		'INVALID',
		'Say where this gateway looks for the key: at one place at least.'
	);
}

const taken = () => fieldRefusal('name', 'TAKEN', 'There is a gateway of this name already.');

/** Between the environment's, which is not always there and therefore in no index, and each other one. */
async function refuseSameName({ db, config }: Asked, name: string, id: string | null): Promise<void> {
	const named = await selectGateways(db, config)
		.where(sql<boolean>`seen_name(name) = seen_name(${name})`)
		.where('revokedAt', 'is', null)
		.where('id', id === environmentId ? '<>' : '=', environmentId)
		.executeTakeFirst();
	if (named) throw taken();
}

/** Makes a token, keeps its hash, and returns it, to be shown this once. */
async function insertToken(db: Trx, gatewayId: string): Promise<string> {
	const token = createGatewayToken();
	await db
		.insertInto('gatewayToken')
		.values({ gatewayId, tokenHash: hashToken(token), lastFour: lastFourOf(token) })
		.execute();
	return token;
}

const gateway = { gatewayId: z.uuid() };
const presentedKey = text(500).refine((key) => key.trim() !== '', 'Paste the key that is to be checked.');

export const gatewaysRouter = router({
	/** Those that work, the newest first, and the latest that were revoked. */
	list: adminProcedure({})
		.use(ofOneMoment)
		.query(async ({ ctx }) => {
			const rows = await selectGateways(ctx.db, ctx.config)
				.orderBy('createdAt', 'desc')
				.orderBy('id')
				.execute();
			const tokens = await selectTokens(ctx.db).execute();
			const working = rows.filter(({ revokedAt }) => !revokedAt);
			const revoked = rows
				.filter(({ revokedAt }) => revokedAt)
				.toSorted((one, other) => Number(other.revokedAt) - Number(one.revokedAt))
				.slice(0, revokedShown);
			const view = (row: Row) => viewOf(row, tokens);
			return { working: working.map(view), revoked: revoked.map(view) };
		}),

	get: adminProcedure(gateway)
		.use(ofOneMoment)
		.query(async ({ ctx, input }) => ({
			gateway: await getGateway(ctx, input.gatewayId),
			origin: ctx.config.ORIGIN
		})),

	/** The token is in the answer and nowhere else, ever. */
	create: adminProcedure(gatewayInput).mutation(async ({ ctx, input }) => {
		refuseNowhere(input);
		await refuseSameName(ctx, input.name, null);
		const { count } = await ctx.db
			.selectFrom('gateway')
			.select((eb) => eb.fn.countAll<number>().as('count'))
			.where('revokedAt', 'is', null)
			.executeTakeFirstOrThrow();
		if (Number(count) >= gatewaysAtMost)
			throw new Refusal(
				'CONFLICT',
				'TOO_MANY',
				`There are ${gatewaysAtMost} gateways already. Revoke one first.`
			);
		const writing = ctx.db
			.insertInto('gateway')
			.values({ ...input, createdBy: ctx.actor })
			.returningAll()
			.executeTakeFirstOrThrow();
		const row = await refusingTaken(writing, { gateway_seen_name: taken() });
		const token = await insertToken(ctx.db, row.id);
		await publish(ctx, 'gateway.created', { gateway: headOf(row) });
		return { gateway: await getGateway(ctx, row.id), token };
	}),

	/**
	 * What is given; the rest stays as it is. In force with the commit: for the next question of the gateway on this process,
	 * at once on every other.
	 */
	update: adminProcedure({
		...gateway,
		...z.strictObject(gatewayInput).partial().shape,
		seen: seenIn(gatewayInput)
	}).mutation(async ({ ctx, input }) => {
		const { gatewayId, seen, ...given } = input;
		const before = headOf(await lockGateway(ctx, gatewayId));
		refuseUnseen(before, given, seen, { says, labels });
		const { id: _, ...values } = { ...before, ...given };
		refuseNowhere(values);
		if (values.name !== before.name) await refuseSameName(ctx, values.name, gatewayId);
		const keys = Object.keys(values) as (keyof typeof values)[];
		if (keys.some((key) => values[key] !== before[key])) {
			const writing = ctx.db.updateTable('gateway').set(values).where('id', '=', gatewayId).execute();
			await refusingTaken(writing, { gateway_seen_name: taken() });
			await publish(ctx, 'gateway.updated', { gateway: { ...before, ...values }, previous: before });
		}
		return getGateway(ctx, gatewayId);
	}),

	/** A new token; those that there are go on working for the overlap, or end at once. */
	rotate: adminProcedure({ ...gateway, overlapSeconds: z.literal(overlaps) }).mutation(
		async ({ ctx, input }) => {
			const row = await lockGateway(ctx, input.gatewayId);
			refuseEnvironment(row);
			const end = new Date(Date.now() + input.overlapSeconds * 1000);
			// One that was rotated before keeps its own, earlier end.
			await ctx.db
				.updateTable('gatewayToken')
				.set((eb) => ({ expiresAt: eb.fn<Date>('least', ['expiresAt', eb.val(end)]) }))
				.where('gatewayId', '=', row.id)
				.execute();
			await ctx.db
				.deleteFrom('gatewayToken')
				.where('gatewayId', '=', row.id)
				.where('expiresAt', '<=', new Date())
				.execute();
			const token = await insertToken(ctx.db, row.id);
			const endsAt = input.overlapSeconds > 0 ? isoOf(end) : null;
			await publish(ctx, 'gateway.rotated', { gateway: headOf(row), endsAt });
			return { gateway: await getGateway(ctx, row.id), token };
		}
	),

	/** For good, with all of its tokens. */
	revoke: adminProcedure(gateway).mutation(async ({ ctx, input }) => {
		const row = await lockGateway(ctx, input.gatewayId);
		refuseEnvironment(row);
		await ctx.db.updateTable('gateway').set({ revokedAt: new Date() }).where('id', '=', row.id).execute();
		await ctx.db.deleteFrom('gatewayToken').where('gatewayId', '=', row.id).execute();
		await publish(ctx, 'gateway.revoked', { gateway: headOf(row) });
		return getGateway(ctx, row.id);
	}),

	/** Has one that stands in front of no API product any more let in every working key again: nothing else does. */
	letAllIn: adminProcedure(gateway).mutation(async ({ ctx, input }) => {
		const row = await lockGateway(ctx, input.gatewayId);
		// As it is under the lock: one may have been added while that was waited for.
		const serving = await ctx.db
			.selectFrom('gatewayProduct')
			.select('productId')
			.where('gatewayId', '=', row.id)
			.limit(1)
			.executeTakeFirst();
		if (serving) {
			const words = 'This gateway stands in front of API products. Remove them first.';
			throw new Refusal('CONFLICT', 'SERVING', words);
		}
		if (row.isProductsOnly) {
			await ctx.db.updateTable('gateway').set({ isProductsOnly: false }).where('id', '=', row.id).execute();
			await publish(ctx, 'gateway.opened', { gateway: headOf(row) });
		}
		return getGateway(ctx, row.id);
	}),

	/**
	 * What a gateway is answered about this key, and why; with a product, about the key for that one. The key is kept nowhere, and no
	 * event tells of it.
	 */
	check: adminProcedure({ key: presentedKey, productId: z.uuid().optional() }).mutation(
		async ({ ctx, input }) => {
			await limit(ctx.db, `gateway-check:account:${ctx.user.id}`, 30, 60);
			const answer = await answerTo(ctx, input.key.trim(), input.productId ?? null);
			return { answer, status: answer.isActive ? (200 as const) : refusedKeys[answer.reason].status };
		}
	)
});
