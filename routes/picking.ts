import { searchKey } from '#lib/search.ts';
import type { OrganizationSnapshot } from '#lib/apply.ts';
import { fullName } from '#lib/views.ts';
import type { Candidate } from '#lib/components/PickerField.svelte';
import type { Api } from './api.ts';

/** What the fields of "Activity" find by typing, in the browser and, for a form without script, on the server. */

/** What the address asks a list for; an address is typed by hand too, so what can't be searched for is left out. */
export const searchIn = (url: URL, name = 'search') =>
	(url.searchParams.get(name) ?? '').slice(0, 200).toWellFormed().replaceAll('\0', '');

const shownAtOnce = 8;
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

export async function findOrganizations(api: Api, search: string): Promise<Candidate[]> {
	const { organizations } = await api.organizations.list.query({ search });
	return organizations.slice(0, shownAtOnce).map(({ id, name, requestedBy }) => ({
		id,
		name,
		...(requestedBy && { note: requestedBy.email })
	}));
}

export async function findAccounts(api: Api, search: string): Promise<Candidate[]> {
	const { accounts } = await api.accounts.list.query({ search });
	return accounts
		.slice(0, shownAtOnce)
		.map((account) => ({ id: account.id, name: fullName(account), note: account.email }));
}

/** Where the snapshot doesn't list all members, the server looks for them. */
export async function findMembers(
	api: Api,
	{ organization, members, counts }: OrganizationSnapshot,
	search: string
): Promise<Candidate[]> {
	const wanted = searchKey(search);
	const asked = { organizationId: organization.id, search, filter: 'member' } as const;
	return (counts ? (await api.members.list.query(asked)).members : members)
		.map((member) => ({ id: member.userId, name: fullName(member), note: member.email }))
		.filter(({ name, note }) => searchKey(`${name} ${note}`).includes(wanted))
		.slice(0, shownAtOnce);
}

/** Whom or what a text in the address means: an id, the one that is called so, or the only one that was found. */
export async function identify(
	text: string,
	search: (text: string) => Candidate[] | Promise<Candidate[]>
): Promise<{ id: string; candidates: Candidate[]; error?: string }> {
	if (!text || uuid.test(text)) return { id: text.toLowerCase(), candidates: [] };
	const candidates = await search(text);
	const isCalledSo = ({ name, note }: Candidate) =>
		[name, note].some((one) => one !== undefined && searchKey(one) === searchKey(text));
	const called = candidates.filter(isCalledSo);
	const [only, ...others] = called.length > 0 ? called : candidates;
	if (!only) return { id: '', candidates, error: `Nothing found for “${text}”.` };
	if (others.length === 0) return { id: only.id, candidates: [] };
	return { id: '', candidates, error: 'Several fit. Which one?' };
}
