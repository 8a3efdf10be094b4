import { sayNumber } from './numbers.ts';
import { settingRows, type Settings } from './settings.ts';

/**
 * How many requests gateways let through: by the portal's settings, by what differs from them in an organization, and by
 * what differs from that in an application. 0 is any number.
 */
export const quotaKeys = [
	'credentialPerSecond',
	'credentialPerMonth',
	'applicationPerSecond',
	'applicationPerMonth'
] as const;
export type QuotaKey = (typeof quotaKeys)[number];
export type Quotas = Pick<Settings, QuotaKey>;

/** What differs; what is absent doesn't. */
export type OwnQuotas = Partial<Quotas>;

/** What holds in the end; the nearest comes last. */
export const quotasOf = (settings: Quotas, ...own: OwnQuotas[]): Quotas =>
	Object.assign(Object.fromEntries(quotaKeys.map((key) => [key, settings[key]])), ...own) as Quotas;

const sayOne = (key: QuotaKey, most: number) =>
	`${settingRows[key].label.toLowerCase()}: ${most === 0 ? 'any number' : sayNumber(most)}`;

/** What differs, in words; empty where nothing does. */
export const sayQuotas = (own: OwnQuotas): string =>
	quotaKeys.flatMap((key) => (own[key] === undefined ? [] : sayOne(key, own[key]))).join(', ');

/** How much of this month is used, in whole percents: never 100 before all of it is. */
export const percentOf = (used: number, most: number): number =>
	used >= most ? 100 : Math.floor((used / most) * 100);

/** The percentages of a month at which people are told. */
export const warnedAt = [80, 100] as const;
