import { navigating, page } from '$app/state';

/** Where a list goes on that its address has the start of: another choice begins at its beginning. */
const cursor = ['after', 'id'];

/**
 * What the address of this list holds beside one part. From where the page is being led already, so that nothing that
 * was chosen a moment ago is taken back by the next choice.
 */
export function otherChoices(path: string, name: string): [string, string][] {
	const to = navigating.to?.url;
	const { searchParams } = to?.pathname === path ? to : page.url;
	return [...new Map(searchParams)].filter(([key]) => key !== name && !cursor.includes(key));
}

/** The address of this list with one part changed. */
export function withQuery(path: string, name: string, value: string | null): string {
	const query = new URLSearchParams(otherChoices(path, name));
	if (value) query.set(name, value);
	const text = query.toString();
	return text ? `${path}?${text}` : path;
}
