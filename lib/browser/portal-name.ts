import { page } from '$app/state';
import { defaultName } from '../default-name.ts';
import { live } from './live.svelte.ts';

/** The portal's name as last told, or as the page was loaded with it. Reactive where it is called from a component. */
export function getPortalName(): string {
	const { settings } = page.data as { settings?: { name: string } };
	return live.settings?.name ?? settings?.name ?? defaultName;
}
