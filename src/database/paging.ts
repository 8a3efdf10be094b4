import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely';

/**
 * Lists by the page, as keyset: a page begins after the last row of the one before, so that the hundredth costs what the
 * first does, and what is added or deleted meanwhile moves nothing. Each order has an index of (column, id), which both
 * directions use: hence the comparison of rows.
 */

/** How a value goes out with a cursor and comes back: a date of JavaScript has lost the microseconds. */
interface Form {
	write(column: RawBuilder<unknown>): RawBuilder<unknown>;
	read(value: unknown): RawBuilder<unknown>;
}

const asText = (type: 'timestamptz' | 'text'): Form => ({
	write: (column) => sql`${column}::text`,
	read: (value) => sql`${value}::${sql.raw(type)}`
});

const forms = {
	moment: asText('timestamptz'),
	text: asText('text'),
	micros: {
		write: (column) => sql`(extract(epoch from ${column}) * 1000000)::bigint`,
		read: (value) => sql`timestamptz 'epoch' + ${value}::double precision * interval '1 microsecond'`
	}
} satisfies Record<string, Form>;

export interface Order {
	column: string;
	/** What decides between rows with the same value. */
	id: string;
	idType: 'uuid' | 'bigint' | 'text';
	direction: 'asc' | 'desc';
	form: keyof typeof forms;
}

/** The pattern of `like` for what holds a text, which may have its signs in it. */
export const holding = (text: string) => `%${text.replace(/[\\%_]/g, '\\$&')}%`;

/** By when they were made, the latest first: most lists of things that have a uuid. */
export const newestFirst = (table: string): Order => ({
	column: `${table}.createdAt`,
	id: `${table}.id`,
	idType: 'uuid',
	direction: 'desc',
	form: 'moment'
});

interface Place {
	value: string | number;
	id: string | number;
}

// Which tables are joined is the caller's affair.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Rows<Row> = SelectQueryBuilder<any, any, Row>;

export const ordered = <Row>(query: Rows<Row>, { column, id, direction }: Order): Rows<Row> =>
	query.orderBy(sql.ref(column), direction).orderBy(sql.ref(id), direction);

/** So many rows of these at most; `last` is the one that the next page begins after: null where nothing follows. */
export async function takeUpTo<Row>(
	query: Rows<Row>,
	length: number
): Promise<{ rows: Row[]; last: Row | null }> {
	const found = (await query.limit(length + 1).execute()) as Row[];
	const rows = found.slice(0, length);
	return { rows, last: found.length > length ? (rows.at(-1) ?? null) : null };
}

/** The rows that follow `after`, and where the next page begins: null where this is the last. */
export async function takePage<Row, Where extends Place>(
	query: Rows<Row>,
	order: Order,
	after: Where | null | undefined,
	length: number
): Promise<{ rows: Row[]; next: Where | null }> {
	const column = sql.ref(order.column);
	const form = forms[order.form];
	let wanted = ordered(query, order);
	if (after) {
		const place = sql`(${form.read(after.value)}, ${after.id}::${sql.raw(order.idType)})`;
		const comparison = sql.raw(order.direction === 'desc' ? '<' : '>');
		wanted = wanted.where(sql<SqlBool>`(${column}, ${sql.ref(order.id)}) ${comparison} ${place}`);
	}
	const placed = wanted.select([form.write(column).as('placeValue'), sql.ref(order.id).as('placeId')]);
	const { rows, last } = await takeUpTo(
		placed as Rows<Row & { placeValue: Where['value']; placeId: Where['id'] }>,
		length
	);
	return {
		rows: rows.map(({ placeValue: _, placeId: __, ...row }) => row as unknown as Row),
		next: last ? ({ value: last.placeValue, id: last.placeId } as Where) : null
	};
}
