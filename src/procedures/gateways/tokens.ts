import { createHash, timingSafeEqual } from 'node:crypto';
import { sql } from 'kysely';
import type { Logger } from 'pino';
import type { GatewayHead } from '#lib/gateways.ts';
import { compileOnce } from '../../database/compiled.ts';
import type { Db } from '../../database/database.ts';
import { inTurn } from '../../database/turns.ts';
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

const selectHeads = (db: Db) =>
	db
		.selectFrom('gateway')
		.select([
			'gateway.id',
			'gateway.name',
			'gateway.kind',
			'gateway.hasBearer',
			'gateway.hasApiKey',
			'gateway.headerName',
			'gateway.queryName'
		])
		.where('gateway.revokedAt', 'is', null);
const selectByToken = compileOnce((db: Db, hash: string) =>
	selectHeads(db)
		.innerJoin('gatewayToken', 'gatewayToken.gatewayId', 'gateway.id')
		.select(['gatewayToken.id as tokenId', 'gatewayToken.expiresAt'])
		.where('gatewayToken.tokenHash', '=', hash)
);
const selectEnvironment = compileOnce((db: Db, id: string) => selectHeads(db).where('gateway.id', '=', id));

/** What happens to any gateway ends what is kept of all. */
const tags = ['noun:gateway'];
const keptFor = 60_000;

async function lookUp(db: Db, hash: string): Promise<Kept<Asking | null>> {
	const [row] = await selectByToken(db, hash);
	if (!row) return { value: null, tags: [], forMs: 0, room: 'refused' };
	const { tokenId, expiresAt, ...gateway } = row;
	const left = expiresAt ? expiresAt.getTime() - Date.now() : Infinity;
	const value = left > 0 ? { gateway, tokenId } : null;
	return { value, tags, forMs: Math.min(keptFor, left), room: 'found' };
}

async function lookUpEnvironment(db: Db): Promise<Kept<Asking | null>> {
	const [gateway] = await selectEnvironment(db, environmentId);
	return { value: gateway ? { gateway, tokenId: null } : null, tags, forMs: keptFor, room: 'found' };
}

const digest = (text: string) => createHash('sha256').update(text).digest();
/** Who guesses tokens waits behind others who do, and takes two connections at most. */
const guessesAtOnce = 2;

export type GatewayFinder = ReturnType<typeof createGatewayFinder>;

/** Knows gateways by their tokens, from memory where it can. */
export function createGatewayFinder({ db, env, log }: { db: Db; env: Env; log: Logger }) {
	const ofEnvironment = (env.GATEWAY_TOKEN ?? []).map(digest);
	const memory = createMemory<Asking | null>({ found: 500, refused: 0 });
	const noteUse = createNotes(db, log);

	async function find(token: string): Promise<Asking | null> {
		const given = digest(token);
		if (ofEnvironment.filter((one) => timingSafeEqual(one, given)).length > 0)
			return memory.read('environment', () => lookUpEnvironment(db));
		if (!/^pgw_[\w-]{43}$/.test(token)) return null;
		const hash = hashToken(token);
		return memory.read(hash, () => inTurn('gateway token', guessesAtOnce, () => lookUp(db, hash)));
	}

	return {
		/** The gateway with this token, which is noted as used from that address; null where there is none. */
		async find(token: string, address: string): Promise<Asking | null> {
			const asking = await find(token);
			if (asking) noteUse(asking, address);
			return asking;
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
