import { sayMoment } from '#lib/dates.ts';
import { fullName, type Credential } from '#lib/views.ts';
import type { Trx } from '../../database/database.ts';
import type { Context } from '../../api/trpc.ts';
import { listOptedIn } from '../../people/members.ts';

type Change = { applicationId: string; applicationName: string; credential: Credential };

type Telling = Pick<Context, 'config' | 'outbox'> & {
	db: Trx;
	user: { id: string };
	actor: { name: string };
	organization: { id: string; name: string; slug: string };
};

/** Writes to the members who want to know what others do with credentials; whoever does it knows it already. */
export const tellChange = (
	ctx: Telling,
	event: Change,
	change: 'created' | 'rotated' | 'revoked',
	consequence = ''
) => tellChanges(ctx, [event], change, consequence);

/** As {@link tellChange}, of several that were changed at once. */
export async function tellChanges(
	ctx: Telling,
	events: readonly Change[],
	change: 'created' | 'rotated' | 'revoked',
	consequence: string
): Promise<void> {
	const { organization, actor, user } = ctx;
	const all = await listOptedIn(ctx.db, organization.id, 'credentials');
	const readers = all.filter(({ userId }) => userId !== user.id);
	const recipients = events.flatMap((event) =>
		readers.map((member) => ({
			to: { name: fullName(member), address: member.email },
			props: {
				organizationName: organization.name,
				firstName: member.firstName,
				applicationName: event.applicationName,
				label: event.credential.label,
				lastFour: event.credential.lastFour,
				applicationUrl: `${ctx.config.ORIGIN}/orgs/${organization.slug}/applications/${event.applicationId}`,
				actorName: actor.name,
				change,
				consequence
			}
		}))
	);
	await ctx.outbox.enqueueMany(ctx.db, 'credential-changed', recipients);
}

/** What becomes of a credential that was rotated. */
export function consequenceOf({ lastFour, revokedAt, expiresAt }: Credential): string {
	const place = `It takes the place of …${lastFour}, which`;
	if (revokedAt || !expiresAt) return `${place} works no longer.`;
	return `${place} works until ${sayMoment(expiresAt)}.`;
}
