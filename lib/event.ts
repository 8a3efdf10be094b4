import type { z } from './schema.ts';

export type Audience = 'organization' | 'portal' | 'both';

/**
 * One line in the table of events. `audience` says in which numbered streams it stands: the organization's own, the portal
 * admins', or both. Portal admins read them all; their own stream is what their lists are made of. `say` finishes the
 * sentence that the actor's name begins.
 */
export function event<const Told extends Audience, Payload extends z.ZodType>(
	audience: Told,
	payload: Payload,
	say: (payload: z.infer<Payload>) => string
) {
	return { audience, payload, say };
}
