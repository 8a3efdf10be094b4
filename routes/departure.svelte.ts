import { invalidate } from '$app/navigation';
import { navigating, page } from '$app/state';
import type { OrganizationSnapshot } from '#lib/apply.ts';
import { questionLimit } from '#lib/browser/pauses.ts';
import { endsMembership, endsOrganization } from '#lib/departures.ts';
import type { LiveEvent } from '#lib/events.ts';
import type { api as Api } from './api.ts';

type Session = Awaited<ReturnType<typeof Api.sessions.get.query>>;

/** The frame of every page holds this file, and signing in needs no client of the API. */
const getApi = async () => (await import('./api.ts')).api;

/** The account as it is now. @throws {Error} when nobody answers in time. */
export async function getSession(): Promise<Session> {
	return (await getApi()).sessions.get.query({}, { signal: questionLimit() });
}

/** An organization whose page is open, and whose reader is no longer in it. */
export interface Departure {
	organization: { id: string; name: string };
	/** What ended it, by whom and when; null where nobody can tell any more. */
	event: LiveEvent | null;
}

/** Whether the event takes the organization away from this person: whatever comes after it they don't hear. */
export function takesAway(event: LiveEvent, userId: string | undefined): boolean {
	return endsOrganization(event) || (endsMembership(event) && event.payload.member.userId === userId);
}

/** The snapshot of the organization whose page is open; the admins' pages have another kind. */
function findOpen(): OrganizationSnapshot | null {
	const { snapshot } = page.data as { snapshot?: object };
	return snapshot && 'organization' in snapshot ? (snapshot as OrganizationSnapshot) : null;
}

/**
 * Whoever is removed, or leaves on another page, is told so on the page that is open, from the news itself. To load it
 * again would put "not found" in its place: whatever asks for that looks at the account alone, until another page opens.
 */
class Departures {
	#noted = $state.raw<(Departure & { seq: number }) | null>(null);
	/** The account as it was last told since then. */
	session = $state.raw<Session | null>(null);
	#isLeaving = false;

	/** What has become of the organization whose page is open; null while its reader is in it. */
	get here(): Departure | null {
		const [open, noted] = [findOpen(), this.#noted];
		// Whoever is back has loaded a later snapshot.
		return noted && open?.organization.id === noted.organization.id && open.seq <= noted.seq ? noted : null;
	}

	/** Whether the page must not be loaded again. */
	get isHeld(): boolean {
		return this.#isLeaving || this.here !== null;
	}

	/** The reader of the page that is open is no longer in its organization. */
	note(event: LiveEvent | null): void {
		const open = findOpen();
		if (!open || this.#isLeaving || this.here?.event) return;
		const { id, name } = open.organization;
		if (!this.here) this.session = null;
		this.#noted = { organization: { id, name }, event, seq: open.seq };
		// What was loaded ahead for the link under the pointer was decided before: the dashboard would lead back here.
		if (!navigating.to) void invalidate('portico:ahead');
	}

	/** Finds out by the account whether its person is still in the organization of the page: news may have been missed. */
	async look(given?: Session): Promise<void> {
		const open = findOpen();
		if (!open || this.isHeld) return;
		const { id: organizationId, slug } = open.organization;
		const session = given ?? (await getSession());
		if (session.account?.id !== page.data.account?.id) return;
		if (session.organizations.some(({ id }) => id === organizationId)) return;
		const api = await getApi();
		const found = await api.members.findDeparture.query({ slug }, { signal: questionLimit() });
		if (findOpen()?.organization.id === organizationId) this.note(found?.event ?? null);
	}

	/** Whether who was no longer in the organization of the page is in it again. */
	isBack({ organizations }: Pick<Session, 'organizations'>): boolean {
		const gone = this.here;
		return gone !== null && organizations.some(({ id }) => id === gone.organization.id);
	}

	/** What is done in place of loading the page again; true where it may be loaded: its reader is a member again. */
	async refresh(): Promise<boolean> {
		const gone = this.here;
		if (!gone) return false;
		const session = await getSession();
		if (this.isBack(session)) return true;
		if (this.here === gone) this.session = session;
		return false;
	}

	/** Whether another page is open since then: what it shows of the account is as old as the page that was left. */
	moveOn(): boolean {
		if (!this.#noted || this.here) return false;
		this.#noted = null;
		return true;
	}

	/** Ends the membership from this page, which then leads on by itself. */
	async leave(leaving: () => Promise<void>): Promise<void> {
		this.#isLeaving = true;
		try {
			await leaving();
		} finally {
			this.#isLeaving = false;
		}
	}
}

export const departures = new Departures();
