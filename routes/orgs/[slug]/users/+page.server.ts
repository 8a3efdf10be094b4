import { rosterFilters } from '#lib/people.ts';
import { api } from '../../../api.server.ts';
import { searchIn } from '../../../picking.ts';
import { orErrorPage } from '../../../refusals.ts';
import type { PageServerLoad } from './$types';
import type { Filter } from './roster.ts';

const filterIn = (url: URL): Filter => {
	const asked = rosterFilters.find((one) => one === url.searchParams.get('filter'));
	return asked && asked !== 'member' ? asked : 'all';
};
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * When each member was last seen; of an organization that has too many people for a snapshot, `first` of them. One that
 * isn't approved shows no members.
 */
export const load: PageServerLoad = async ({ parent, url }) => {
	const { organization, counts } = (await parent()).snapshot;
	const query = { search: searchIn(url), filter: filterIn(url) };
	if (organization.status !== 'approved') return { query, seen: {} as Record<string, string>, first: null };
	const organizationId = organization.id;
	if (!counts) {
		return {
			query,
			seen: await orErrorPage(api.members.listSeen.query({ organizationId }), url),
			first: null
		};
	}
	const asking = listFirst(organizationId, query, url.searchParams.get('member'));
	const first = await orErrorPage(asking, url);
	return { query, seen: first.seen, first };
};

/** @param memberId whose dialog the address asks for. */
async function listFirst(
	organizationId: string,
	query: { search: string; filter: Filter },
	memberId: string | null
) {
	const first = await api.members.list.query({ organizationId, ...query });
	const isMissing = memberId !== null && !first.members.some(({ id }) => id === memberId);
	if (!isMissing || !uuid.test(memberId)) return first;
	const { seq, members } = await api.members.listNamed.query({ organizationId, ids: [memberId] });
	return { ...first, seq: Math.min(first.seq, seq), members: [...first.members, ...members] };
}
