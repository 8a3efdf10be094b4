import { z } from 'zod';
import { sentence } from '#lib/direction.ts';
import type { Actor } from '#lib/events.ts';
import { applicationName, description } from '#lib/fields.ts';
import { sayApplicationLimit } from '#lib/limits.ts';
import { type Application } from '#lib/views.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { compileTogether } from '../../database/together.ts';
import { publish, publishMany } from '../../news/publish.ts';
import { fieldRefusal, notFound, Refusal, refusingTaken } from '../../api/refusals.ts';
import { refuseUnseen, seenIn } from '../../api/seen.ts';
import { organizationProcedure, router, transferProcedure } from '../../api/trpc.ts';
import { keepDecisions, withdrawPending } from '../products/withdrawals.ts';
import { credentialViewOf, insertCredential, selectShown } from '../credentials/credentials.ts';
import { listKnownTo } from '../credentials/exposures.ts';
import { nameIn, personOf } from '../../people/names.ts';
import { getSettings } from '../settings/settings.ts';

const selectApplications = (db: Db, organizationId: string) =>
	db.selectFrom('application').where('application.organizationId', '=', organizationId);

const withCreator = (applications: ReturnType<typeof selectApplications>) =>
	applications
		.selectAll('application')
		.select(nameIn('application.organizationId', 'application.createdBy').as('creatorName'));

/** The applications of an organization, newest first, and what is shown of their credentials; see `applicationViewsOf`. */
export function selectApplicationsOf(db: Db, organizationId: string) {
	const all = selectApplications(db, organizationId);
	return {
		applications: withCreator(all).orderBy('application.createdAt', 'desc').orderBy('application.id'),
		credentials: selectShown(db, all.select('application.id'))
	};
}

const askForOne = compileTogether((db: Db, organizationId: string, id: string) => {
	const one = selectApplications(db, organizationId).where('application.id', '=', id);
	return { applications: withCreator(one), credentials: selectShown(db, one.select('application.id')) };
});

/** Applications with their credentials as their pages show them. */
export function applicationViewsOf(found: Awaited<ReturnType<typeof askForOne>>): Application[] {
	const credentials = Map.groupBy(found.credentials, (row) => row.applicationId);
	return found.applications.map((row) => ({
		id: row.id,
		name: row.name,
		description: row.description,
		createdBy: personOf(row.createdBy, row.creatorName),
		createdAt: isoOf(row.createdAt),
		credentials: (credentials.get(row.id) ?? []).map(credentialViewOf)
	}));
}

/** @throws {Refusal} NOT_FOUND, also for an application of another organization. */
export async function getApplication(db: Db, organizationId: string, id: string): Promise<Application> {
	const [application] = applicationViewsOf(await askForOne(db, organizationId, id));
	if (!application) throw notFound();
	return application;
}

/** The application without its credentials, of which an event needn't tell anew. */
export function headOf({ credentials: _, ...head }: Application): Omit<Application, 'credentials'> {
	return head;
}

/** For {@link refusingTaken}. */
function takenName(name: string, field = 'name') {
	const refusal = fieldRefusal(
		field,
		'TAKEN',
		sentence`There is already an application with the name ${name}.`
	);
	return { application_name: refusal, application_seen_name: refusal };
}

/** Exact under the lock of the organization's row. */
async function refuseTooMany(db: Db, organizationId: string, field?: string): Promise<void> {
	const { maxApplications } = await getSettings(db);
	const { count } = await db
		.selectFrom('application')
		.select((eb) => eb.fn.countAll<number>().as('count'))
		.where('organizationId', '=', organizationId)
		.executeTakeFirstOrThrow();
	if (Number(count) < maxApplications) return;
	const words = sayApplicationLimit(maxApplications);
	throw field ? fieldRefusal(field, 'TOO_MANY', words) : new Refusal('CONFLICT', 'TOO_MANY', words);
}

type Creating = Parameters<typeof insertCredential>[0] & {
	actor: Actor;
	organization: { id: string; isPersonal: boolean };
};

