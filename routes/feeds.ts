import { createContext } from 'svelte';
import { applyOrganization, type OrganizationSnapshot } from '#lib/apply.ts';
import { isKnown, type LiveEvent } from '#lib/events.ts';
import { Feed } from '#lib/browser/feed.svelte.ts';
import { live } from '#lib/browser/live.svelte.ts';
import { questionLimit } from '#lib/browser/pauses.ts';
import { api, isNotNow, refusalOf } from './api.ts';
import { departures } from './departure.svelte.ts';
import { reload } from './reload.ts';

/** The live snapshot below `/orgs/[slug]`, handed down by its layout; that of the admins is in admin/feed.ts. */
export const [getOrganizationFeed, setOrganizationFeed] = createContext<() => Feed<OrganizationSnapshot>>();

type Answer = Promise<{ events: LiveEvent[] | null }>;

/** Who can't answer now, a server or its database, has nothing to tell and is asked again. A refusal loads the page anew. */
export async function orNoEvents(asking: Answer): Answer {
	try {
		return await asking;
	} catch (error) {
		if (!isNotNow(error)) throw error;
		live.missAnswer();
		return { events: [] };
	}
}

export function createOrganizationFeed(
	snapshot: OrganizationSnapshot,
	onEvent: (event: LiveEvent) => void,
	load = () => void reload()
): Feed<OrganizationSnapshot> {
	const organizationId = snapshot.organization.id;
	return new Feed(snapshot, {
		stream: { kind: 'organization', organizationId },
		apply: applyOrganization,
		async since(after) {
			if (departures.isHeld) return { events: [] };
			try {
				return await orNoEvents(
					api.activity.since.query({ organizationId, after }, { signal: questionLimit() })
				);
			} catch (error) {
				if (refusalOf(error).status === 404) await departures.look().catch(() => undefined);
				throw error;
			}
		},
		reload: load,
		onEvent
	});
}

/** The id of the row that an event is about, to show it as fresh. */
export function subjectOf(event: LiveEvent): string | null {
	if (!isKnown(event)) return null;
	const { payload } = event;
	if ('credential' in payload && payload.credential) return payload.credential.id;
	if ('access' in payload) return payload.access.request?.id ?? payload.access.applicationId;
	if ('application' in payload) return payload.application.id;
	if ('invitation' in payload) return payload.invitation.id;
	if ('member' in payload) return payload.member.id;
	if ('organization' in payload) return payload.organization.id;
	if ('gateway' in payload) return payload.gateway.id;
	return 'account' in payload ? payload.account.id : null;
}
