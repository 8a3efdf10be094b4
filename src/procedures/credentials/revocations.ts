import { z } from 'zod';
import { idleAtMost } from '#lib/usage.ts';
import { idsIn } from '../../database/sets.ts';
import { notFound } from '../../api/refusals.ts';
import { organizationProcedure, router } from '../../api/trpc.ts';
import { publishMany } from '../../news/publish.ts';
import { isSilent } from './uses.ts';
import { tellChanges } from './changes.ts';
import { credentialViewOf, selectCredentials } from './credentials.ts';

export const revocationsRouter = router({
	/**
	 * Of these credentials those that nobody has used for long, as the list said that they were chosen from: whichever was
	 * used or revoked meanwhile is left as it is. Several in a fixed number of statements.
	 */
	revokeSilent: organizationProcedure(
		{ credentialIds: z.array(z.uuid()).min(1).max(idleAtMost) },
		({ credentialIds }) => credentialIds.length
	).mutation(async ({ ctx, input }) => {
		const ids = [...new Set(input.credentialIds)];
		const ours = selectCredentials(ctx.db)
			.where('credential.id', 'in', idsIn(ids))
			.where('home.organizationId', '=', ctx.organization.id)
			.select('home.name as applicationName');
		const before = await ours.execute();
		if (before.length < ids.length) throw notFound();
		// A use that is being noted is written by then, and seen by the next statement.
		await ctx.db
			.selectFrom('credential')
			.select('id')
			.where('id', 'in', idsIn(ids))
			.orderBy('id')
			.forUpdate()
			.execute();
		const revoked = await ctx.db
			.updateTable('credential')
			.set({ revokedAt: new Date() })
			.where('credential.id', 'in', idsIn(ids))
			.where(isSilent)
			.returning('id')
			.execute();
		const isRevoked = new Set(revoked.map(({ id }) => id));
		const events = (await ours.orderBy('credential.id').execute())
			.filter(({ id }) => isRevoked.has(id))
			.map(({ applicationName, ...row }) => ({
				applicationId: row.applicationId,
				applicationName,
				credential: credentialViewOf(row)
			}));
		await publishMany(ctx, 'credential.revoked', events);
		if (events.length > 0) await tellChanges(ctx, events, 'revoked', 'It works no longer.');
		return { revoked: events.length, left: ids.length - events.length };
	})
});
