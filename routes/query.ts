import { navigating, page } from '$app/state';

/**
 * The address of this list with one part changed. From where the page is being led already, so that nothing that was
 * chosen a moment ago is taken back by the next choice.
 */
export function withQuery(path: string, name: string, value: string | null): string {
	const to = navigating.to?.url;
	const query = new URLSearchParams((to?.pathname === path ? to : page.url).searchParams);
	if (value) query.set(name, value);
	else query.delete(name);
	const text = query.toString();
	return text ? `${path}?${text}` : path;
}
