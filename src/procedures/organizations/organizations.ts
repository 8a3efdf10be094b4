import { z } from 'zod';
import { sentence } from '#lib/direction.ts';
import { organizationName } from '#lib/fields.ts';
import { fullName, type Organization, type Status } from '#lib/views.ts';
import { compileOnce } from '../../database/compiled.ts';
import { isoOf, type Db } from '../../database/database.ts';
import { limit } from '../../api/limits.ts';
import { findFreeSlug, keysOf } from './names.ts';
import { publish } from '../../news/publish.ts';
import { fieldRefusal, notFound, Refusal, refusingTaken } from '../../api/refusals.ts';
import {
	organizationProcedure,
	router,
	system,
	verifiedProcedure,
	type WritingContext
} from '../../api/trpc.ts';
import { listAdminReaders } from '../../people/admins.ts';
import { listMembers } from '../../people/members.ts';
import { nameIn, personOf } from '../../people/names.ts';
import { getSettings } from '../settings/settings.ts';

/** How often a rejected request may be made again. */
const requestsADay = 3;
/** How many requests one person may make a day, over all organizations: the portal admins are written to about each. */
const requestsOfPersonADay = 10;
/** How many organizations one person may have asked for. */
const maxRequested = 50;

const limitRequests = (db: Db, userId: string) =>
	limit(db, `request:account:${userId}`, requestsOfPersonADay, 86_400);

export function selectOrganizations(db: Db) {
	return db
		.selectFrom('organization')
		.leftJoin('account as requester', 'requester.id', 'organization.requestedBy')
		.leftJoin('account as decider', 'decider.id', 'organization.decidedBy')
		.selectAll('organization')
		.select([
			'requester.email as requesterEmail',
			'requester.firstName as requesterFirstName',
			'requester.lastName as requesterLastName',
			'requester.emailVerifiedAt as requesterVerifiedAt',
			'decider.firstName as deciderFirstName',
			'decider.lastName as deciderLastName'
		])
		.select(nameIn('organization.id', 'organization.deletionAskedBy').as('deleterName'));
}

type Row = Awaited<ReturnType<ReturnType<typeof selectOrganizations>['executeTakeFirstOrThrow']>>;

/** Who works for the portal; whose account is gone is nobody. */
const deciderOf = (id: string | null, firstName: string | null, lastName: string | null) =>
	id === null || firstName === null ? null : { id, name: `${firstName} ${lastName ?? ''}`.trim() };

export function organizationViewOf(row: Row): Organization {
	return {
		id: row.id,
		slug: row.slug,
		name: row.name,
		status: row.status,
		isPersonal: row.isPersonal,
		isRevealRestricted: row.isRevealRestricted,
		isAccessRestricted: row.isAccessRestricted,
		requestedBy:
			row.requestedBy !== null && row.requesterEmail !== null
				? {
						id: row.requestedBy,
						name: fullName({
							firstName: row.requesterFirstName ?? '',
							lastName: row.requesterLastName ?? '',
							email: row.requesterEmail
						}),
						email: row.requesterEmail,
						isProven: row.requesterVerifiedAt !== null
					}
				: null,
		requestedAt: isoOf(row.requestedAt),
		decidedBy: deciderOf(row.decidedBy, row.deciderFirstName, row.deciderLastName),
		decidedAt: isoOf(row.decidedAt),
		rejectionReason: row.rejectionReason,
		deletion: row.deletesAt && {
			at: isoOf(row.deletesAt),
			by: personOf(row.deletionAskedBy, row.deleterName),
			isByPortal: row.isDeletionByPortal
		}
	};
}

const selectOrganization = compileOnce((db: Db, id: string) =>
	selectOrganizations(db).where('organization.id', '=', id)
);

/** The organization as pages and events show it. @throws {Refusal} NOT_FOUND where it is gone. */
export async function getOrganizationView(db: Db, id: string): Promise<Organization> {
	const [row] = await selectOrganization(db, id);
	if (!row) throw notFound();
	return organizationViewOf(row);
}

/** For {@link refusingTaken}. */
export function takenName(name: string) {
	const refusal = fieldRefusal(
		'name',
		'TAKEN',
		sentence`There is already an organization with the name ${name}.`
	);
	return { organization_name_key: refusal, organization_slug_key: refusal };
}

/** Whom to write to about the organization: its members, with what every such e-mail says. */
export async function listRecipients(ctx: WritingContext, organization: Organization) {
	const members = await listMembers(ctx.db, organization.id);
	return members.map((member) => ({
		to: { name: fullName(member), address: member.email },
		props: {
			organizationName: organization.name,
			firstName: member.firstName,
			organizationUrl: `${ctx.config.ORIGIN}/orgs/${organization.slug}`
		}
	}));
}

/** Tells the stream, and where nobody has decided yet, the portal admins by e-mail. */
async function publishRequest(
	ctx: WritingContext,
	organization: Organization,
	previousStatus: Status | null
): Promise<void> {
	if (organization.status !== 'approved') {
		const props = {
			organizationName: organization.name,
			requesterName: organization.requestedBy?.name ?? '',
			requesterEmail: organization.requestedBy?.email ?? '',
			doubt: organization.requestedBy?.isProven ? '' : 'Nobody has confirmed this address.',
			reviewUrl: `${ctx.config.ORIGIN}/admin/organizations/${organization.id}`
		};
		const readers = await listAdminReaders(ctx.db);
		await ctx.outbox.enqueueMany(
			ctx.db,
			'organization-requested',
			readers.map((to) => ({ to, props }))
		);
	}
	await publish({ ...ctx, organization }, 'organization.requested', {
		organization: { ...organization, status: 'pending', decidedAt: null },
		previousStatus
	});
	if (organization.status === 'approved') {
		await publish({ ...ctx, actor: system, organization }, 'organization.approved', {
			organization,
			previousStatus: 'pending'
		});
	}
}

