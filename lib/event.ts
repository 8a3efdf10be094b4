export type Audience = 'organization' | 'portal' | 'both';

/**
 * One line in the table of events. `audience` says in which numbered streams it stands: the organization's own, the portal
 * admins', or both. Portal admins read them all; their own stream is what their lists are made of. `say` finishes the
 * sentence that the actor's name begins; what it takes is the shape of the payload, a type alone, so that pages need no
 * schemas to read sentences, and when it happened. All but `harmless` ones may end answers that are kept in memory.
 */
export function event<const Told extends Audience, Payload>(
	audience: Told,
	say: (payload: Payload, at: string) => string,
	{ mayEnd } = { mayEnd: true }
) {
	return { audience, say, mayEnd };
}

/**
 * Of what can't end an answer that a process keeps, such as what a key is worth: it makes something new, shows it, or is about
 * people and how e-mails go out.
 */
export const harmless = { mayEnd: false };
