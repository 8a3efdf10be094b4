import type { IncomingMessage } from 'node:http';

/** How questions.ts has something answered. */

export interface Question {
	incoming: IncomingMessage;
	/** Path and query. */
	target: string;
	/** The network address of whoever asks. */
	address: string;
}

export interface Reply {
	status: number;
	headers: Record<string, string>;
	/** Empty for none. */
	body: string;
}

export type Answering = (question: Question) => Promise<Reply>;
