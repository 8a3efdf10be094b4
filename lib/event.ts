export type Audience = 'organization' | 'portal' | 'both';

/**
 * One line in the table of events. `audience` says in which numbered streams it stands: the organization's own, the portal
 * admins', or both. Portal admins read them all; their own stream is what their lists are made of. `say` finishes the
 * sentence that the actor's name begins; what it takes is the shape of the payload, a type alone, so that pages need no
 * schemas to read sentences, and when it happened.
 */
export function event<const Told extends Audience, Payload>(
	audience: Told,
	say: (payload: Payload, at: string) => string
) {
	return { audience, say };
}
