import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { AlarmKind } from '#lib/alarms.ts';
import type { Db } from '../database/database.ts';
import type { Env } from '../env.ts';
import { judgeForwarded, type Judged } from '../identity/networks.ts';
import { clearAlarm, raiseAlarm } from '../news/alarms.ts';

/**
 * Notices when requests come through another number of proxies than TRUSTED_PROXIES says, which would count all people as
 * one or let each choose an address: said once, in the log and to the portal's admins. Whoever asks often enough can make it
 * look as if there were more; that is taken back with the next request that shows otherwise, at the latest that of the
 * admin who comes to see.
 */

/** One request may have come another way than all others, or have lines that its client made up; so many in a row do not. */
const inARow = 20;

const words = {
	'forwarded-header': () =>
		'requests come with X-Forwarded-For while TRUSTED_PROXIES is 0: behind a proxy everybody counts as one address',
	'proxies-fewer': (trusted: number) =>
		`requests come through fewer proxies than TRUSTED_PROXIES says, which is ${trusted}: whoever sends X-Forwarded-For chooses the address that limits count`,
	'proxies-more': (trusted: number) =>
		`requests seem to come through more proxies than TRUSTED_PROXIES says, which is ${trusted}: all people behind one of them count as one address`
} satisfies Partial<Record<AlarmKind, (trusted: number) => string>>;

export function watchProxies({ db, env, log }: { db: Db; env: Env; log: Logger }) {
	const trusted = env.TRUSTED_PROXIES;
	/** What was said, and whether beyond doubt. */
	const said = new Map<keyof typeof words, 'certain' | 'doubtful'>();
	let last: Judged = 'right';
	let times = 0;
	const note = (noting: Promise<void>) =>
		void noting.catch((error: unknown) => log.error({ err: error }, 'an alarm could not be noted'));

	function say(kind: keyof typeof words, how: 'certain' | 'doubtful'): void {
		const before = said.get(kind);
		said.set(kind, before === 'certain' ? before : how);
		if (before) return;
		log.warn({}, words[kind](trusted));
		note(raiseAlarm(db, kind, trusted > 0 ? `TRUSTED_PROXIES is ${trusted}.` : ''));
	}

	function takeBack(): void {
		for (const [kind, how] of said) {
			if (how === 'certain') continue;
			said.delete(kind);
			log.info({}, `a request came through as many proxies as TRUSTED_PROXIES says, which is ${trusted}`);
			note(clearAlarm(db, kind));
		}
	}

	return (request: IncomingMessage): void => {
		// Programs inside, such as gateways and what looks after the machine, come another way than people.
		if (/^\/(?:api|healthz|readyz|metrics)(?:[/?]|$)/.test(request.url ?? '')) return;
		const found = judgeForwarded(request, trusted);
		if (found === null) return;
		times = found === last ? times + 1 : 1;
		last = found;
		if (found === 'right') return takeBack();
		if (times < inARow) return;
		if (found === 'doubtful') return say(trusted === 0 ? 'forwarded-header' : 'proxies-more', found);
		say(`proxies-${found}`, 'certain');
	};
}
