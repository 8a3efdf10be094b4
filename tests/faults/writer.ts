/** Writes on and on, as people do who don't care what becomes of the machines; knows of each call how it was answered. */

interface Author {
	organizationId: string;
	headers: Record<string, string>;
}

/** Between two calls of one of them, so that the machine has time for everything else. */
const restMs = 40;
const rest = () => new Promise((resolve) => setTimeout(resolve, restMs));

export function startWriter(authors: readonly Author[], ports: readonly number[]) {
	/** Names of applications that were answered to be there, by organization. */
	const answered = new Map(authors.map(({ organizationId }) => [organizationId, new Set<string>()]));
	/** Calls without an answer, or with one that says to come back: nobody knows what became of the former. */
	const refused = new Map<string, number>();
	const listeners = new Set<() => void>();
	let done = 0;
	let isStopped = false;
	let number = 0;

	async function call(path: string, input: object, { headers }: Author, attempt: number): Promise<string> {
		try {
			const answer = await fetch(`http://127.0.0.1:${ports[attempt % ports.length]}/trpc/${path}`, {
				method: 'POST',
				headers: { ...headers, 'content-type': 'application/json' },
				body: JSON.stringify(input),
				signal: AbortSignal.timeout(30_000)
			});
			const text = await answer.text();
			return answer.ok
				? (JSON.parse(text) as { result: { data: { id: string } } }).result.data.id
				: `${answer.status}`;
		} catch {
			return 'no answer';
		}
	}

	async function write(author: Author): Promise<void> {
		const { organizationId } = author;
		for (let attempt = 0; !isStopped;) {
			const name = `Application ${(number += 1)}`;
			const id = await call(
				'applications.create',
				{ organizationId, name, description: '' },
				author,
				attempt
			);
			if (id.length !== 36) {
				refused.set(id, (refused.get(id) ?? 0) + 1);
				attempt += 1;
				await rest();
				continue;
			}
			answered.get(organizationId)?.add(name);
			await call('applications.delete', { organizationId, applicationId: id }, author, attempt);
			done += 1;
			for (const one of listeners) one();
			await rest();
		}
	}

	let running = authors.map(write);
	return {
		answered,
		refused,
		get done() {
			return done;
		},
		/** Resolves when so many more calls were answered. */
		until(more: number): Promise<void> {
			const goal = done + more;
			const { promise, resolve } = Promise.withResolvers<void>();
			const look = () => {
				if (done < goal) return;
				listeners.delete(look);
				resolve();
			};
			listeners.add(look);
			return promise;
		},
		/** Resolves when no call is under way any more. */
		async hold() {
			isStopped = true;
			await Promise.all(running);
		},
		goOn() {
			isStopped = false;
			running = authors.map(write);
		},
		async stop() {
			isStopped = true;
			await Promise.all(running);
		}
	};
}
