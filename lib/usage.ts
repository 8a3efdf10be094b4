/** What is counted of credentials, and how pages name it. */

/** How a gateway's question was answered: let in, or refused and why. */
export const usageAnswers = [
	'allowed',
	'revoked',
	'rotated',
	'expired',
	'organization',
	'account',
	'access',
	'aged',
	'limited'
] as const;
export type UsageAnswer = (typeof usageAnswers)[number];

const counted: ReadonlySet<string> = new Set(usageAnswers);
/** Whether an answer is one about a credential that exists. */
export const isCounted = (answer: string): answer is UsageAnswer => counted.has(answer);

export const refusalLabels: Record<Exclude<UsageAnswer, 'allowed'>, string> = {
	revoked: 'The credential was revoked',
	rotated: 'The credential was replaced',
	expired: 'The credential had expired',
	organization: 'The organization was not active',
	account: 'The account was not active',
	access: 'The application had no access to the API',
	aged: 'The credential was older than its plan allows',
	limited: 'A limit was reached'
};

export type UsageSpan = 'minute' | 'hour' | 'day';

/** What a page shows at once: so many bars, each of that length. `source` is the span that they are made of. */
export const usageRanges = {
	hour: { label: '1 hour', bars: 60, bar: 'minute', source: 'minute' },
	day: { label: '24 hours', bars: 24, bar: 'hour', source: 'hour' },
	month: { label: '30 days', bars: 30, bar: 'day', source: 'day' },
	year: { label: '12 months', bars: 12, bar: 'month', source: 'day' }
} as const satisfies Record<
	string,
	{ label: string; bars: number; bar: UsageSpan | 'month'; source: UsageSpan }
>;
export type UsageRange = keyof typeof usageRanges;

/** After so many days without a request a credential counts as silent. */
export const silentDays = 90;
/** For so many days a replaced credential that was presented is told of. */
export const lateDays = 7;
/** How many of them a page lists, and one call revokes. */
export const idleAtMost = 100;

export type Requests = { allowed: number; refused: number };

/** What stands in one bar; null where nobody was counting. */
export type UsageBar = { at: string; requests: Requests | null };

export type CredentialRequests = Requests & { id: string; label: string; lastFour: string };

/** When a credential was last let in, and by which gateway; that may have been deleted since. */
export type LastUse = { at: string; gateway: string | null };
/** By the ids of the credentials; null for one that never was let in. */
export type LastUses = Record<string, LastUse | null>;

export type ApplicationUsage = {
	bars: UsageBar[];
	total: Requests;
	/** Why requests were refused, most frequent first. */
	refusals: { answer: Exclude<UsageAnswer, 'allowed'>; count: number }[];
	/** Most used first. */
	credentials: CredentialRequests[];
	lastUses: LastUses;
};

/** How often the applications of an organization were used: in 24 hours and in 30 days. */
export type ApplicationRequests = { applicationId: string; day: Requests; month: Requests };

/** A credential in a list of those that nobody uses. */
export type IdleCredential = {
	id: string;
	label: string;
	lastFour: string;
	applicationId: string;
	applicationName: string;
	organizationId: string;
	organizationName: string;
	/** When it was last let in, or, of a replaced one, last presented. */
	lastUsedAt: string | null;
};

/** The beginnings of the bars of a range, in UTC, the oldest first; the last one is under way at `now`. */
export function barsOf(range: UsageRange, now: number): Date[] {
	const { bars, bar } = usageRanges[range];
	const at = new Date(now);
	return Array.from({ length: bars }, (_, index) => {
		const back = bars - 1 - index;
		if (bar === 'month') return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - back));
		const length = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[bar];
		return new Date((Math.floor(now / length) - back) * length);
	});
}
