import { SvelteMap } from 'svelte/reactivity';

/** Tokens that were made on this page, by gateway. They are shown until the page is loaded anew, and never again. */
const tokens = new SvelteMap<string, string>();

export const freshTokens = {
	get: (gatewayId: string) => tokens.get(gatewayId),
	show: (gatewayId: string, token: string) => void tokens.set(gatewayId, token),
	hide: (gatewayId: string) => void tokens.delete(gatewayId)
};