export const organizationsRouter = router({
	request: verifiedProcedure({ name: organizationName }).mutation(async ({ ctx, input: { name } }) => {
		const { db, user } = ctx;
		const settings = await getSettings(db);
		if (!settings.canRegisterOrganizations) {
			throw new Refusal(
				'FORBIDDEN',
				'ORGANIZATIONS_DISABLED',
				'Registering organizations is switched off at the moment.'
			);
		}
		// Whom nobody can write to is decided about by a person.
		const isApproved = settings.isAutoApprovingOrganizations && ctx.isProven;
		const pending = await db
			.selectFrom('organization')
			.select('name')
			.where('requestedBy', '=', user.id)
			.where('status', '=', 'pending')
			.executeTakeFirst();
		if (pending) {
			throw new Refusal(
				'CONFLICT',
				'PENDING_REQUEST',
				sentence`Your request for ${pending.name} is still pending.`
			);
		}
		const { count } = await db
			.selectFrom('organization')
			.select((eb) => eb.fn.countAll<number>().as('count'))
			.where('requestedBy', '=', user.id)
			.where('isPersonal', '=', false)
			.where('status', '!=', 'withdrawn')
			.executeTakeFirstOrThrow();
		if (Number(count) >= maxRequested) {
			throw new Refusal(
				'CONFLICT',
				'TOO_MANY',
				`You have registered ${maxRequested} organizations, which is the most.`
			);
		}
		await limitRequests(db, user.id);
		const writing = db
			.insertInto('organization')
			.values({
				slug: await findFreeSlug(db, name),
				name,
				...keysOf(name),
				status: isApproved ? 'approved' : 'pending',
				requestedBy: user.id,
				decidedAt: isApproved ? new Date() : null
			})
			.returning('id')
			.executeTakeFirstOrThrow();
		const { id } = await refusingTaken(writing, takenName(name));
		await db
			.insertInto('membership')
			.values({
				organizationId: id,
				userId: user.id,
				firstName: user.firstName,
				lastName: user.lastName,
				role: 'super_admin'
			})
			.execute();
		const organization = await getOrganizationView(db, id);
		await publishRequest(ctx, organization, null);
		return organization;
	}),

	rename: organizationProcedure({ name: organizationName }).mutation(async ({ ctx, input: { name } }) => {
		if (name === ctx.organization.name) return getOrganizationView(ctx.db, ctx.organization.id);
		const writing = ctx.db
			.updateTable('organization')
			.set({ name, ...keysOf(name) })
			.where('id', '=', ctx.organization.id)
			.execute();
		await refusingTaken(writing, takenName(name));
		const organization = await getOrganizationView(ctx.db, ctx.organization.id);
		await publish(ctx, 'organization.renamed', { organization, previousName: ctx.organization.name });
		return organization;
	}),

	withdraw: organizationProcedure({}).mutation(async ({ ctx }) => {
		const { id, status: previousStatus } = ctx.organization;
		await ctx.db.updateTable('organization').set({ status: 'withdrawn' }).where('id', '=', id).execute();
		const organization = await getOrganizationView(ctx.db, id);
		await publish(ctx, 'organization.withdrawn', { organization, previousStatus });
		return organization;
	}),

	requestAgain: organizationProcedure({ name: organizationName }).mutation(
		async ({ ctx, input: { name } }) => {
			const settings = await getSettings(ctx.db);
			if (!settings.canRegisterOrganizations) {
				throw new Refusal(
					'FORBIDDEN',
					'ORGANIZATIONS_DISABLED',
					'Registering organizations is switched off at the moment.'
				);
			}
			const isApproved = settings.isAutoApprovingOrganizations && ctx.isProven;
			await limit(ctx.db, `request-again:${ctx.organization.id}`, requestsADay, 86_400);
			await limitRequests(ctx.db, ctx.user.id);
			const writing = ctx.db
				.updateTable('organization')
				.set({
					name,
					...keysOf(name),
					status: isApproved ? 'approved' : 'pending',
					requestedAt: new Date(),
					decidedBy: null,
					decidedAt: isApproved ? new Date() : null,
					rejectionReason: null
				})
				.where('id', '=', ctx.organization.id)
				.execute();
			await refusingTaken(writing, takenName(name));
			const organization = await getOrganizationView(ctx.db, ctx.organization.id);
			await publishRequest(ctx, organization, ctx.organization.status);
			return organization;
		}
	),

	configure: organizationProcedure({
		isRevealRestricted: z.boolean().optional(),
		isAccessRestricted: z.boolean().optional()
	}).mutation(async ({ ctx, input }) => {
		const { organizationId: id, ...switches } = input;
		const changed = (['isRevealRestricted', 'isAccessRestricted'] as const).filter(
			(one) => switches[one] !== undefined && switches[one] !== ctx.organization[one]
		);
		if (changed.length === 0) return getOrganizationView(ctx.db, id);
		await ctx.db.updateTable('organization').set(switches).where('id', '=', id).execute();
		const organization = await getOrganizationView(ctx.db, id);
		await publish(ctx, 'organization.configured', { organization, changed });
		return organization;
	})
});
