import { createHash, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Topic } from '#lib/topics.ts';
import type { JobInsert, PgBoss } from 'pg-boss';
import { gatheringOf, isAwaited, topicOf } from '../../emails/about.ts';
import { catalogue, isEmailName, type EmailName, type EmailProps } from '../../emails/catalogue.ts';
import { aheadOf, sendAhead } from '../database/ahead.ts';
import type { Db, Trx } from '../database/database.ts';
import { compileTogether } from '../database/together.ts';
import type { Env } from '../env.ts';
import { onceOver } from '../database/transaction.ts';
import { takePlace } from '../database/windows.ts';
import { renderSubject, type MailPortal, type Template } from './compose.ts';
import { selectUnwanting } from './preferences.ts';
import { createMemory } from '../news/memory.ts';
import { signal } from '../news/publish.ts';
import { selectNewest, templateOf } from './templates.ts';
import { messagePlace } from '../vault/sealed.ts';
import type { Vault } from '../vault/vault.ts';

/** One reader of an e-mail, and what it says to them. */
export interface Recipient<Name extends EmailName> {
	to: { name: string; address: string };
	props: EmailProps<Name>;
}

/** Queues e-mails in the transaction of the change that they tell of. */
export interface Outbox {
	/**
	 * Returns the message's id; null, and sends nothing, when its reader does without e-mails of this topic, or has got as
	 * many as strangers may cause. What the worker makes of it: see delivery.ts.
	 *
	 * @param props as a function: made only for what is sent, so that no link replaces one that has arrived.
	 */
	enqueue<Name extends EmailName>(
		db: Trx,
		to: { name: string; address: string },
		name: Name,
		props: EmailProps<Name> | (() => Promise<EmailProps<Name>>),
		/** A text that isn't saved, to be tried. */
		draft?: Template
	): Promise<string | null>;
	/**
	 * As `enqueue`, for several readers of one e-mail: in the same number of statements, however many they are. Returns the
	 * ids of the messages in the order of their readers.
	 */
	enqueueMany<Name extends EmailName>(
		db: Trx,
		name: Name,
		recipients: Recipient<Name>[]
	): Promise<(string | null)[]>;
	/** Queues messages that failed or were kept once more, as if they were new. */
	requeue(db: Trx, ids: string[]): Promise<void>;
}

/** Many servers put ana+anything@… where ana@… goes, so that one mailbox has as many addresses as somebody likes. */
function mailboxOf(address: string): string {
	const [local = '', domain = ''] = address.split('@');
	return `${local.split('+', 1)[0]}@${domain}`;
}

/**
 * Whether one more e-mail may go to that address: limited is what anybody can cause who knows it. Counted until the
 * commit, as the last but what has to be last; who asks is told nothing, since the answer would say whom the portal knows.
 */
export async function hasRoom(db: Trx, address: string, name: EmailName): Promise<boolean> {
	const { anyone } = catalogue[name];
	if (typeof anyone !== 'number') return true;
	const key = `mail:recipient:${createHash('sha256').update(mailboxOf(address)).digest('hex')}`;
	return (await takePlace(db, { key, max: anyone, seconds: 3600 })) !== null;
}

export const mailQueue = 'mail';
/** Of the jobs of messages for which somebody waits; all others have 0. Workers of their own ask for these alone. */
export const awaitedPriority = 1;

/** A test is tried by somebody who looks into their mailbox for it. */
export const priorityOf = ({ template, draft }: { template: string; draft: string | null }): number =>
	draft !== null || (isEmailName(template) && isAwaited(template)) ? awaitedPriority : 0;

let wakeMailers = () => {};

/**
 * Has `run` wake the workers of this process as soon as messages are committed that it has queued; those of others look by
 * themselves. The queue could tell them by its commit, which PostgreSQL lets one of the whole server do at a time.
 */
export function wakeMailersBy(run: () => void): () => void {
	wakeMailers = run;
	return () => void (wakeMailers = () => {});
}

/** How many messages are made ready at once: between them the process does what other people wait for. */
const readiedAtOnce = 50;

/** As `map`, some at a time. */
async function mapByAndBy<Given, Made>(all: readonly Given[], make: (one: Given) => Made): Promise<Made[]> {
	const made: Made[] = [];
	for (const one of all) {
		if (made.length > 0 && made.length % readiedAtOnce === 0) await nextTurn();
		made.push(make(one));
	}
	return made;
}

/** Who has one name alone is greeted by it, whichever of the two it was put down as. */
function greeting<Props extends object>({ name, address }: Recipient<EmailName>['to'], props: Props): Props {
	const isNameless = 'firstName' in props && props.firstName === '';
	return isNameless && name !== address ? { ...props, firstName: name } : props;
}

const selectMailPortal = (db: Db) => db.selectFrom('portal').select(['name', 'supportEmail']);

const mailPortalOf = ([row]: { name: string; supportEmail: string | null }[], origin: string): MailPortal => {
	if (!row) throw new Error('The database has lost the row of the portal.');
	return { name: row.name, supportEmail: row.supportEmail ?? '', origin };
};

/** What the portal's settings give to every e-mail. */
export const getMailPortal = async (db: Db, origin: string): Promise<MailPortal> =>
	mailPortalOf(await selectMailPortal(db).execute(), origin);

