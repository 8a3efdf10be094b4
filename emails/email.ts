import type { z } from 'zod';
import type { Topic } from '#lib/topics.ts';

/** How many e-mails an hour strangers can have the portal send to one person. */
export const perHour = 5;
export const perHourWithoutLink = 3;

/**
 * Every e-mail that Portico sends: what it is for, its subject, which variables its template `<name>.mjml` may use and what
 * they mean, and sample values for a preview. What can be used in every e-mail stands in variables.ts.
 */
export interface EmailEntry {
	description: string;
	subject: string;
	/**
	 * For what a call without a session can cause. `proof`: only with a password or a link that was mailed. A number:
	 * anybody can, who knows the address; so its reader gets it only while such e-mails of the last hour are fewer, all of
	 * them together. What brings a link goes on when the rest has stopped, so that nobody can keep links from a person.
	 */
	anyone?: 'proof' | typeof perHour | typeof perHourWithoutLink;
	/**
	 * Somebody waits for it at the screen, and can't go on without it: it goes before everything that doesn't say so,
	 * however much of that is queued. Not what a person merely has caused, such as an invitation, which may be one of a
	 * thousand.
	 */
	isAwaited?: true;
	/** What people may do without. An e-mail without a topic is a part of what its reader is doing, and always sent. */
	topic?: Topic;
	/** How messages to the same person become one, of another e-mail, when they come within a minute. */
	gathering?: {
		into: string;
		gather: (all: Record<string, string>[]) => Record<string, string>;
	};
}

export function defineEmail<Shape extends z.core.$ZodLooseShape>(
	one: EmailEntry & {
		props: z.ZodObject<Shape, z.core.$strict>;
		sample: z.infer<z.ZodObject<Shape, z.core.$strict>>;
	}
) {
	return one;
}
