import pino, { type Logger } from 'pino';
import { withoutSecrets } from '#lib/redaction.ts';

/** What a log line says of an error. */
interface Told {
	type: string;
	message: string;
	code?: string;
	stack?: string;
	cause?: Told;
}

/**
 * Of an error only this, whatever else hangs on it: drivers hang statements, parameters and whole connections on theirs,
 * with the key by which a query of that connection can be cancelled. Also for what is no Error: pg-boss copies some.
 * Its words may repeat what somebody has sent, the secret of a link among it.
 */
export function errorOf(error: unknown, depth = 0): Told | string {
	if (typeof error !== 'object' || error === null) return withoutSecrets(String(error)).slice(0, 500);
	const { name, message, code, stack, cause } = error as Partial<Record<keyof Error | 'code', unknown>>;
	const text = (value: unknown) => (typeof value === 'string' ? withoutSecrets(value) : undefined);
	const told: Told = {
		type: text(name) ?? error.constructor?.name ?? 'Error',
		message: text(message) ?? ''
	};
	if (typeof code === 'string' || typeof code === 'number') told.code = String(code);
	if (text(stack)) told.stack = text(stack);
	if (cause !== undefined && depth < 3) {
		const deeper = errorOf(cause, depth + 1);
		told.cause = typeof deeper === 'string' ? { type: 'Error', message: deeper } : deeper;
	}
	return told;
}

/** The one log of a process. Errors go under `err`, and say there what {@link errorOf} lets through. */
export function createLog(level: string): Logger {
	return pino({
		level,
		serializers: { err: (error: unknown) => errorOf(error), error: (error: unknown) => errorOf(error) },
		// Belt and braces: nothing of this is logged on purpose.
		redact: ['*.password', '*.token', '*.secret']
	});
}
