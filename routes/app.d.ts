import type { Inside } from '../src/http/inside.ts';
import type { Departure } from './departure.svelte.ts';

declare global {
	/** How a page's `load` reaches the API without leaving the process; set by the server. */
	var portico: Inside;

	namespace App {
		interface Error {
			message: string;
			requestId?: string;
			/** Where the page belongs to an organization that its reader has been in. */
			departure?: Departure;
		}
		interface Locals {
			/** In how many seconds what the API refused may be tried again. */
			retryAfter?: string;
		}
	}
}
