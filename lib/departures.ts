import type { LiveEvent } from './events.ts';

/** What takes an organization away from people: whatever happens there after it they don't hear. */

/** From one of them. */
export const memberEnds = ['member.removed', 'member.left'] as const;
/** From all of them. */
const ends = ['organization.deleted', 'organization.withdrawn'] as const;

type Named<Name> = Extract<LiveEvent, { name: Name }>;

export const endsMembership = (event: LiveEvent): event is Named<(typeof memberEnds)[number]> =>
	memberEnds.some((name) => name === event.name);
export const endsOrganization = (event: LiveEvent): event is Named<(typeof ends)[number]> =>
	ends.some((name) => name === event.name);
