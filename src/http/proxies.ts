import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { AlarmKind } from '#lib/alarms.ts';
import type { Db } from '../database/database.ts';
import type { Env } from '../env.ts';
import { judgeForwarded } from '../identity/networks.ts';
import { raiseAlarm } from '../news/alarms.ts';

/**
 * Notices when requests come through another number of proxies than TRUSTED_PROXIES says, which would count all people as
 * one or let each choose an address: said once, in the log and to the portal's admins.
 */

/** One request may have come another way than all others, or have lines that its client made up; so many in a row do not. */
const inARow = 20;

const words = {
	'forwarded-header': () =>
		'a request came with X-Forwarded-For while TRUSTED_PROXIES is 0: behind a proxy everybody counts as one address',
	'proxies-fewer': (trusted: number) =>
		`requests come through fewer proxies than TRUSTED_PROXIES says, which is ${trusted}: whoever sends X-Forwarded-For chooses the address that limits count`,
	'proxies-more': (trusted: number) =>
		`requests seem to come through more proxies than TRUSTED_PROXIES says, which is ${trusted}: all people behind one of them count as one address`
} satisfies Partial<Record<AlarmKind, (trusted: number) => string>>;

export function watchProxies({ db, env, log }: { db: Db; env: Env; log: Logger }) {
	const trusted = env.TRUSTED_PROXIES;
	const said = new Set<AlarmKind>();
	let last: 'fewer' | 'more' | 'right' = 'right';
	let times = 0;

	function say(kind: keyof typeof words): void {
		if (said.has(kind)) return;
		said.add(kind);
		log.warn({}, words[kind](trusted));
		raiseAlarm(db, kind, trusted > 0 ? `TRUSTED_PROXIES is ${trusted}.` : '').catch((error: unknown) =>
			log.error({ err: error }, 'an alarm could not be raised')
		);
	}

	return (request: IncomingMessage): void => {
		const found = judgeForwarded(request, trusted);
		if (found === null) return;
		if (trusted === 0) return found === 'more' ? say('forwarded-header') : undefined;
		times = found === last ? times + 1 : 1;
		last = found;
		if (found !== 'right' && times >= inARow) say(`proxies-${found}`);
	};
}
