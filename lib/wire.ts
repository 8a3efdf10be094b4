import type { LiveEvent } from './events.ts';
import type { Settings } from './settings.ts';
import type { EmailEditor } from './views.ts';

/** What travels on the socket. */

/** Which of the two numbered streams a list of events belongs to. */
export type Stream = { kind: 'organization'; organizationId: string } | { kind: 'portal' };

/** Whether two names mean the same stream. */
export const isSameStream = (one: Stream, other: Stream) =>
	one.kind === 'organization' && other.kind === 'organization'
		? one.organizationId === other.organizationId
		: one.kind === other.kind;

/** How many of the latest events a snapshot holds. */
export const recentLength = 20;

/** Why a page is not connected: its session is over, the portal can't say at the moment, or too many pages are open. */
export const refusals = {
	SIGNED_OUT: 'You are signed out.',
	UNAVAILABLE: 'The portal can’t be reached at the moment.',
	TOO_MANY: 'Too many open pages.'
} as const;

/** Stands in the `data.reason` of a refused connection. Any other one is as `UNAVAILABLE`: not now. */
export type RefusedBecause = keyof typeof refusals;

/** So many of those who are there are named; of a crowd the number says more. */
export const namesAtMost = 50;

/** Who has a page open: how many people, and the first {@link namesAtMost} of them. */
export interface Online {
	count: number;
	userIds: string[];
}

/** What the server tells a page. Nothing travels the other way: a socket carries news, never commands. */
export interface ServerToClient {
	/**
	 * A numbered event of one of the rooms of this socket. Portal admins hear the events of organizations too, as far as
	 * their own stream doesn't tell them.
	 */
	event: (stream: Stream, event: LiveEvent) => void;
	/** The portal's settings as they are now, to every open page, signed in or not. */
	settings: (settings: Settings) => void;
	/** Something about the account itself changed: its organizations, roles, names or address. Load again. */
	account: () => void;
	/** Who of this organization has a page open: told to a page that has just come, and whenever it has changed. */
	online: (organizationId: string, online: Online) => void;
	/** The person has seen this organization up to that event, on this page or another one. */
	seen: (organizationId: string, seq: number) => void;
	/** A message went into the mailbox or out of the door. */
	mailbox: () => void;
	/** An alarm began, changed or ended. */
	alarms: () => void;
	/** A gateway has asked something. */
	gateways: () => void;
	/**
	 * Something about the products that one may see may have changed: told to every open page, signed in or not. Whoever
	 * shows any asks again, each at a moment of its own within so many milliseconds.
	 */
	products: (withinMs: number) => void;
	/** Requests of this organization were counted, to its members; of any, to portal admins, with null. */
	usage: (organizationId: string | null) => void;
	/** Who has the editor of this e-mail open now. */
	editors: (name: string, editors: EmailEditor[]) => void;
	/** Whether news reach the server: told when a page connects, and whenever it changes. */
	news: (isLive: boolean) => void;
	/** The server itself may have missed news: every snapshot has to be compared again. */
	resync: () => void;
	/** This session is over; the reason is for the person. */
	ended: () => void;
}

/** The account that a page was drawn for. Another one may be signed in by the time that it calls. */
export const accountHeader = 'x-portico-account';
