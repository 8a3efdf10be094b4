import { sql } from 'kysely';
import { z } from 'zod';
import {
	faultKey,
	maxDocumentBytes,
	versionsShown,
	type DocumentFault,
	type DocumentVersion,
	type OwnDocumentVersion
} from '#lib/documents.ts';
import { text } from '#lib/schema.ts';
import { limit } from '../../api/limits.ts';
import { notFound, Refusal, tooMany } from '../../api/refusals.ts';
import { adminProcedure, ofOneMoment, publicProcedure, router } from '../../api/trpc.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { takeUpTo } from '../../database/paging.ts';
import { Busy, inTurn } from '../../database/turns.ts';
import { transact } from '../../database/transaction.ts';
import { readDocument } from '../../documents/reading.ts';
import type { Read } from '../../documents/worker.ts';
import { viewerOf } from '../products/catalogue.ts';
import { publishProduct } from '../products/news.ts';
import { isVisibleTo, type Viewer } from '../products/visibility.ts';

/** The OpenAPI documents of products: each upload is a version that stays. */

/** How many documents one admin may have read in ten minutes: each takes a processor for seconds. */
const [maxUploads, windowSeconds] = [60, 600];

/** All but the text, which is long. */
const selectVersions = (db: Db, productId: string) =>
	db
		.selectFrom('productDocument')
		.select(['id', 'number', 'format', 'specVersion', 'title', 'apiVersion', 'servers', 'operations'])
		.select(['changes', 'uploadedBy', 'createdAt', sql<number>`octet_length(content)`.as('bytes')])
		.where('productId', '=', productId)
		.orderBy('number', 'desc');

type Row = Awaited<ReturnType<ReturnType<typeof selectVersions>['execute']>>[number];

const viewOf = ({ uploadedBy: _, createdAt, ...row }: Row): DocumentVersion => ({
	...row,
	createdAt: isoOf(createdAt)
});
const ownViewOf = (row: Row): OwnDocumentVersion => ({
	...viewOf(row),
	uploadedBy: { name: row.uploadedBy.name }
});

/** A page of versions, the newest first. */
async function listVersions<View>(
	db: Db,
	productId: string,
	view: (row: Row) => View,
	before: number | null = null
): Promise<{ versions: View[]; next: number | null }> {
	const versions = selectVersions(db, productId).$if(before !== null, (query) =>
		query.where('number', '<', before)
	);
	const { rows, last } = await takeUpTo(versions, versionsShown);
	return { versions: rows.map(view), next: last?.number ?? null };
}

/** @throws {Refusal} NOT_FOUND, also for a product that this person may not see. */
async function getProduct(db: Db, viewer: Viewer, slug: string) {
	const product = await db
		.selectFrom('product')
		.select(['id', 'slug', 'name'])
		.where('slug', '=', slug)
		.where(isVisibleTo(viewer))
		.executeTakeFirst();
	if (!product) throw notFound();
	return product;
}

/**
 * Where the text of a version is, the newest without a number; `read` gets it, for whoever doesn't have it yet.
 * @throws {Refusal} NOT_FOUND.
 */
export async function getDocument(db: Db, viewer: Viewer, slug: string, number: number | null) {
	const product = await getProduct(db, viewer, slug);
	const version = await selectVersions(db, product.id)
		.$if(number !== null, (query) => query.where('number', '=', number))
		.limit(1)
		.executeTakeFirst();
	if (!version) throw notFound();
	const read = async () => {
		const { content } = await db
			.selectFrom('productDocument')
			.select('content')
			.where('id', '=', version.id)
			.executeTakeFirstOrThrow();
		return content;
	};
	return { version: viewOf(version), read };
}

/** In words for whoever reads the refusal alone, and each fault at its place for a page. */
function refuseFaults(faults: DocumentFault[]): Refusal {
	const [first] = faults;
	const words = first
		? `Line ${first.line}, column ${first.column}: ${first.message}`
		: 'This can’t be read.';
	const places: Record<string, string> = {};
	for (const fault of faults) places[faultKey(fault)] ??= fault.message;
	return new Refusal('BAD_REQUEST', 'INVALID', words, { text: words, ...places });
}

/**
 * One document at a time: each takes a processor, and memory. Who waits longer than somebody watches is told why.
 * @throws {Refusal} TOO_MANY_REQUESTS.
 */
export async function inTurnToRead<Result>(run: () => Promise<Result>): Promise<Result> {
	let hasBegun = false;
	const begin = () => {
		hasBegun = true;
		return run();
	};
	try {
		return await inTurn('documents', 1, begin);
	} catch (error) {
		if (hasBegun || !(error instanceof Busy)) throw error;
		throw tooMany('Another document is being read. Try again in a minute.', 60, 'BUSY');
	}
}