/** What all messages of one e-mail have in common: asked at one go, and kept until a portal admin changes it. */
const askForCommon = compileTogether((db, name: string) => ({
	versions: selectNewest(db, name),
	portals: selectMailPortal(db)
}));
const commonTags = ['noun:email', 'noun:settings'];
const commonForMs = 60_000;

/** Which of these readers do without the topic. */
async function findUnwanting(db: Db, addresses: string[], topic: Topic | undefined): Promise<Set<string>> {
	const rows = topic ? await selectUnwanting(db, JSON.stringify(addresses), topic).execute() : [];
	return new Set(rows.map(({ email }) => email));
}

/** The next attempt to send a message. A job whose number isn't the message's own is an old one. */
export interface MailJob {
	messageId: string;
	attempt?: number;
}

/** @throws {ZodError} when the props are not those of the e-mail. */
export function createOutbox(
	boss: PgBoss,
	vault: Vault,
	{ ORIGIN, MAIL_GATHER_SECONDS }: Pick<Env, 'ORIGIN' | 'MAIL_GATHER_SECONDS'>
): Outbox {
	const memory = createMemory<Awaited<ReturnType<typeof askForCommon>>>('emails', { found: 100, refused: 0 });

	/** Has the workers of this process look at once, but for what is to gather, and open mailboxes as well. */
	async function insertJobs(db: Trx, jobs: JobInsert<MailJob>[]): Promise<void> {
		await boss.insert(mailQueue, jobs, { db: aheadOf(db) });
		if (jobs.some(({ startAfter }) => startAfter === undefined)) onceOver(db, () => wakeMailers());
		await signal(db, { kind: 'mailbox' });
	}

	/** The ids of the messages, in the order of their readers; null where a reader does without them. */
	async function queue<Name extends EmailName>(
		db: Trx,
		name: Name,
		recipients: Recipient<Name>[],
		draft?: Template
	): Promise<(string | null)[]> {
		if (recipients.length === 0) return [];
		// A test reaches whoever asks for it, at once and by itself.
		const topic = draft ? undefined : topicOf(name);
		const addresses = recipients.map(({ to }) => to.address);
		const unwanting = await findUnwanting(db, addresses, topic);
		const common = await memory.read(name, async () => ({
			value: await askForCommon(db, name),
			tags: commonTags,
			forMs: commonForMs,
			room: 'found'
		}));
		const seconds = gatheringOf(name) && !draft ? MAIL_GATHER_SECONDS : 0;
		// The message keeps the version that is in force now, whatever is saved until it goes out.
		const template = draft ? { ...draft, version: 0 } : await templateOf(name, common.versions[0]);
		const portal = mailPortalOf(common.portals, ORIGIN);
		const messages = await mapByAndBy(recipients, ({ to, props: given }) => {
			if (unwanting.has(to.address)) return null;
			const props = greeting(to, given);
			const subject = renderSubject(name, props, portal, template.subject);
			return {
				id: randomUUID(),
				recipientName: to.name,
				recipient: to.address,
				subject: draft ? `[Test] ${subject}` : subject,
				content: vault.encrypt(JSON.stringify(catalogue[name].props.parse(props)), messagePlace),
				gatherKey: seconds > 0 ? `${name} ${to.address}` : null
			};
		});
		const wanted = messages.filter((one) => one !== null);
		if (wanted.length > 0) {
			// One parameter for all: a statement holds 65,535 at most.
			const made = sql`
				insert into message
					(id, recipient_name, recipient, template, subject, template_version, draft, content, gather_key)
				select
					(one->>'id')::uuid, one->>'recipientName', one->>'recipient', ${name}::text, one->>'subject',
					${template.version}::integer, ${draft?.body ?? null}::text, one->>'content', one->>'gatherKey'
				from jsonb_array_elements(${JSON.stringify(wanted)}::text::jsonb) as one`;
			await sendAhead(db, made);
			const priority = priorityOf({ template: name, draft: draft?.body ?? null });
			const jobs = wanted.map(({ id: messageId }): JobInsert<MailJob> => ({
				data: { messageId, attempt: 0 },
				priority,
				...(seconds > 0 && { startAfter: seconds })
			}));
			await insertJobs(db, jobs);
		}
		return messages.map((one) => one && one.id);
	}

	return {
		async enqueue(db, to, name, props, draft) {
			if (!draft && !(await hasRoom(db, to.address, name))) return null;
			const given = typeof props === 'function' ? await props() : props;
			const [id = null] = await queue(db, name, [{ to, props: given }], draft);
			return id;
		},
		enqueueMany: (db, name, recipients) => queue(db, name, recipients),
		async requeue(db, ids) {
			if (ids.length === 0) return;
			const rows = await db
				.updateTable('message')
				.set({ state: 'queued', attempts: 0, error: null, nextTryAt: null })
				.where('id', 'in', ids)
				.returning(['id', 'template', 'draft'])
				.execute();
			const jobs = rows.map((row): JobInsert<MailJob> => ({
				data: { messageId: row.id, attempt: 0 },
				priority: priorityOf(row)
			}));
			await insertJobs(db, jobs);
		}
	};
}
