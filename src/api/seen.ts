import { z } from 'zod';
import { sentence } from '#lib/direction.ts';
import { sayNumber } from '#lib/numbers.ts';
import { Refusal, type Shown } from './refusals.ts';

/** What a form showed when somebody began to alter it, of the fields that they have altered. */
export const seenIn = <Fields extends z.ZodRawShape>(fields: Fields) =>
	z.strictObject(fields).partial().optional();

const longestSaid = 80;

function sayShown(value: Shown): string {
	if (value === null || value === '') return 'empty';
	if (typeof value === 'boolean') return value ? 'on' : 'off';
	if (typeof value === 'number') return sayNumber(value);
	const line = value.replace(/\s+/g, ' ').trim();
	return sentence`“${line.length > longestSaid ? `${line.slice(0, longestSaid).toWellFormed()}…` : line}”`;
}

type Words<Field extends string> = {
	says?: { [key in Field]?: (value: never) => string };
	labels?: { [key in Field]?: string };
};

/**
 * For a form over values that others change too: nobody's change is lost unseen. `now` is what is saved, `given` what is to
 * be, and `seen` what stood where it was altered. `says` are a field's own words for its value, and `labels` what it is
 * called where its words don't stand beside it.
 * @throws {Refusal} CHANGED, with what each such field is now; saved again with that as `seen`, it goes through.
 */
export function refuseUnseen<Field extends string>(
	now: { [key in NoInfer<Field>]: Shown },
	given: { [key in NoInfer<Field>]?: Shown | undefined },
	seen: { [key in Field]?: Shown | undefined } | undefined,
	{ says = {}, labels = {} }: Words<NoInfer<Field>> = {}
): void {
	if (!seen) return;
	const unseen = (Object.keys(seen) as Field[]).filter(
		(field) => given[field] !== undefined && seen[field] !== now[field] && given[field] !== now[field]
	);
	const [first] = unseen;
	if (first === undefined) return;
	const words = Object.fromEntries(
		unseen.map((field) => {
			const said = (says[field] as ((value: Shown) => string) | undefined) ?? sayShown;
			return [
				field,
				`Somebody has changed ${labels[field] ?? 'this'} meanwhile: now it is ${said(now[field])}. Save again to put yours in its place.`
			];
		})
	) as Record<Field, string>;
	throw new Refusal('CONFLICT', 'CHANGED', words[first], words, {
		now: Object.fromEntries(unseen.map((field) => [field, now[field]]))
	});
}
