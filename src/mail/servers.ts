import type { Selectable } from 'kysely';
import type { MailServer } from '#lib/mail-server.ts';
import type { Db } from '../database/database.ts';
import type { Env } from '../env.ts';
import { routeOf, routeOfUrl, type Route } from './smtp.ts';
import type { Tables } from '../database/tables.ts';
import { dkimPlace, passwordPlace } from '../vault/sealed.ts';
import type { Vault } from '../vault/vault.ts';

/** Which mail server is used, and as whom. The environment wins over what "Settings" > "E-mail" says. */

export type MailServerRow = Omit<Selectable<Tables['mailServer']>, 'id'>;

export const getMailServerRow = (db: Db): Promise<MailServerRow> =>
	db.selectFrom('mailServer').selectAll().executeTakeFirstOrThrow();

const ofUrl = ['host', 'port', 'security', 'username', 'hasPassword'] as const;

/** What the environment decides: it can't be changed here. */
export function fixedFields(env: Pick<Env, 'SMTP_URL' | 'MAIL_FROM'>): (keyof MailServer)[] {
	return [...(env.SMTP_URL ? ofUrl : []), ...(env.MAIL_FROM ? (['fromAddress'] as const) : [])];
}

/** Where neither the environment nor the settings name one, as on a portal that only keeps messages. */
const nobody = 'portico@localhost.localdomain';

/** How messages are sent now; without a route they are kept in the mailbox. */
export interface Mailing {
	route: Route | null;
	fromName: string;
	fromAddress: string;
	replyTo: string;
}

export function mailingOf(
	row: MailServerRow,
	{ env, vault }: { env: Pick<Env, 'SMTP_URL' | 'MAIL_FROM'>; vault: Vault }
): Mailing {
	const password = () => row.password && vault.decrypt(row.password, passwordPlace);
	const set = row.host ? routeOf({ ...row, password: password() }) : null;
	const route = env.SMTP_URL ? routeOfUrl(env.SMTP_URL) : set;
	const dkim = row.dkimKey && {
		domainName: row.dkimDomain,
		keySelector: row.dkimSelector,
		privateKey: vault.decrypt(row.dkimKey, dkimPlace)
	};
	return {
		route: route && { ...route, ...(dkim && { dkim }) },
		fromName: row.fromName,
		fromAddress: env.MAIL_FROM ?? (row.fromAddress || nobody),
		replyTo: row.replyTo
	};
}

/** As {@link mailingOf}; null where what the settings hold encrypted can't be opened. */
export function findMailing(...given: Parameters<typeof mailingOf>): Mailing | null {
	try {
		return mailingOf(...given);
	} catch {
		return null;
	}
}

/** The settings as a page may know them, with what the environment decides in its place. */
export function mailServerViewOf(row: MailServerRow, env: Pick<Env, 'SMTP_URL' | 'MAIL_FROM'>): MailServer {
	const { password, dkimKey, adminRecipients, ...rest } = row;
	const view = {
		...rest,
		hasPassword: password !== null,
		hasDkimKey: dkimKey !== null,
		adminRecipients: adminRecipients.split('\n').filter(Boolean),
		...(env.MAIL_FROM && { fromAddress: env.MAIL_FROM })
	};
	if (!env.SMTP_URL) return view;
	const { options, auth } = routeOfUrl(env.SMTP_URL);
	return {
		...view,
		host: options.host ?? '',
		port: Number(options.port ?? (options.secure ? 465 : 587)),
		security: options.secure ? 'tls' : options.requireTLS ? 'starttls' : 'none',
		username: auth?.user ?? '',
		hasPassword: Boolean(auth?.pass)
	};
}
