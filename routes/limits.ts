import { page } from '$app/state';
import { live } from '#lib/browser/live.svelte.ts';
import { sayInvitationLimit } from '#lib/invitation-limits.ts';
import { maxActiveCredentials, sayApplicationLimit, sayCredentialLimit } from '#lib/limits.ts';
import { countPeople } from '#lib/apply.ts';
import type { Settings } from '#lib/settings.ts';
import { credentialState, type Application } from '#lib/views.ts';
import { getOrganizationFeed } from './feeds.ts';

/**
 * What the organization of the page has no more room for, in words; null where there is some. From its live snapshot, so
 * that a button comes back with the room. Call while a component is made. The server counts exactly, with members whose
 * accounts are deactivated too, and refuses by itself.
 */
export function useLimits() {
	const feed = getOrganizationFeed();
	const settings = (): Settings => live.settings ?? page.data.settings;
	return {
		invitation(): string | null {
			const { memberCount, invitationCount } = countPeople(feed().current);
			const { maxMembers, maxOpenInvitations } = settings();
			if (memberCount + invitationCount >= maxMembers) return sayInvitationLimit('members', maxMembers, null);
			return invitationCount >= maxOpenInvitations
				? sayInvitationLimit('open', maxOpenInvitations, null)
				: null;
		},
		application(): string | null {
			const { maxApplications } = settings();
			return feed().current.applications.length >= maxApplications
				? sayApplicationLimit(maxApplications)
				: null;
		},
		credential(application: Application | undefined, now: number): string | null {
			const working = application?.credentials.filter((one) => credentialState(one, now) === 'active') ?? [];
			return working.length >= maxActiveCredentials ? sayCredentialLimit : null;
		}
	};
}
