import type { Departure } from './departure.svelte.ts';
import type { Bindings } from '../src/http/app.ts';

declare global {
	/** How a page's `load` reaches the API without leaving the process; set by the server. */
	var porticoFetch: (request: Request, bindings: Bindings) => Promise<Response>;

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
