import type { Compilable, CompiledQuery } from 'kysely';
import type { Db } from './database.ts';

/** Stands in the text of a query for what is given with each call. */
class Slot {
	readonly index: number;

	constructor(index: number) {
		this.index = index;
	}
}

/**
 * A query that is built and compiled once: for what every call asks, since building it costs more than asking.
 * @param build makes it of what will be given; it sees stand-ins, so nothing may depend on their values, nor on the clock.
 */
export function compileOnce<Given extends readonly unknown[], Row>(
	build: (db: Db, ...given: Given) => Compilable<Row>
): (db: Db, ...given: Given) => Promise<Row[]> {
	let compiled: CompiledQuery<Row> | undefined;
	return async (db, ...given) => {
		compiled ??= build(db, ...(given.map((_, index) => new Slot(index)) as unknown as Given)).compile();
		const parameters = compiled.parameters.map((one) => (one instanceof Slot ? given[one.index] : one));
		const { rows } = await db.executeQuery<Row>({ ...compiled, parameters });
		return rows;
	};
}
