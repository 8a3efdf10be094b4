import { SvelteMap } from 'svelte/reactivity';

/** How often it was told that requests were counted: by organization, and under null of any, to portal admins. */
const told = new SvelteMap<string | null, number>();

export function noteUsage(organizationId: string | null): void {
	told.set(organizationId, (told.get(organizationId) ?? 0) + 1);
}

/** Grows whenever requests of the organization were counted. */
export const usageTold = (organizationId: string | null): number => told.get(organizationId) ?? 0;
