import { fileURLToPath } from 'node:url';
import type { Insertable, Selectable } from 'kysely';
import postgres from 'postgres';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tables } from '../src/database/tables.ts';
import { createDatabase } from './harness.ts';

/** The types that every query is checked against, beside the tables that the migrations make. */

/** What is read from each table and what has to be written, as queries see it; read below by the compiler. */
export type Rows = {
	[Name in keyof Tables]: { read: Selectable<Tables[Name]>; written: Insertable<Tables[Name]> };
};

/** A column in a few words, such as "string or null, optional", by the name of its table and its own. */
type Columns = Record<string, string>;
const describeColumn = (kind: string, isNullable: boolean, isOptional: boolean) =>
	`${kind}${isNullable ? ' or null' : ''}${isOptional ? ', optional' : ''}`;

/** What the drivers make of each type of PostgreSQL that the tables use. */
const kinds: Record<string, string> = {
	uuid: 'string',
	text: 'string',
	bool: 'boolean',
	int4: 'number',
	int8: 'number',
	timestamptz: 'Date',
	bytea: 'Uint8Array',
	jsonb: 'object'
};

function kindOf(type: ts.Type): string {
	const isAll = (flag: ts.TypeFlags) => (type.flags & flag) !== 0;
	if (isAll(ts.TypeFlags.StringLike)) return 'string';
	if (isAll(ts.TypeFlags.NumberLike)) return 'number';
	if (isAll(ts.TypeFlags.BooleanLike)) return 'boolean';
	if (type.isUnion()) return [...new Set(type.types.map(kindOf))].join(' | ');
	const name = type.getSymbol()?.name ?? '';
	if (['Date', 'Uint8Array'].includes(name)) return name;
	return isAll(ts.TypeFlags.Object | ts.TypeFlags.NonPrimitive) ? 'object' : 'something else';
}

function readTypes(): Columns {
	const path = fileURLToPath(import.meta.url);
	const program = ts.createProgram([path], {
		strict: true,
		noEmit: true,
		skipLibCheck: true,
		allowImportingTsExtensions: true,
		target: ts.ScriptTarget.ESNext,
		module: ts.ModuleKind.NodeNext,
		moduleResolution: ts.ModuleResolutionKind.NodeNext
	});
	const checker = program.getTypeChecker();
	const file = program.getSourceFile(path);
	const rows = file?.statements.find((one) => ts.isTypeAliasDeclaration(one) && one.name.text === 'Rows');
	if (!rows) throw new Error('There is no type Rows.');
	const columns: Columns = {};
	const typeOf = (symbol: ts.Symbol) => checker.getTypeOfSymbolAtLocation(symbol, rows);
	for (const table of checker.getTypeAtLocation(rows).getProperties()) {
		const [read, written] = typeOf(table).getProperties().map(typeOf);
		for (const column of read?.getProperties() ?? []) {
			const type = typeOf(column);
			const isOptional = ((written?.getProperty(column.name)?.flags ?? 0) & ts.SymbolFlags.Optional) !== 0;
			const kind = kindOf(checker.getNonNullableType(type));
			const isNullable = checker.getNonNullableType(type) !== type;
			columns[`${table.name}.${column.name}`] = describeColumn(kind, isNullable, isOptional);
		}
	}
	return columns;
}

const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

async function readDatabase(sql: postgres.Sql): Promise<Columns> {
	const rows = await sql<{ table: string; name: string; type: string; nullable: boolean; given: boolean }[]>`
		select
			table_name as table, column_name as name, udt_name as type, is_nullable = 'YES' as nullable,
			column_default is not null or is_identity = 'YES' or is_generated = 'ALWAYS' as given
		from information_schema.columns join information_schema.tables using (table_schema, table_name)
		where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not like 'kysely%'`;
	return Object.fromEntries(
		rows.map(({ table, name, type, nullable, given }) => [
			`${camelCase(table)}.${camelCase(name)}`,
			describeColumn(kinds[type] ?? type, nullable, nullable || given)
		])
	);
}

describe('the types of the tables', () => {
	let database: Awaited<ReturnType<typeof createDatabase>>;
	let sql: postgres.Sql;
	let types: Columns;
	beforeAll(async () => {
		database = await createDatabase({ isPrepared: true });
		sql = postgres(database.url, { max: 1, onnotice: () => undefined });
		types = readTypes();
	});
	afterAll(async () => {
		await sql.end();
		await database.drop();
	});

	test('are those of the migrated database: every column, what it holds, and what may be left out', async () => {
		expect(types).toEqual(await readDatabase(sql));
	});

	test('give a time a name by which it is known: “at”, or one that ends so', async () => {
		for (const [column, kind] of Object.entries(types)) {
			expect(/(?:At|\.at)$/.test(column), column).toBe(kind.startsWith('Date'));
		}
	});

	test('are found wrong when a table changes without them', async () => {
		const changes: [string, Columns][] = [
			['alter table message add column weight int4', { 'message.weight': 'number or null, optional' }],
			['alter table message drop column answer', {}],
			[
				'alter table message alter column subject drop not null',
				{ 'message.subject': 'string or null, optional' }
			],
			['alter table message alter column error set not null', { 'message.error': 'string' }],
			["alter table message alter column subject set default ''", { 'message.subject': 'string, optional' }],
			['alter table message alter column attempts drop default', { 'message.attempts': 'number' }],
			[
				'alter table message alter column sent_at type text',
				{ 'message.sentAt': 'string or null, optional' }
			],
			['create table extra (id uuid primary key)', { 'extra.id': 'string' }],
			['drop table mail_opt_out', {}]
		];
		for (const [statement, added] of changes) {
			await sql.unsafe(`begin; ${statement}`);
			const found = await readDatabase(sql);
			await sql.unsafe('rollback');
			expect(types, statement).not.toEqual(found);
			expect(found, statement).toMatchObject(added);
		}
	});
});
