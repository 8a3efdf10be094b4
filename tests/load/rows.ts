/** What a bench found out, in the one form that all its parts have, and the one table that shows it. */

export interface Target {
	/** What is held against it: the figure itself, or what it is beside the floor's or better-auth's, as a ratio. */
	of: 'figure' | 'floor' | 'betterAuth';
	least?: number;
	most?: number;
}

export interface Row {
	/** The section of the table. */
	part: string;
	name: string;
	/** Of the figures of Portico, the floor and better-auth. */
	unit: 'a second' | 'ms' | 's' | 'kB' | 'MB' | 'rows/s';
	portico: number;
	/** The least that does the same. */
	floor?: number;
	betterAuth?: number;
	/** Within how many milliseconds 99 of 100 were there. */
	p99?: { floor?: number; portico: number };
	/** What is sent to the database, those among them that begin and end a transaction. */
	statements?: number;
	/** How often the database is waited for: statements that go out together are waited for once. */
	waits?: number;
	targets?: Target[];
	/** What else belongs to the figure. */
	note?: string;
}

const heldAgainst = (row: Row, { of }: Target) => {
	if (of === 'figure') return row.portico;
	const other = of === 'floor' ? row.floor : row.betterAuth;
	return other === undefined ? NaN : row.portico / other;
};

/** A figure that isn't there meets no target. */
export function isMet(row: Row, target: Target): boolean {
	const { least = -Infinity, most = Infinity } = target;
	const value = heldAgainst(row, target);
	return value >= least && value <= most;
}

const isMissed = (row: Row) => (row.targets ?? []).some((target) => !isMet(row, target));

/** As many digits as say something. */
const figureOf = (value: number | undefined) => {
	if (value === undefined) return '';
	const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 1 ? 1 : 2;
	return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
};
const ratioOf = (one: number, other: number | undefined) =>
	other === undefined ? '' : (one / other).toFixed(2);

function wordsOf({ of, least, most }: Target): string {
	const text = (value: number) =>
		of === 'figure' ? value.toLocaleString('en', { maximumFractionDigits: 2 }) : value.toFixed(2);
	return least === undefined ? `≤ ${text(most ?? NaN)}` : `≥ ${text(least)}`;
}
function targetOf({ targets = [] }: Row, ...ofs: Target['of'][]): string {
	const wanted = targets.filter(({ of }) => ofs.includes(of));
	return wanted.map(wordsOf).join(', ');
}

const columns: [title: string, width: number, cell: (row: Row) => string][] = [
	['unit', 9, ({ unit }) => unit],
	['stmts', 6, ({ statements }) => statements?.toString() ?? ''],
	['waits', 6, ({ waits }) => waits?.toString() ?? ''],
	['floor', 9, ({ floor }) => figureOf(floor)],
	['Portico', 9, ({ portico }) => figureOf(portico)],
	['ratio', 7, ({ portico, floor }) => ratioOf(portico, floor)],
	['target', 9, (row) => targetOf(row, 'figure', 'floor')],
	['p99 floor', 10, ({ p99 }) => figureOf(p99?.floor)],
	['p99', 7, ({ p99 }) => figureOf(p99?.portico)],
	['b-auth', 8, ({ betterAuth }) => figureOf(betterAuth)],
	['ratio', 7, ({ portico, betterAuth }) => ratioOf(portico, betterAuth)],
	['target', 8, (row) => targetOf(row, 'betterAuth')]
];
const line = (name: string, cells: string[], rest = '') =>
	`${name.padEnd(58)}${cells.map((cell, at) => cell.padStart(columns[at]?.[1] ?? 0)).join('')}  ${rest}`.trimEnd();

/** Above the rows of a part. */
export const headOf = (part: string) =>
	`\n${line(
		part,
		columns.map(([title]) => title)
	)}`;
export function lineOf(row: Row): string {
	const notes = [...(isMissed(row) ? ['missed'] : []), ...(row.note ? [row.note] : [])];
	return line(
		row.name,
		columns.map(([, , cell]) => cell(row)),
		notes.join('; ')
	);
}

/** How many targets were met, which were missed, and what couldn't be measured. */
export function closingLine(rows: Row[], failedParts: string[] = []): string {
	const all = rows.flatMap((row) => (row.targets ?? []).map((target) => ({ row, target })));
	const missed = all.filter(({ row, target }) => !isMet(row, target));
	const words = missed.map(({ row, target }) => {
		const beside = { figure: '', floor: ' of the floor', betterAuth: ' of better-auth' }[target.of];
		const value = heldAgainst(row, target);
		const held = target.of === 'figure' ? figureOf(value) : value.toFixed(2);
		return `${row.part}: ${row.name} (${held}${beside}, ${wordsOf(target)})`;
	});
	return [
		`${all.length - missed.length} of ${all.length} targets met`,
		...(words.length > 0 ? [`missed: ${words.join(', ')}`] : []),
		...(failedParts.length > 0 ? [`could not run: ${failedParts.join(', ')}`] : [])
	].join('; ');
}
