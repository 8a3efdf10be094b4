import { sql } from 'kysely';
import { z } from 'zod';
import { sayMinute } from '#lib/dates.ts';
import { versionNote } from '#lib/fields.ts';
import { text } from '#lib/schema.ts';
import { emailLabel, type EmailVersion } from '#lib/views.ts';
import { meaningOf } from '../../../emails/about.ts';
import { catalogue, isEmailName, type EmailName } from '../../../emails/catalogue.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { takeUpTo } from '../../database/paging.ts';
import { limit } from '../../api/limits.ts';
import {
	renderEmail,
	requiredOf,
	showAttachments,
	variablesOf,
	type MailPortal,
	type Template
} from '../../mail/compose.ts';
import { publish, signal } from '../../news/publish.ts';
import { getMailPortal } from '../../mail/outbox.ts';
import { checkTemplate, getMailLook, getTemplate, sampleOf } from '../../mail/templates.ts';
import { notFound, Refusal } from '../../api/refusals.ts';
import { adminProcedure, type Context, ofOneMoment, router } from '../../api/trpc.ts';
import { listEditors, closedAfterSeconds } from '../../mail/editors.ts';
import { lockPortal } from '../settings/settings.ts';

const name = text(100).transform((given, context) => {
	if (isEmailName(given)) return given;
	context.addIssue({ code: 'custom', message: 'There is no such e-mail.' });
	return z.NEVER;
});
const version = z.number().int().min(0);
/** What checks a text says where it is wrong; a body of these lengths it refuses at once. */
const template = { name, subject: text(1_000), body: text(150_000) };

const versionsLength = 30;
async function listVersions(db: Db, name: EmailName, before?: number) {
	const versions = db
		.selectFrom('emailTemplate')
		.select(['version', 'body', 'note', 'author', 'at'])
		.where('name', '=', name)
		.$if(before !== undefined, (query) => query.where('version', '<', before ?? 0))
		.orderBy('version', 'desc');
	const { rows, last } = await takeUpTo(versions, versionsLength);
	return {
		versions: rows.map(({ version, body, note, author, at }) => ({
			version,
			isDefault: body === null,
			note,
			author: author.name,
			at: isoOf(at)
		})),
		hasMore: last !== null
	};
}

async function getPortalWithLook(ctx: Pick<Context, 'db' | 'config'>): Promise<MailPortal> {
	return { ...(await getMailPortal(ctx.db, ctx.config.ORIGIN)), look: await getMailLook(ctx.db) };
}

/** @throws {Refusal} with the line, when the message could not be sent with this text. */
async function refuseWrong(
	ctx: Pick<Context, 'db' | 'config'>,
	name: EmailName,
	template: Template
): Promise<void> {
	const { subject, problems } = await checkTemplate(name, template, await getPortalWithLook(ctx));
	const [first] = problems;
	if (!subject && !first) return;
	const body = first && `Line ${first.line}: ${first.message}`;
	throw new Refusal('BAD_REQUEST', 'INVALID', subject ?? body ?? '', {
		...(subject && { subject }),
		...(body && { body })
	});
}

/**
 * Adds a version behind the one that the admin has seen. The portal's row, which numbers the event too, lets one after
 * the other in: who comes second is told who was faster, and nothing of either text is lost.
 */
async function addVersion(
	ctx: Pick<Context, 'config'> & Parameters<typeof publish>[0],
	name: EmailName,
	seen: number,
	template: Template | null,
	note: string
): Promise<EmailVersion> {
	await lockPortal(ctx.db);
	const [latest] = (await listVersions(ctx.db, name)).versions;
	if ((latest?.version ?? 0) !== seen) {
		const when = latest ? ` at ${sayMinute(latest.at)}` : '';
		const who = latest ? `${latest.author} saved version ${latest.version}${when}` : 'Somebody was faster';
		throw new Refusal('CONFLICT', 'CHANGED', `${who}. Nothing of yours is lost: compare, then save.`);
	}
	const version = seen + 1;
	await ctx.db
		.insertInto('emailTemplate')
		.values({
			name,
			version,
			subject: template?.subject ?? null,
			body: template?.body ?? null,
			note,
			author: ctx.actor
		})
		.execute();
	return { name, version, isDefault: template === null, note };
}

