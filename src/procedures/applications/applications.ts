import { z } from 'zod';
import { applicationName, description } from '#lib/fields.ts';
import { sayApplicationLimit } from '#lib/limits.ts';
import { fullName, type Application } from '#lib/views.ts';
import { brokenIndex, isoOf, type Db } from '../../database/database.ts';
import { publish } from '../../news/publish.ts';
import { fieldRefusal, notFound, Refusal } from '../../api/refusals.ts';
import { organizationProcedure, router } from '../../api/trpc.ts';
import { insertCredential, listCredentials } from '../credentials/credentials.ts';
import { getSettings } from '../settings/settings.ts';

/** Applications with their credentials as their pages show them, newest first: two queries, however many there are. */
export async function listApplications(db: Db, organizationId: string, id?: string): Promise<Application[]> {
	const rows = await db
		.selectFrom('application')
		.leftJoin('account as creator', 'creator.id', 'application.createdBy')
		.selectAll('application')
		.select(['creator.firstName', 'creator.lastName', 'creator.email'])
		.where('application.organizationId', '=', organizationId)
		.$if(id !== undefined, (query) => query.where('application.id', '=', id ?? ''))
		.orderBy('application.createdAt', 'desc')
		.orderBy('application.id')
		.execute();
	const credentials = await listCredentials(
		db,
		rows.map((row) => row.id)
	);
	return rows.map((row) => ({
		id: row.id,
		name: row.name,
		description: row.description,
		createdBy:
			row.createdBy !== null && row.email !== null
				? {
						id: row.createdBy,
						name: fullName({
							firstName: row.firstName ?? '',
							lastName: row.lastName ?? '',
							email: row.email
						})
					}
				: null,
		createdAt: isoOf(row.createdAt),
		credentials: credentials.get(row.id) ?? []
	}));
}

/** @throws {Refusal} NOT_FOUND, also for an application of another organization. */
export async function getApplication(db: Db, organizationId: string, id: string): Promise<Application> {
	const [application] = await listApplications(db, organizationId, id);
	if (!application) throw notFound();
	return application;
}

/** The application without its credentials, of which an event needn't tell anew. */
function headOf({ credentials: _, ...head }: Application): Omit<Application, 'credentials'> {
	return head;
}

async function refusingTaken<Result>(name: string, writing: Promise<Result>): Promise<Result> {
	try {
		return await writing;
	} catch (error) {
		if (!brokenIndex(error)?.startsWith('application_')) throw error;
		throw fieldRefusal('name', 'TAKEN', `There is already an application with the name ${name}.`);
	}
}

/** Exact under the lock of the organization's row. */
async function refuseTooMany(db: Db, organizationId: string): Promise<void> {
	const { maxApplications } = await getSettings(db);
	const { count } = await db
		.selectFrom('application')
		.select((eb) => eb.fn.countAll<number>().as('count'))
		.where('organizationId', '=', organizationId)
		.executeTakeFirstOrThrow();
	if (Number(count) < maxApplications) return;
	throw new Refusal('CONFLICT', 'TOO_MANY', sayApplicationLimit(maxApplications));
}

export const applicationsRouter = router({
	/** An application comes with its first credential, so that the team can begin. */
	create: organizationProcedure({ name: applicationName, description: description.default('') }).mutation(
		async ({ ctx, input }) => {
			await refuseTooMany(ctx.db, ctx.organization.id);
			const writing = ctx.db
				.insertInto('application')
				.values({ ...input, organizationId: ctx.organization.id, createdBy: ctx.user.id })
				.returning('id')
				.executeTakeFirstOrThrow();
			const { id } = await refusingTaken(input.name, writing);
			await insertCredential(ctx, { applicationId: id, label: 'Default', expiresAt: null });
			const application = await getApplication(ctx.db, ctx.organization.id, id);
			await publish(ctx, 'application.created', { application });
			return application;
		}
	),

	update: organizationProcedure({ applicationId: z.uuid(), name: applicationName, description }).mutation(
		async ({ ctx, input }) => {
			const before = await getApplication(ctx.db, ctx.organization.id, input.applicationId);
			if (before.name === input.name && before.description === input.description) return before;
			const writing = ctx.db
				.updateTable('application')
				.set({ name: input.name, description: input.description })
				.where('id', '=', before.id)
				.execute();
			await refusingTaken(input.name, writing);
			const application = { ...before, name: input.name, description: input.description };
			await publish(ctx, 'application.updated', {
				application: headOf(application),
				previousName: before.name
			});
			return application;
		}
	),

	/** Its credentials go with it and stop working at once. */
	delete: organizationProcedure({ applicationId: z.uuid() }).mutation(async ({ ctx, input }) => {
		const application = await getApplication(ctx.db, ctx.organization.id, input.applicationId);
		await ctx.db.deleteFrom('application').where('id', '=', application.id).execute();
		await publish(ctx, 'application.deleted', { application: headOf(application) });
		return application;
	})
});
