import { parentPort } from 'node:worker_threads';
import mjml from 'mjml';

/** What runs beside the process: see mjml.ts. */

export interface Task {
	id: number;
	source: string;
}

export interface Made {
	html: string;
	/** By line, counted from 1. */
	errors: { line: number; message: string }[];
}

export type MjmlAnswer = { id: number } & (Made | { failure: string });

parentPort?.on('message', async ({ id, source }: Task) => {
	const answer = await mjml(source, {
		validationLevel: 'soft',
		// By itself MJML has known fonts loaded from Google, who would hear of everybody who opens a message.
		fonts: {},
		ignoreIncludes: true,
		keepComments: true
	}).then(
		({ html, errors }): MjmlAnswer => ({
			id,
			html,
			errors: errors.map(({ line, message }) => ({ line, message }))
		}),
		(error: unknown): MjmlAnswer => ({ id, failure: error instanceof Error ? error.message : String(error) })
	);
	parentPort?.postMessage(answer);
});
