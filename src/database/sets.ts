import { sql, type RawBuilder } from 'kysely';

/** Any number of values as one parameter, for `where … in`: the statement stays the same, and is prepared once. */
export const textsIn = (texts: readonly string[]): RawBuilder<string> =>
	sql`(select value from jsonb_array_elements_text(${JSON.stringify(texts)}::text::jsonb))`;

/** As {@link textsIn}, of uuids. */
export const idsIn = (ids: readonly string[]): RawBuilder<string> =>
	sql`(select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb))`;

/** As {@link textsIn}, of numbers. */
export const numbersIn = (numbers: readonly number[]): RawBuilder<number> =>
	sql`(select value::bigint from jsonb_array_elements_text(${JSON.stringify(numbers)}::text::jsonb))`;

/**
 * As {@link idsIn}, for `where … =`, and for what is compiled once: an array, which the planner takes for few however many
 * rows there are to look among.
 */
export const anyOf = (ids: readonly string[]): RawBuilder<string> => sql`any(${ids}::uuid[])`;
