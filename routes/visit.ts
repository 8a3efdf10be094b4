import { page } from '$app/state';
import type { OrganizationSnapshot } from '#lib/apply.ts';
import type { Feed } from '#lib/browser/feed.svelte.ts';
import { live } from '#lib/browser/live.svelte.ts';
import { api, apiBy } from './api.ts';

/** What is told while the page goes away has to arrive all the same. */
const parting = apiBy((url, init) => fetch(url, { ...init, keepalive: true }));

export interface Visit {
	/** Tells the server up to which event the organization has been seen. */
	tell(): void;
	end(): void;
}

/**
 * An organization's page is open. The server learns of it when it opens, when it is left or hidden, and after what the
 * person themselves has done; not with each event, which would be a call for every open page of every teammate.
 */
export function beginVisit(feed: Feed<OrganizationSnapshot>): Visit {
	const organizationId = feed.current.organization.id;
	let told = -1;

	function see(isVisit: boolean, through = api) {
		const { seq, members } = feed.current;
		// Whoever has just been removed has nothing more to say.
		const isMember = members.some(({ userId }) => userId === page.data.account?.id);
		if (!isMember || (seq <= told && !isVisit)) return;
		told = seq;
		live.see(organizationId, seq);
		// Without an answer the mark stays until the next visit.
		through.members.see.mutate({ organizationId, seq, isVisit }).catch(() => (told = -1));
	}
	const look = () => {
		if (document.visibilityState === 'visible') see(true);
		else see(false, parting);
	};
	look();
	document.addEventListener('visibilitychange', look);
	return {
		tell: () => see(false),
		end() {
			document.removeEventListener('visibilitychange', look);
			see(false, parting);
		}
	};
}
