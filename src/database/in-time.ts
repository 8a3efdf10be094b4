/** Into how many steps a wait is divided. */
const steps = 8;

/**
 * Calls once so many milliseconds have passed in which this process was awake. While the machine sleeps, or is so busy that
 * this process doesn't get on, the other side is not silent: its answer lies there, and is read between two steps.
 * @returns what ends the wait.
 */
export function afterAwake(milliseconds: number, call: () => void): () => void {
	let left = steps;
	let timer: NodeJS.Timeout;
	const step = () =>
		void (timer = setTimeout(() => {
			left -= 1;
			if (left > 0) step();
			else call();
		}, milliseconds / steps));
	step();
	return () => clearTimeout(timer);
}

/** The answer, where it comes within so many milliseconds, as {@link afterAwake} counts them. @throws {Error} otherwise. */
export async function inTime<Result>(answer: Promise<Result>, milliseconds: number): Promise<Result> {
	const late = Promise.withResolvers<never>();
	const end = afterAwake(milliseconds, () => late.reject(new Error('no answer in time')));
	answer.catch(() => undefined);
	try {
		return await Promise.race([answer, late.promise]);
	} finally {
		end();
	}
}
