import { TRPCError } from '@trpc/server';
import { getHTTPStatusCodeFromError } from '@trpc/server/http';
import { stringify } from 'csv-stringify/sync';
import type { Context as HonoContext } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import {
	filterOf,
	organizationNameOf,
	readActivityQuery,
	type ActivityPage,
	type EventCursor
} from '#lib/activity.ts';
import { withoutIsolates } from '#lib/direction.ts';
import { sayEvent, type LiveEvent } from '#lib/events.ts';
import type { UsageRange } from '#lib/usage.ts';
import { limit } from '../api/limits.ts';
import { createCaller } from '../router.ts';
import { Refusal } from '../api/refusals.ts';
import { type Context } from '../api/trpc.ts';

/**
 * "Export" of "Activity": what the same filter shows there, newest first, as a download. Each batch is one call of the
 * procedure that the page asks too, so the policy, the session and the membership are looked at again each time, and
 * no transaction lasts longer than a batch: on the embedded database everybody shares one connection.
 */

const batchLength = 500;
/** How many downloads one account may begin in ten minutes. */
const [maxExports, windowSeconds] = [30, 600];

type Format = 'csv' | 'jsonl';
/** By the ending of the file's name. */
export const formatOf = (file: string): Format => (file.endsWith('.csv') ? 'csv' : 'jsonl');

const columns = [
	'stream',
	'number',
	'time',
	'person',
	'person_id',
	'acting_as',
	'event',
	'what_happened',
	'organization',
	'organization_id'
];

type Writer = (page: ActivityPage, isFirst: boolean) => string;

/** As somebody reads and searches it in another program. */
const textOf = (event: LiveEvent) => withoutIsolates(sayEvent(event));

/** RFC 4180; a cell that a spreadsheet would take for a formula begins with an apostrophe. The mark is for Excel. */
const writeCsv: Writer = ({ events, organizations }, isFirst) => {
	const rows = events.map((event) => [
		event.stream,
		event.seq,
		event.at,
		event.actor.name,
		event.actor.id,
		event.actor.kind,
		event.name,
		textOf(event),
		organizationNameOf(event, organizations),
		event.organizationId
	]);
	return tableOf(rows, columns, isFirst);
};

const tableOf = (rows: unknown[][], columns: string[], isFirst: boolean) =>
	stringify(rows, {
		header: isFirst,
		bom: isFirst,
		columns,
		escape_formulas: true,
		record_delimiter: 'windows'
	});

const writeLines: Writer = ({ events, organizations }) =>
	events
		.map((event) => {
			const { stream, seq: number, at, actor, name, organizationId: id, payload } = event;
			const organization = id && { id, name: organizationNameOf(event, organizations) };
			return `${JSON.stringify({ stream, number, at, actor, event: name, text: textOf(event), organization, payload })}\n`;
		})
		.join('');

const kinds: Record<Format, { type: string; write: Writer }> = {
	csv: { type: 'text/csv; charset=utf-8', write: writeCsv },
	jsonl: { type: 'application/jsonl; charset=utf-8', write: writeLines }
};

/**
 * Answers with the activity of the organization, or without one with the portal's. Asks for the next batch when the
 * reader has taken the one before, and for none when the reader has gone. `onBroken` is called when a batch can't be
 * had, such as after a sign-out meanwhile: what was sent must not look whole.
 */
export async function exportActivity(
	c: HonoContext,
	{ format, organizationId }: { format: Format; organizationId?: string },
	getContext: () => Promise<Context>,
	onBroken: (error: unknown) => void
): Promise<Response> {
	const { type, write } = kinds[format];
	const filter = filterOf(readActivityQuery(new URL(c.req.url).searchParams));
	const ask = async (after?: EventCursor): Promise<ActivityPage> => {
		const { activity } = createCaller(await getContext());
		const input = { ...filter, length: batchLength, ...(after && { after }) };
		return organizationId ? activity.list({ ...input, organizationId }) : activity.listPortal(input);
	};
	return stream(c, { type, file: `activity.${format}`, ask, write }, getContext, onBroken);
}

const usageColumns = ['time', 'credential', 'last_four', 'credential_id', 'answer', 'requests'];

/** Answers with what was counted of an application, as the range of its page shows it, the oldest first. */
export function exportUsage(
	c: HonoContext,
	place: { organizationId: string; applicationId: string },
	getContext: () => Promise<Context>,
	onBroken: (error: unknown) => void
): Promise<Response> {
	const range = (c.req.query('range') ?? 'day') as UsageRange;
	const ask = async (after?: UsagePage['next']) =>
		createCaller(await getContext()).usage.listRows({ ...place, range, after: after ?? null });
	const write = ({ rows }: UsagePage, isFirst: boolean) =>
		tableOf(
			rows.map((row) => [row.at, row.label, row.lastFour, row.credentialId, row.answer, row.count]),
			usageColumns,
			isFirst
		);
	return stream(c, { type: kinds.csv.type, file: 'usage.csv', ask, write }, getContext, onBroken);
}
type UsagePage = Awaited<ReturnType<ReturnType<typeof createCaller>['usage']['listRows']>>;

/** Batch by batch: `ask` for the next one, when the reader has taken the one before. */
async function stream<Page extends { next: unknown }>(
	c: HonoContext,
	{
		type,
		file,
		ask,
		write
	}: {
		type: string;
		file: string;
		ask: (after?: NonNullable<Page['next']>) => Promise<Page>;
		write: (page: Page, isFirst: boolean) => string;
	},
	getContext: () => Promise<Context>,
	onBroken: (error: unknown) => void
): Promise<Response> {
	let page: Page;
	try {
		const { db, session } = await getContext();
		if (session) await limit(db, `export:${session.user.id}`, maxExports, windowSeconds);
		page = await ask();
	} catch (error) {
		return refuse(c, error);
	}
	const encoder = new TextEncoder();
	let next = page.next;
	const body = new ReadableStream<Uint8Array>(
		{
			start: (controller) => controller.enqueue(encoder.encode(write(page, true))),
			async pull(controller) {
				if (!next) return controller.close();
				try {
					const more = await ask(next);
					next = more.next;
					controller.enqueue(encoder.encode(write(more, false)));
				} catch (error) {
					onBroken(error);
					controller.close();
				}
			}
		},
		{ highWaterMark: 1 }
	);
	const name = file.replace('.', `-${new Date().toISOString().slice(0, 10)}.`);
	return c.body(body, 200, {
		'content-type': type,
		'content-disposition': `attachment; filename="${name}"`,
		'cache-control': 'private, no-store',
		'x-content-type-options': 'nosniff'
	});
}

/** In words, as the API refuses. @throws what is not a refusal. */
function refuse(c: HonoContext, error: unknown): Response {
	if (!(error instanceof TRPCError) || error.code === 'INTERNAL_SERVER_ERROR') throw error;
	const message = error instanceof Refusal ? error.message : 'The filter can’t be understood.';
	return c.text(message, getHTTPStatusCodeFromError(error) as ContentfulStatusCode, {
		'cache-control': 'private, no-store',
		...(error instanceof Refusal && error.retryAfter && { 'retry-after': String(error.retryAfter) })
	});
}
