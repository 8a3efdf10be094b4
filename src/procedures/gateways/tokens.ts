import pLimit from 'p-limit';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { GatewayHead } from '#lib/gateways.ts';
import { compileOnce } from '../../database/compiled.ts';
import type { Db } from '../../database/database.ts';
import type { Env } from '../../env.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import { createMemory, type Kept } from '../../news/memory.ts';
import { signal } from '../../news/publish.ts';

/** By what a gateway proves itself, and when it last did. */

/** The row of the gateway whose tokens stand in GATEWAY_TOKEN; the migration that made the table made it. */
export const environmentId = '00000000-0000-4000-8000-000000000001';

/** Shown once: only its hash is kept. The beginning tells people and scanners what it is. */
export const createGatewayToken = () => `pgw_${createToken()}`;
export const lastFourOf = (token: string) => token.slice(-4);

/** Who asks, and by which token; null where that stands in the environment. */
export type Asking = { gateway: GatewayHead; tokenId: string | null };

const selectAsking = compileOnce((db: Db) =>
	db
		.selectFrom('gateway')
		.leftJoin('gatewayToken', 'gatewayToken.gatewayId', 'gateway.id')
		.select([
			'gateway.id',
			'gateway.name',
			'gateway.kind',
			'gateway.hasBearer',
			'gateway.hasApiKey',
			'gateway.headerName',
			'gateway.queryName',
			'gatewayToken.id as tokenId',
			'gatewayToken.tokenHash',
			'gatewayToken.expiresAt'
		])
		.where('gateway.revokedAt', 'is', null)
);

/** All that may ask, by the hash of their token; the environment's by the id of its gateway. */
type Known = Map<string, Asking & { expiresAt: Date | null }>;

/** They are few. Known all at once, so that whoever makes tokens up costs the database nothing. */
async function lookUp(db: Db): Promise<Kept<Known>> {
	const rows = await selectAsking(db);
	const value: Known = new Map(
		rows.map(({ tokenId, tokenHash, expiresAt, ...gateway }) => [
			tokenHash ?? gateway.id,
			{ gateway, tokenId, expiresAt }
		])
	);
	// What happens to any gateway ends it.
	return { value, tags: ['noun:gateway'], forMs: 60_000, room: 'found' };
}

export type GatewayFinder = ReturnType<typeof createGatewayFinder>;

/** Knows gateways by their tokens, from memory where it can. */
export function createGatewayFinder({ db, env, log }: { db: Db; env: Env; log: Logger }) {
	const ofEnvironment = new Set((env.GATEWAY_TOKEN ?? []).map(hashToken));
	const memory = createMemory<Known>('gateways', { found: 1, refused: 0 });
	const noteUse = createNotes(db, log);
	const inOrder = pLimit(1);
	let next: Promise<Kept<Known>> | null = null;

	/** Whoever asks while a statement is under way goes with the next one: made-up tokens keep nobody waiting. */
	function lookUpTogether(): Promise<Kept<Known>> {
		return (next ??= inOrder(() => {
			next = null;
			return lookUp(db);
		}));
	}

	return {
		/** The gateway with this token, which is noted as used from that address; null where there is none. */
		async find(token: string, address: string): Promise<Asking | null> {
			const hash = hashToken(token);
			const known = await memory.read('all', lookUpTogether);
			const found = known.get(ofEnvironment.has(hash) ? environmentId : hash);
			if (!found || (found.expiresAt && found.expiresAt.getTime() <= Date.now())) return null;
			noteUse(found, address);
			return found;
		}
	};
}

/** A use is written once in so many milliseconds at most, and never while somebody waits for it. */
const noteEvery = 60_000;

function createNotes(db: Db, log: Logger) {
	/** When each token was last written, by the clock of this process. */
	const notedAt = new Map<string, number>();

	/** Over all processes together, too: whoever comes second within the minute writes nothing. */
	async function write({ gateway, tokenId }: Asking, address: string): Promise<void> {
		const isDue = sql`(last_used_at is null or last_used_at <= now() - make_interval(secs => 60))`;
		const { rows } = await sql<{ id: string }>`
			with token as (
				update gateway_token set last_used_at = now() where id = ${tokenId}::uuid and ${isDue} returning gateway_id
			), used as (
				update gateway set last_used_at = now(), last_used_from = ${address}
				where id = ${gateway.id}::uuid and ${isDue} returning id
			)
			select id from used union select gateway_id from token`.execute(db);
		if (rows.length > 0) await signal(db, { kind: 'gateways' });
	}

	return (asking: Asking, address: string): void => {
		const key = asking.tokenId ?? asking.gateway.id;
		const now = performance.now();
		if (now - (notedAt.get(key) ?? -Infinity) < noteEvery) return;
		notedAt.set(key, now);
		write(asking, address).catch((error: unknown) => {
			// With the next question.
			notedAt.delete(key);
			log.warn({ err: error }, 'the use of a gateway could not be noted');
		});
	};
}
