import type { EventName } from './events.ts';

type FirstWord<Name> = Name extends `${infer First}.${string}` ? First : never;
/** What an event is about: the first word of its name. */
export type Kind = FirstWord<EventName>;

/** An event by its name, or all that can happen to one kind of thing, such as `product.*`. */
export type EventPattern = EventName | `${Kind}.*`;

/** Whether an event of this name is one of these. A name that no event has is an error of types, where it is written. */
export const isOneOf = (name: string, patterns: readonly EventPattern[]): boolean =>
	patterns.some((one) => (one.endsWith('.*') ? name.startsWith(one.slice(0, -1)) : name === one));
