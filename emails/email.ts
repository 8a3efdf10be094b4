import type { z } from 'zod';

/** How many e-mails an hour strangers can have the portal send to one person. */
export const perHour = 5;
export const perHourWithoutLink = 3;

/**
 * Every e-mail that Portico sends: what it is for, which variables its template `<name>.mjml` may use, its subject and
 * sample values for a preview. `portalName`, `portalUrl` and `supportEmail` can be used everywhere.
 */
export function email<Shape extends z.core.$ZodLooseShape>(one: {
	description: string;
	subject: string;
	props: z.ZodObject<Shape, z.core.$strict>;
	sample: z.infer<z.ZodObject<Shape, z.core.$strict>>;
	/**
	 * For what a call without a session can cause. `proof`: only with a password or a link that was mailed. A number:
	 * anybody can, who knows the address; so its reader gets it only while such e-mails of the last hour are fewer, all of
	 * them together. What brings a link goes on when the rest has stopped, so that nobody can keep links from a person.
	 */
	anyone?: 'proof' | typeof perHour | typeof perHourWithoutLink;
}) {
	return one;
}
