import { rejectionReason } from '#lib/fields.ts';

/** What is wrong with a reason, in words; nothing where it can be given. In a file of its own, which loads when it is asked. */
export const findProblem = (reason: string): string | undefined =>
	rejectionReason.safeParse(reason).error?.issues[0]?.message;
