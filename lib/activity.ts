import type { Kind } from './event-patterns.ts';
import type { EventName, LiveEvent } from './events.ts';
import { events, isKnown } from './events.ts';
import { moment, z } from './schema.ts';
import type { Stream } from './wire.ts';

/** What "Activity" can be narrowed to: read from the address by pages and exports, asked of the API, applied to news. */

export const kindLabels: Record<Kind, string> = {
	organization: 'Organizations',
	member: 'Members',
	invitation: 'Invitations',
	application: 'Applications',
	credential: 'Credentials',
	account: 'Accounts',
	settings: 'Settings',
	mailServer: 'Mail server',
	gateway: 'Gateways',
	product: 'API products',
	plan: 'Plans',
	access: 'Access to APIs',
	email: 'E-mails',
	brand: 'Look of e-mails'
};
export const kinds = Object.keys(kindLabels) as [Kind, ...Kind[]];

export const kindOf = (name: EventName) => name.split('.')[0] as Kind;

/** The kinds that an organization's own activity tells of. */
export const organizationKinds = kinds.filter((kind) =>
	Object.entries(events).some(
		([name, { audience }]) => audience !== 'portal' && kindOf(name as EventName) === kind
	)
);

/** As the API takes it; `to` is the first moment that no longer belongs to it. */
export const activityFilter = {
	personId: z.uuid().optional(),
	kind: z.enum(kinds).optional(),
	from: moment.optional(),
	to: moment.optional()
};
export type ActivityFilter = z.infer<z.ZodObject<typeof activityFilter>> & { organizationId?: string };

/** Where a list of events goes on: time in microseconds and id of the last one. */
export const eventCursor = z.strictObject({ at: z.number().int().min(0), id: z.number().int().min(0) });
export type EventCursor = z.infer<typeof eventCursor>;

/** An event in a list, and the stream in which its number counts. */
export type ActivityEntry = LiveEvent & { stream: Stream['kind'] };

/** Some events, newest first, and what the page needs to show them. */
export type ActivityPage = {
	events: ActivityEntry[];
	next: EventCursor | null;
	/** How many fit, as far as they were counted; null after the first page. */
	count: number | null;
	/** The organizations that the events are about, by id; none for one that was deleted. */
	organizations: Record<string, { name: string; isPersonal: boolean }>;
	/** Whom and what the filter names. */
	person: { id: string; name: string } | null;
	organization: { id: string; name: string } | null;
};

/** The organization that an event is about, by its name; the one that it had where it is gone. */
export function organizationNameOf(
	event: LiveEvent,
	organizations: ActivityPage['organizations']
): string | null {
	if (!event.organizationId) return null;
	const { payload } = event;
	const told =
		isKnown(event) && 'organization' in payload ? payload.organization.name : 'a deleted organization';
	return organizations[event.organizationId]?.name ?? told;
}

/** More than these are not counted. */
export const countLimit = 1000;

/** Whether an event that has just happened belongs to what is shown. */
export function fitsActivity(
	{ organizationId, personId, kind, from, to }: ActivityFilter,
	event: LiveEvent
): boolean {
	return (
		(!organizationId || event.organizationId === organizationId) &&
		(!personId || event.actor.id === personId) &&
		(!kind || kindOf(event.name) === kind) &&
		(!from || event.at >= from) &&
		(!to || event.at < to)
	);
}

/** The filter as it stands in an address; empty where nothing is asked. Days are those of the time zone. */
export type ActivityQuery = Record<'organization' | 'person' | 'kind' | 'from' | 'to' | 'zone', string>;

/** A day that is in the calendar, in years that every database knows. */
function isDay(text: string): boolean {
	if (!/^\d{4}-\d\d-\d\d$/.test(text) || text < '1970' || text >= '9999') return false;
	const at = Date.parse(`${text}T00:00:00Z`);
	return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

function isZone(text: string): boolean {
	try {
		new Intl.DateTimeFormat('en', { timeZone: text });
		return true;
	} catch {
		return false;
	}
}

/** What nobody could mean is left out: an address is typed and shortened by hand too. */
export function readActivityQuery(params: URLSearchParams): ActivityQuery {
	const text = (name: string) =>
		params.get(name)?.slice(0, 200).trim().toWellFormed().replaceAll('\0', '') ?? '';
	const only = (name: string, is: (text: string) => boolean) => (is(text(name)) ? text(name) : '');
	return {
		organization: text('organization'),
		person: text('person'),
		kind: only('kind', (kind) => Object.hasOwn(kindLabels, kind)),
		from: only('from', isDay),
		to: only('to', isDay),
		zone: only('zone', isZone)
	};
}

/** The address's part after "?", or nothing; the zone only beside a day. */
export function writeActivityQuery(query: Partial<ActivityQuery>): string {
	const { zone, ...rest } = query;
	const params = new URLSearchParams();
	for (const [name, value] of Object.entries(rest)) if (value) params.set(name, value);
	if (zone && (rest.from || rest.to)) params.set('zone', zone);
	const text = params.toString();
	return text && `?${text}`;
}

/** The moment when a day begins in a time zone, some days later. */
function startOf(day: string, zone: string, daysLater = 0): string {
	const utc = Date.parse(`${day}T00:00:00Z`) + daysLater * 86_400_000;
	const format = new Intl.DateTimeFormat('en', { timeZone: zone || 'UTC', timeZoneName: 'longOffset' });
	const offsetAt = (at: number) => {
		const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
		const [, sign, hours = 0, minutes = 0] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
		return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
	};
	// Twice: the offset may have changed between the first guess and the moment itself.
	return new Date(utc - offsetAt(utc - offsetAt(utc))).toISOString();
}

/** What the API is asked for; `person` and `organization` have to be ids by now. */
export function filterOf({ organization, person, kind, from, to, zone }: ActivityQuery): ActivityFilter {
	return {
		...(organization && { organizationId: organization }),
		...(person && { personId: person }),
		...(kind && { kind: kind as Kind }),
		...(from && { from: startOf(from, zone) }),
		...(to && { to: startOf(to, zone, 1) })
	};
}