type Upload = { productId: string; text: string; fileName: string };
type Latest = { number: number; content: string; format: 'json' | 'yaml' } | undefined;

const findLatest = (db: Db, productId: string): Promise<Latest> =>
	db
		.selectFrom('productDocument')
		.select(['number', 'content', 'format'])
		.where('productId', '=', productId)
		.orderBy('number', 'desc')
		.limit(1)
		.executeTakeFirst();

/** Behind the version that it was compared with: what changed is told of that one. */
async function addVersion(
	ctx: Parameters<typeof publishProduct>[0],
	{ productId, text }: Upload,
	latest: Latest,
	{ facts, changes }: Extract<Read, { facts: unknown }>
): Promise<OwnDocumentVersion> {
	const { db, actor } = ctx;
	const product = await db
		.selectFrom('product')
		.select(['id', 'slug', 'name'])
		.where('id', '=', productId)
		.forUpdate()
		.executeTakeFirst();
	if (!product) throw notFound();
	const newest = await selectVersions(db, productId).limit(1).executeTakeFirst();
	if (newest?.number !== latest?.number) {
		const who = newest
			? `${newest.uploadedBy.name} uploaded version ${newest.number}`
			: 'Somebody was faster';
		throw new Refusal('CONFLICT', 'CHANGED', `${who} meanwhile. Look at it, then upload yours again.`);
	}
	const number = (latest?.number ?? 0) + 1;
	await db
		.insertInto('productDocument')
		.values({
			...facts,
			productId,
			number,
			content: text,
			servers: JSON.stringify(facts.servers),
			changes: changes && JSON.stringify(changes),
			uploadedBy: actor
		})
		.execute();
	await publishProduct(ctx, 'product.documented', { product, number });
	const row = await selectVersions(db, productId).limit(1).executeTakeFirstOrThrow();
	return ownViewOf(row);
}

const product = { productId: z.uuid() };

const upload = {
	...product,
	text: text(maxDocumentBytes, { long: 'This has more than 5 MB.' }),
	/** Says by its ending whether it is JSON or YAML; '' where nobody knows. */
	fileName: text(300)
};

export const documentsRouter = router({
	/**
	 * Reads the document, refuses it with what is wrong at its place, or adds it as the newest version and says what it
	 * changes, and which servers can’t be tried. The same text again is no new version. Nothing is held while it is read, which may take long.
	 */
	upload: adminProcedure(upload, true).mutation(async ({ ctx, input }) => {
		const { productId, text, fileName } = input;
		const known = await ctx.db.selectFrom('product').select('id').where('id', '=', productId).execute();
		if (known.length === 0) throw notFound();
		const found = await inTurnToRead(async () => {
			const latest = await findLatest(ctx.db, productId);
			if (latest?.content === text) return { latest, read: null };
			await limit(ctx.db, `document:account:${ctx.user.id}`, maxUploads, windowSeconds);
			const before = latest ? { text: latest.content, format: latest.format } : null;
			return { latest, read: await readDocument({ text, fileName, before }) };
		});
		const { latest, read } = found;
		if (!read) {
			const row = await selectVersions(ctx.db, productId).limit(1).executeTakeFirstOrThrow();
			return { version: ownViewOf(row), isNew: false, unreached: [] };
		}
		if ('faults' in read) throw refuseFaults(read.faults);
		const version = await transact(ctx.db, (db) => addVersion({ db, actor: ctx.actor }, input, latest, read));
		return { version, isNew: true, unreached: read.unreached };
	}),

	/** For the product's own people, whatever it is. */
	list: adminProcedure({ ...product, before: z.number().int().min(1).max(1_000_000_000).optional() })
		.use(ofOneMoment)
		.query(async ({ ctx, input }) => {
			const rows = ctx.db.selectFrom('product').select('id').where('id', '=', input.productId);
			if (!(await rows.executeTakeFirst())) throw notFound();
			return listVersions(ctx.db, input.productId, ownViewOf, input.before);
		}),

	/** For whoever may see the product: its newest document, and what the versions changed. */
	get: publicProcedure({ slug: text(100), before: z.number().int().min(1).max(1_000_000_000).optional() })
		.use(ofOneMoment)
		.query(async ({ ctx, input }) => {
			const { id, slug, name } = await getProduct(ctx.db, viewerOf(ctx), input.slug);
			const newest = await selectVersions(ctx.db, id).limit(1).executeTakeFirst();
			if (!newest) throw notFound();
			const { versions, next } = await listVersions(ctx.db, id, viewOf, input.before);
			return { product: { id, slug, name }, newest: viewOf(newest), versions, next };
		})
});
