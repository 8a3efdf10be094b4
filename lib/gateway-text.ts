/** What the lines for gateways' programs are made of. */

/** Where the lines have a gateway listen, and where the API behind it is: to be replaced by one's own. */
export const sampleListen = '8080';
export const sampleApi = '127.0.0.1:9000';
export const samplePlaceholder = 'TOKEN-OF-THIS-GATEWAY';

export interface Given {
	/** The public address of the portal. */
	origin: string;
	token: string;
	/** What sets these lines apart from those of other gateways and products, in the configuration of one program. */
	suffix: string;
	/** Path and query by which the gateway asks: with the API product that it names, if it names one. */
	question: string;
	/** The headers of a client in which the gateway looks for the key, in lower case. */
	headers: string[];
}

export const lines = (...all: (string | string[] | false)[]) =>
	all
		.flat()
		.filter((line) => line !== false)
		.join('\n');