export const emailsRouter = router({
	/** Every e-mail, with who changed it last. */
	list: adminProcedure({}).query(async ({ ctx }) => {
		const rows = await ctx.db
			.selectFrom('emailTemplate')
			.distinctOn('name')
			.select(['name', 'version', 'body', 'author', 'at'])
			.orderBy('name')
			.orderBy('version', 'desc')
			.execute();
		const latest = new Map(rows.map((row) => [row.name, row]));
		return Object.entries(catalogue).map(([name, { description }]) => {
			const row = latest.get(name);
			return {
				name,
				label: emailLabel(name),
				description,
				isChanged: row !== undefined && row.body !== null,
				version: row?.version ?? 0,
				by: row?.author.name ?? null,
				at: row ? isoOf(row.at) : null
			};
		});
	}),

	/** What the editor shows: the text in force, its variables and its versions. */
	get: adminProcedure({ name })
		.use(ofOneMoment)
		.query(async ({ ctx, input }) => {
			const sample = sampleOf(input.name, ctx.config.ORIGIN);
			const { name: portalName, supportEmail } = await getMailPortal(ctx.db, ctx.config.ORIGIN);
			const common: Record<string, string> = { portalName, portalUrl: ctx.config.ORIGIN, supportEmail };
			const required = requiredOf(input.name);
			return {
				name: input.name,
				description: catalogue[input.name].description,
				...(await getTemplate(ctx.db, input.name)),
				variables: [...variablesOf(input.name)].map(([variable, kind]) => ({
					name: variable,
					kind,
					meaning: meaningOf(input.name, variable),
					sample: sample[variable] ?? common[variable] ?? '',
					isRequired: required.includes(variable)
				})),
				...(await listVersions(ctx.db, input.name))
			};
		}),

	listVersions: adminProcedure({ name, before: version }).query(({ ctx, input }) =>
		listVersions(ctx.db, input.name, input.before)
	),

	/** The text of one version; 0 is the one that Portico brings. */
	getVersion: adminProcedure({ name, version }).query(async ({ ctx, input }) => {
		const { subject, body, version } = await getTemplate(ctx.db, input.name, input.version);
		if (version !== input.version) throw notFound();
		return { subject, body };
	}),

	/** What is wrong with a text, and what it would look like. Changes nothing: a whole text is too long for a GET. */
	preview: adminProcedure(template).mutation(async ({ ctx, input: { name, ...template } }) => {
		const brand = await getPortalWithLook(ctx);
		const checked = await checkTemplate(name, template, brand);
		if (checked.problems.length > 0 || checked.subject) return { ...checked, rendered: null };
		const sample = sampleOf(name, ctx.config.ORIGIN);
		const { subject, html, text, attachments } = await renderEmail(name, sample, brand, template);
		return {
			...checked,
			rendered: { subject, text, html: showAttachments(html, attachments), size: html.length }
		};
	}),

	/** Saves a text as the next version; `version` is the one that it was made from. In force with the commit. */
	update: adminProcedure({ ...template, version, note: versionNote.default('') }).mutation(
		async ({ ctx, input: { name, version, note, ...input } }) => {
			const template = { subject: input.subject.trim(), body: input.body };
			await refuseWrong(ctx, name, template);
			const email = await addVersion(ctx, name, version, template, note);
			await publish(ctx, 'email.changed', { email });
			return email;
		}
	),

	/** Makes the text of an earlier version the newest one. */
	restore: adminProcedure({ name, version, from: version }).mutation(async ({ ctx, input }) => {
		const { version: found, isDefault, subject, body } = await getTemplate(ctx.db, input.name, input.from);
		if (found !== input.from) throw notFound();
		const template = isDefault ? null : { subject, body };
		// What was right then may not be now, when the message has lost a variable.
		if (template) await refuseWrong(ctx, input.name, template);
		const email = await addVersion(ctx, input.name, input.version, template, `Version ${input.from} again`);
		await publish(ctx, 'email.restored', { email, from: input.from });
		return email;
	}),

	/** Goes back to the text that Portico brings, also to the one that a newer Portico will bring. */
	reset: adminProcedure({ name, version }).mutation(async ({ ctx, input }) => {
		const email = await addVersion(ctx, input.name, input.version, null, 'Back to the default');
		await publish(ctx, 'email.reset', { email });
		return email;
	}),

	/** Sends a text, saved or not, with sample values to the admin who asks; through the queue, as every message. */
	sendTest: adminProcedure(template).mutation(async ({ ctx, input: { name, ...template } }) => {
		await limit(ctx.db, `email-test:${ctx.user.id}`, 20, 600);
		await refuseWrong(ctx, name, template);
		const to = { name: ctx.actor.name, address: ctx.user.email };
		const props = catalogue[name].props.parse(sampleOf(name, ctx.config.ORIGIN));
		await ctx.outbox.enqueue(ctx.db, to, name, props as never, template);
		return { to: ctx.user.email };
	}),

	/** An open page says that somebody edits there, again and again, and hears who else does. */
	attend: adminProcedure({ name, pageId: z.uuid(), isHere: z.boolean() }).mutation(
		async ({ ctx, input: { name, pageId, isHere } }) => {
			const { db, user } = ctx;
			const gone = await db
				.deleteFrom('emailEditor')
				.where((eb) =>
					eb.or([
						eb('seenAt', '<', sql<Date>`now() - make_interval(secs => ${closedAfterSeconds})`),
						eb.and([eb('pageId', '=', pageId), eb('userId', '=', user.id), eb.lit(!isHere)])
					])
				)
				.returning('name')
				.execute();
			const told = new Set(gone.map((row) => row.name));
			if (isHere) {
				const values = { pageId, name, userId: user.id };
				const known = await db
					.updateTable('emailEditor')
					.set({ seenAt: sql`now()` })
					.where('pageId', '=', pageId)
					.where('userId', '=', user.id)
					.returning('name')
					.executeTakeFirst();
				if (!known) {
					await db
						.insertInto('emailEditor')
						.values(values)
						.onConflict((conflict) => conflict.doNothing())
						.execute();
					told.add(name);
				}
			}
			for (const one of told) await signal(db, { kind: 'editors', name: one });
			return listEditors(db, name);
		}
	)
});
