import { sql, type SelectQueryBuilder } from 'kysely';
import { compileOnce } from './compiled.ts';
import type { Db } from './database.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- of whichever tables: only the rows matter here
type Question = SelectQueryBuilder<any, any, object>;
type Rows<Asked> = Asked extends SelectQueryBuilder<infer _Tables, infer _From, infer Row> ? Row[] : never;

/** Columns of this name hold a time, and only they do: tests/tables.postgres.test.ts. */
const isTime = (column: string) => column === 'at' || column.endsWith('_at');

const camelCase = (column: string) =>
	column.replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase());

/** The columns that have come so far, few and always the same ones. */
const columns = new Map<string, { name: string; holdsTime: boolean }>();

function noteColumn(column: string) {
	const known = { name: camelCase(column), holdsTime: isTime(column) };
	columns.set(column, known);
	return known;
}

/** A row that came as JSON, as the driver reads one: times are dates. What a jsonb column holds stays as it is. */
function readRow(row: Record<string, unknown>): object {
	const read: Record<string, unknown> = {};
	for (const [column, value] of Object.entries(row)) {
		const { name, holdsTime } = columns.get(column) ?? noteColumn(column);
		read[name] = holdsTime && value !== null ? new Date(value as string) : value;
	}
	return read;
}

/**
 * Several questions as one statement: one way to the database and back, and answers as of one moment without a
 * transaction. Built and compiled once, as {@link compileOnce} says.
 * @returns the rows of each question, as if it had been asked by itself.
 */
export function compileTogether<Given extends readonly unknown[], Asked extends Record<string, Question>>(
	build: (db: Db, ...given: Given) => Asked
): (db: Db, ...given: Given) => Promise<{ [Name in keyof Asked]: Rows<Asked[Name]> }> {
	const ask = compileOnce((db, ...given: Given) =>
		db.selectNoFrom(
			Object.entries(build(db, ...given)).map(([name, question]) =>
				sql<Record<string, unknown>[]>`(select coalesce(json_agg(one), '[]') from ${question} as one)`.as(
					name
				)
			)
		)
	);
	return async (db, ...given) => {
		const [answers = {}] = await ask(db, ...given);
		const entries = Object.entries(answers).map(([name, rows]) => [name, rows.map(readRow)]);
		return Object.fromEntries(entries) as { [Name in keyof Asked]: Rows<Asked[Name]> };
	};
}
