export type Audience = 'organization' | 'portal' | 'both';

/** By how much an event changes what the portal admins' lists count: in the row of its organization, and of what waits. */
export interface Figures {
	memberCount?: number;
	applicationCount?: number;
	accessRequests?: number;
}

/**
 * One line in the table of events. `audience` says in which numbered streams it stands: the organization's own, the portal
 * admins', or both. Portal admins read them all; their own stream is what their lists are made of. `say` finishes the
 * sentence that the actor's name begins; what it takes is the shape of the payload, a type alone, so that pages need no
 * schemas to read sentences, and when it happened. All but `harmless` ones may end answers that are kept in memory. What it
 * is to the portal admins' lists `counting` says, where it is a matter of figures, or else `apply-portal.ts`.
 */
export function event<const Told extends Audience, Payload, Changed extends Figures | undefined = undefined>(
	audience: Told,
	say: (payload: Payload, at: string) => string,
	{ mayEnd = true, figures }: { mayEnd?: boolean; figures?: Changed } = {}
) {
	return { audience, say, mayEnd, figures: figures as Changed };
}

export const counting = (figures: Figures) => ({ figures });
/** Of what changes no figure either. */
export const uncounted = counting({});

/**
 * Of what can't end an answer that a process keeps, such as what a key is worth: it makes something new, shows it, or is about
 * people and how e-mails go out.
 */
export const harmless = { mayEnd: false };
