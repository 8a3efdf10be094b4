import { events, isKnown, type Counted, type LiveEvent, type ToldOnlyTo } from './events.ts';
import type { Figures } from './event.ts';
import { recentLength } from './wire.ts';
import { matchesSearch } from './search.ts';
import { byId, without } from './apply.ts';
import type { AdminOrganization, Cursor, OrganizationOrder, Status, Organization } from './views.ts';

/**
 * What the portal admins' pages show, as of event number `seq`; `search`, `filter` and `order` say which rows were
 * asked for, `next` where the list goes on.
 */
export type PortalSnapshot = {
	seq: number;
	search: string;
	filter: Status | null;
	order: OrganizationOrder;
	next: Cursor | null;
	/** Rows that came later than the snapshot, with the number of the last event that they know. */
	later: Record<string, number>;
	counts: Record<Status, number>;
	organizations: AdminOrganization[];
	/** How many accounts wait for an approval. */
	waiting: number;
	/** How many requests for access to products wait. */
	accessRequests: number;
	recent: LiveEvent[];
};

/** Told to portal admins alone, and of nothing in their lists: pages that show it ask for it. The types ask for all others. */
type ShownElsewhere =
	| 'brand.updated'
	| 'email.changed'
	| 'email.reset'
	| 'email.restored'
	| 'gateway.created'
	| 'gateway.opened'
	| 'gateway.revoked'
	| 'gateway.rotated'
	| 'gateway.updated'
	| 'mailServer.updated'
	| 'plan.closed'
	| 'plan.created'
	| 'plan.deleted'
	| 'plan.opened'
	| 'plan.updated'
	| 'product.created'
	| 'product.deleted'
	| 'product.documented'
	| 'product.hidden'
	| 'product.kept'
	| 'product.published'
	| 'product.retired'
	| 'product.served'
	| 'product.shown'
	| 'product.updated'
	| 'settings.updated';

/** Whether the row was loaded after the event had happened. */
const knows = ({ later }: PortalSnapshot, id: string, { seq }: LiveEvent) => (later[id] ?? 0) >= seq;

/** The snapshot with further rows of its list, as of event number `seq`. */
export function extendPortal(
	snapshot: PortalSnapshot,
	page: { seq: number; organizations: AdminOrganization[]; next: Cursor | null }
): PortalSnapshot {
	const shown = new Set(snapshot.organizations.map(({ id }) => id));
	const rows = page.organizations.filter(({ id }) => !shown.has(id));
	return {
		...snapshot,
		next: page.next,
		organizations: [...snapshot.organizations, ...rows],
		later: { ...snapshot.later, ...Object.fromEntries(rows.map(({ id }) => [id, page.seq])) }
	};
}

