import { randomUUID, createPrivateKey, createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { mailServerInput, mailServerView, type MailServer } from '#lib/mail-server.ts';
import { sayNumber } from '#lib/numbers.ts';
import { fullName } from '#lib/views.ts';
import { limit } from '../../api/limits.ts';
import { renderEmail } from '../../mail/compose.ts';
import {
	fixedFields,
	getMailServerRow,
	mailingOf,
	mailServerViewOf,
	type MailServerRow
} from '../../mail/servers.ts';
import { publish } from '../../news/publish.ts';
import { getMailPortal } from '../../mail/outbox.ts';
import { converse, toAddress } from '../../mail/smtp.ts';
import { fieldRefusal } from '../../api/refusals.ts';
import { adminProcedure, type Context, ofOneMoment, router } from '../../api/trpc.ts';
import { listNamed } from '../activity/activity.ts';
import { dkimPlace, passwordPlace } from '../../vault/sealed.ts';

const changes = z.strictObject(mailServerInput).partial();
type Changes = z.infer<typeof changes>;

/** How many changes the page shows. */
const historyLength = 20;
const minKeyBits = 1024;

/** nodemailer signs with RSA alone. */
function readDkimKey(text: string) {
	try {
		const key = createPrivateKey(text);
		if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= minKeyBits)
			return key;
	} catch {
		// What isn't a key is refused below in the same words.
	}
	throw fieldRefusal(
		'dkimKey',
		'INVALID',
		`This is not an RSA private key in PEM form, without a passphrase, of ${sayNumber(minKeyBits)} bits at least.`
	);
}

/**
 * The row with the changes of a form in it.
 *
 * The stored password is given to the server that it was saved for and to no other: whoever could point it elsewhere, or
 * take the encryption away, would read it there.
 */
function merge(
	row: MailServerRow,
	input: Changes,
	{ config, vault }: Pick<Context, 'config' | 'vault'>
): MailServerRow {
	const view = mailServerViewOf(row, config);
	for (const key of fixedFields(config)) {
		const name = key === 'hasPassword' ? 'password' : key;
		const given = input[name as keyof Changes];
		if (given !== undefined && given !== view[key])
			throw fieldRefusal(name, 'INVALID', 'This is set by the environment of the server.');
	}
	const { password, dkimKey, adminRecipients, ...rest } = input;
	const next: MailServerRow = { ...row };
	for (const [key, value] of Object.entries(rest)) {
		if (value !== undefined && !fixedFields(config).includes(key as keyof MailServer))
			Object.assign(next, { [key]: value });
	}
	if (adminRecipients) next.adminRecipients = [...new Set(adminRecipients)].join('\n');
	if (password !== undefined) next.password = password === '' ? null : vault.encrypt(password, passwordPlace);
	if (!next.username || !next.host) next.password = null;
	const route = ['host', 'port', 'security', 'username'] as const;
	if (next.password && password === undefined && route.some((key) => next[key] !== row[key])) {
		throw fieldRefusal(
			'password',
			'INVALID',
			'Type the password again: the stored one is only for the server, user and encryption that it was saved with.'
		);
	}
	if (next.host && !next.fromAddress && !config.MAIL_FROM) {
		throw fieldRefusal('fromAddress', 'INVALID', 'Say which address e-mails come from.');
	}
	if (dkimKey) readDkimKey(dkimKey);
	if (dkimKey !== undefined) next.dkimKey = dkimKey === '' ? null : vault.encrypt(dkimKey, dkimPlace);
	if (next.dkimDomain || next.dkimSelector || next.dkimKey) {
		const missing = (['dkimDomain', 'dkimSelector', 'dkimKey'] as const).find((key) => !next[key]);
		if (missing)
			throw fieldRefusal(missing, 'INVALID', 'DKIM needs all three: the domain, the selector and the key.');
	}
	return next;
}

function listChanged(before: MailServerRow, after: MailServerRow, config: Context['config']) {
	const [old, fresh] = [mailServerViewOf(before, config), mailServerViewOf(after, config)];
	return mailServerView.keyof().options.filter((key) => {
		if (key === 'hasPassword') return before.password !== after.password;
		if (key === 'hasDkimKey') return before.dkimKey !== after.dkimKey;
		return String(old[key]) !== String(fresh[key]);
	});
}

/** What to publish in the DNS for the key. */
function dkimRecordOf({ dkimKey, dkimDomain, dkimSelector }: MailServerRow, vault: Context['vault']) {
	if (!dkimKey) return null;
	const publicKey = createPublicKey(createPrivateKey(vault.decrypt(dkimKey, dkimPlace)));
	const bytes = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
	return { name: `${dkimSelector}._domainkey.${dkimDomain}`, value: `v=DKIM1; k=rsa; p=${bytes}` };
}

export const mailServersRouter = router({
	/** The settings, which of them the environment decides, and who changed what. No secret, ever again. */
	get: adminProcedure({})
		.use(ofOneMoment)
		.query(async ({ ctx }) => {
			const row = await getMailServerRow(ctx.db);
			return {
				mailServer: mailServerViewOf(row, ctx.config),
				fixed: fixedFields(ctx.config),
				dkimRecord: dkimRecordOf(row, ctx.vault),
				changes: await listNamed(ctx.db, 'mailServer.updated', historyLength)
			};
		}),

	/** In force with the commit, on every process: each message asks for the settings. */
	update: adminProcedure(changes.shape).mutation(async ({ ctx, input }) => {
		await ctx.db.selectFrom('mailServer').select('id').forUpdate().execute();
		const before = await getMailServerRow(ctx.db);
		const after = merge(before, input, ctx);
		const changed = listChanged(before, after, ctx.config);
		const mailServer = mailServerViewOf(after, ctx.config);
		if (changed.length === 0) return mailServer;
		await ctx.db.updateTable('mailServer').set(after).execute();
		await publish(ctx, 'mailServer.updated', { mailServer, changed });
		return mailServer;
	}),

	/**
	 * Sends an e-mail to whoever asks, by the values of the form, and tells each step of the conversation as it goes.
	 * Speaks to whichever host it is given: so it is the portal admins', limited, and shows lines of SMTP alone.
	 */
	test: adminProcedure(changes.shape).mutation(async ({ ctx, input }) => {
		await limit(ctx.db, `mail-test:account:${ctx.user.id}`, 20, 600);
		const { route, ...mailing } = mailingOf(merge(await getMailServerRow(ctx.db), input, ctx), {
			env: ctx.config,
			vault: ctx.vault
		});
		if (!route) throw fieldRefusal('host', 'INVALID', 'Name the host first.');
		const portal = await getMailPortal(ctx.db, ctx.config.ORIGIN);
		const props = { actorName: ctx.actor.name, host: route.options.host ?? '' };
		const message = {
			id: randomUUID(),
			from: toAddress(mailing.fromName || portal.name, mailing.fromAddress),
			to: toAddress(fullName(ctx.user), ctx.user.email),
			...(mailing.replyTo && { replyTo: mailing.replyTo }),
			...(await renderEmail('mail-server-tested', props, portal)),
			date: new Date(),
			origin: ctx.config.ORIGIN
		};
		// Begins when it is read, which is after this transaction.
		return converse(route, message);
	})
});