/**
 * An application comes with its first credential, so that the team can begin; `expiresAt` is when that ends. Under the organization's lock; `tell` comes
 * last, as every event does.
 */
export async function createApplication(
	ctx: Creating,
	{
		name,
		description = '',
		expiresAt = null
	}: { name: string; description?: string; expiresAt?: Date | null },
	/** What the name is called in the call. */
	field = 'name'
): Promise<{ application: Application; tell: () => Promise<void> }> {
	await refuseTooMany(ctx.db, ctx.organization.id);
	const writing = ctx.db
		.insertInto('application')
		.values({ name, description, organizationId: ctx.organization.id, createdBy: ctx.user.id })
		.returning('id')
		.executeTakeFirstOrThrow();
	const { id } = await refusingTaken(writing, takenName(name, field));
	await insertCredential(ctx, { applicationId: id, label: 'Default', expiresAt });
	const application = await getApplication(ctx.db, ctx.organization.id, id);
	return { application, tell: () => publish(ctx, 'application.created', { application }) };
}

/** What its form holds. */
const facts = { name: applicationName, description };

export const applicationsRouter = router({
	create: organizationProcedure({ name: applicationName, description: description.default('') }).mutation(
		async ({ ctx, input }) => {
			const { application, tell } = await createApplication(ctx, input);
			await tell();
			return application;
		}
	),

	/** What is given; the rest stays as it is. */
	update: organizationProcedure({
		applicationId: z.uuid(),
		...z.strictObject(facts).partial().shape,
		seen: seenIn(facts)
	}).mutation(async ({ ctx, input }) => {
		const before = await getApplication(ctx.db, ctx.organization.id, input.applicationId);
		refuseUnseen(before, input, input.seen);
		const { name = before.name, description = before.description } = input;
		if (before.name === name && before.description === description) return before;
		const writing = ctx.db
			.updateTable('application')
			.set({ name, description })
			.where('id', '=', before.id)
			.execute();
		await refusingTaken(writing, takenName(name));
		const application = { ...before, name, description };
		await publish(ctx, 'application.updated', {
			application: headOf(application),
			previousName: before.name
		});
		return application;
	}),

	/**
	 * Out of the personal space, with its credentials. They go on working: which organization a key stands for is read from
	 * the application's row, so that it changes from one to the other in one write, and no secret is touched. What the
	 * owner has seen is told in the new place too, where it counts when they go.
	 */
	move: transferProcedure({ applicationId: z.uuid(), name: applicationName }, 'applications.create').mutation(
		async ({ ctx, input }) => {
			const { db, organization: space, target } = ctx;
			const { id: organizationId, slug, name: organizationName, isPersonal } = target.organization;
			const before = await getApplication(db, space.id, input.applicationId);
			if (isPersonal) throw fieldRefusal('targetId', 'INVALID', 'Choose an organization.');
			await refuseTooMany(db, organizationId, 'targetId');
			const known = new Set((await listKnownTo(db, space.id, ctx.user.id)).map(({ id }) => id));
			const writing = db
				.updateTable('application')
				.set({ organizationId, name: input.name, isAlike: false })
				.where('id', '=', before.id)
				.execute();
			await refusingTaken(writing, takenName(input.name));
			const application = await getApplication(db, organizationId, before.id);
			await publish(ctx, 'application.moved', {
				application: headOf(before),
				name: application.name,
				to: { slug, name: organizationName }
			});
			await publish(target, 'application.received', { application });
			await publishMany(
				target,
				'credential.known',
				application.credentials
					.filter(({ id }) => known.has(id))
					.map((credential) => ({
						applicationId: application.id,
						applicationName: application.name,
						credential
					}))
			);
			return application;
		}
	),

	/** Its credentials go with it and stop working at once. */
	delete: organizationProcedure({ applicationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const application = await getApplication(ctx.db, ctx.organization.id, input.applicationId);
		await withdrawPending(ctx, application.id);
		await keepDecisions(ctx.db, application);
		await ctx.db.deleteFrom('application').where('id', '=', application.id).execute();
		await publish(ctx, 'application.deleted', { application: headOf(application) });
		return application;
	})
});