/** The portal admins' snapshot after the event; see {@link applyOrganization}. */
export function applyPortal(snapshot: PortalSnapshot, event: LiveEvent): PortalSnapshot {
	const next = {
		...snapshot,
		seq: event.seq,
		recent: [event, ...snapshot.recent].slice(0, recentLength)
	};
	const changing = (change: (one: AdminOrganization) => AdminOrganization) => ({
		...next,
		organizations: next.organizations.map((one) =>
			one.id === event.organizationId && !knows(snapshot, one.id, event) ? change(one) : one
		)
	});
	const counted = ({ memberCount = 0, applicationCount = 0, accessRequests = 0 }: Figures) => ({
		...changing((one) => ({
			...one,
			memberCount: one.memberCount + memberCount,
			applicationCount: one.applicationCount + applicationCount
		})),
		accessRequests: next.accessRequests + accessRequests
	});
	switch (event.name) {
		case 'organization.requested':
		case 'organization.withdrawn':
		case 'organization.approved':
		case 'organization.rejected':
		case 'organization.suspended':
		case 'organization.restored': {
			const { organization, previousStatus } = event.payload;
			const counts = { ...next.counts };
			if (previousStatus) counts[previousStatus] -= 1;
			counts[organization.status] += 1;
			return { ...next, counts, organizations: withOrganization(next, event, organization) };
		}
		case 'organization.created': {
			const { organization } = event.payload;
			return {
				...next,
				counts: { ...next.counts, [organization.status]: next.counts[organization.status] + 1 },
				organizations: withOrganization(next, event, organization)
			};
		}
		case 'organization.deleted': {
			const { organization } = event.payload;
			return {
				...next,
				counts: { ...next.counts, [organization.status]: next.counts[organization.status] - 1 },
				organizations: without(next.organizations, organization.id)
			};
		}
		case 'organization.renamed':
		case 'organization.configured':
		case 'organization.deletionScheduled':
		case 'organization.deletionCancelled':
			return { ...next, organizations: withOrganization(next, event, event.payload.organization) };
		case 'member.joined':
		case 'member.activated': {
			// The last Super admin can't go, so that nothing else takes this away.
			const isSuperAdmin = event.payload.member.role === 'super_admin';
			return changing((one) => ({
				...one,
				memberCount: one.memberCount + 1,
				hasSuperAdmin: one.hasSuperAdmin || isSuperAdmin
			}));
		}
		case 'member.appointed':
			return changing((one) => ({ ...one, hasSuperAdmin: true }));
		case 'account.verified':
		case 'account.emailChanged':
			return { ...next, organizations: withProof(snapshot, event, event.payload.account) };
		case 'account.registered':
			return { ...next, waiting: next.waiting + (event.payload.account.status === 'pending' ? 1 : 0) };
		case 'account.approved':
		case 'account.rejected':
			return { ...next, waiting: next.waiting - 1 };
		case 'account.deleted':
			return { ...next, waiting: next.waiting - (event.payload.account.status === 'pending' ? 1 : 0) };
		case 'account.deactivated':
		case 'account.activated':
		case 'account.madeAdmin':
		case 'account.removedAsAdmin':
		case 'account.renamed':
		case 'account.passwordChanged':
		case 'account.passwordResetSent':
		case 'account.notificationsChanged':
			return next;
		default: {
			event satisfies ToldOnlyTo<'organization'> | Counted | Extract<LiveEvent, { name: ShownElsewhere }>;
			const figures = isKnown(event) ? events[event.name].figures : undefined;
			return figures ? counted(figures) : next;
		}
	}
}

/** The requests of somebody whose address is proven from now on. */
function withProof(
	snapshot: PortalSnapshot,
	event: LiveEvent,
	{ id, email }: { id: string; email: string }
): AdminOrganization[] {
	return snapshot.organizations.map((one) =>
		one.requestedBy?.id === id && !knows(snapshot, one.id, event)
			? { ...one, requestedBy: { ...one.requestedBy, email, isProven: true } }
			: one
	);
}

/** A row that no longer matches the filter stays until the next load, so that nothing moves under the pointer. */
function withOrganization(
	snapshot: PortalSnapshot,
	event: LiveEvent,
	organization: Organization
): AdminOrganization[] {
	if (knows(snapshot, organization.id, event)) return snapshot.organizations;
	const known = snapshot.organizations.find(({ id }) => id === organization.id);
	if (known) return byId(snapshot.organizations, { ...known, ...organization });
	if (!matchesSearch(organization, snapshot.search, snapshot.filter)) return snapshot.organizations;
	// Only what is new, or new under this filter: anything else stands on a page of the list that isn't loaded yet.
	const isNew = event.name === 'organization.requested' || event.name === 'organization.created';
	const isDecided = event.name === 'organization.approved' || event.name === 'organization.rejected';
	if (!isNew && !(isDecided && snapshot.filter)) return snapshot.organizations;
	// A request has its requester, what a portal admin creates has nobody yet.
	const isRequest = event.name !== 'organization.created';
	return [
		{ ...organization, memberCount: isRequest ? 1 : 0, applicationCount: 0, hasSuperAdmin: isRequest },
		...snapshot.organizations
	];
}
