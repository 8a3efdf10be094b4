import { sayDay } from '#lib/dates.ts';
import { fullName } from '#lib/views.ts';
import type { ProductAccess } from '#lib/products.ts';
import type { Trx } from '../../database/database.ts';
import { idsIn } from '../../database/sets.ts';
import type { Context } from '../../api/trpc.ts';
import { listAdminReaders } from '../../people/admins.ts';

/** The e-mails about access: to the portal admins who decide, and to the people whom a decision is about. */

type Telling = Pick<Context, 'config' | 'outbox'> & { db: Trx; actor: { id: string | null; name: string } };
export type Told = { organizationId: string; access: ProductAccess };

/** Tells the portal admins of a request that waits for them. */
export async function tellDeciders(
	{ db, config, outbox, actor }: Telling,
	organizationName: string,
	access: ProductAccess
): Promise<void> {
	const props = {
		requesterName: actor.name,
		organizationName,
		applicationName: access.applicationName,
		productName: access.product.name,
		planName: access.request?.plan.name ?? '',
		reviewUrl: `${config.ORIGIN}/admin/access`
	};
	const readers = await listAdminReaders(db);
	await outbox.enqueueMany(
		db,
		'access-requested',
		readers.map((to) => ({ to, props }))
	);
}

/**
 * Whom each of these concerns, with what every such e-mail says: the Super admins and whoever asked, but not who does it
 * now. One statement, however many there are.
 */
async function listConcerned({ db, config, actor }: Telling, all: readonly Told[]) {
	const members = await db
		.selectFrom('membership')
		.innerJoin('account', 'account.id', 'membership.userId')
		.innerJoin('organization', 'organization.id', 'membership.organizationId')
		.select([
			'membership.organizationId',
			'membership.userId',
			'membership.firstName',
			'membership.lastName',
			'membership.role',
			'account.email',
			'organization.name',
			'organization.slug'
		])
		.where('membership.organizationId', 'in', idsIn(all.map(({ organizationId }) => organizationId)))
		.where('account.status', '=', 'active')
		.orderBy('membership.joinedAt')
		.execute();
	const byOrganization = Map.groupBy(members, ({ organizationId }) => organizationId);
	return all.flatMap(({ organizationId, access }) =>
		(byOrganization.get(organizationId) ?? [])
			.filter(({ role, userId }) => role === 'super_admin' || userId === access.request?.requestedBy.id)
			.filter(({ userId }) => userId !== actor.id)
			.map((member) => ({
				access,
				to: { name: fullName(member), address: member.email },
				props: {
					organizationName: member.name,
					firstName: member.firstName,
					applicationName: access.applicationName,
					productName: access.product.name,
					applicationUrl: `${config.ORIGIN}/orgs/${member.slug}/applications/${access.applicationId}`
				}
			}))
	);
}

/** Tells of decisions about requests, all of the same kind. */
export async function tellDecisions(
	ctx: Telling,
	decision: 'approved' | 'rejected',
	all: readonly Told[]
): Promise<void> {
	const readers = await listConcerned(ctx, all);
	if (decision === 'approved') {
		const recipients = readers.map(({ to, props, access }) => ({
			to,
			props: { ...props, planName: access.granted?.plan.name ?? '' }
		}));
		await ctx.outbox.enqueueMany(ctx.db, 'access-approved', recipients);
		return;
	}
	const recipients = readers.map(({ to, props, access }) => ({
		to,
		props: { ...props, planName: access.request?.plan.name ?? '', reason: access.request?.reason ?? '' }
	}));
	await ctx.outbox.enqueueMany(ctx.db, 'access-rejected', recipients);
}

/** Tells that access ends, at once or on a day. */
export async function tellEnd(ctx: Telling, told: Told, isAtOnce: boolean): Promise<void> {
	const day = sayDay(told.access.granted?.endsAt ?? '');
	const recipients = (await listConcerned(ctx, [told])).map(({ to, props, access }) => ({
		to,
		props: {
			...props,
			actorName: ctx.actor.name,
			ends: isAtOnce ? 'has ended' : `ends on ${day}`,
			consequence: `${isAtOnce ? 'Its' : `From ${day} on its`} credentials don’t open it any more.`,
			reason: access.granted?.endReason ?? ''
		}
	}));
	await ctx.outbox.enqueueMany(ctx.db, 'access-ended', recipients);
}

/** Tells that access goes on, whose end they were told of. */
export async function tellKept(ctx: Telling, told: Told): Promise<void> {
	const recipients = (await listConcerned(ctx, [told])).map(({ to, props }) => ({
		to,
		props: { ...props, actorName: ctx.actor.name }
	}));
	await ctx.outbox.enqueueMany(ctx.db, 'access-kept', recipients);
}
