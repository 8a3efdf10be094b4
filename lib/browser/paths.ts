/**
 * The path that a `next=` names, if it stays on our own origin; else "/dashboard". Browsers read a backslash as a
 * slash and drop tabs and line breaks, so both are refused before anything is resolved; what is resolved may begin
 * with two slashes though the text did not ("/..//evil.example"), and would be another host.
 */
export function ownPath(next: string | null): string {
	const home = '/dashboard';
	if (!next?.startsWith('/') || /[\\\p{Cc}]/u.test(next)) return home;
	const here = 'http://portico.invalid';
	if (!URL.canParse(next, here)) return home;
	const url = new URL(next, here);
	const isOwn = url.origin === here && !url.pathname.startsWith('//');
	return isOwn ? url.pathname + url.search : home;
}
