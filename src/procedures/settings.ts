import { settingsView, type Settings } from '#lib/views.ts';
import type { Db } from '../database.ts';
import { publish } from '../outbox.ts';
import { adminProcedure, router } from '../trpc.ts';

/** The portal's settings as they are now. */
export async function getSettings(db: Db): Promise<Settings> {
	return db
		.selectFrom('portal')
		.select([
			'canRegister',
			'canSignIn',
			'isAutoApprovingAccounts',
			'canRegisterOrganizations',
			'isAutoApprovingOrganizations'
		])
		.executeTakeFirstOrThrow();
}

export const settingsRouter = router({
	/** Changes the given settings and leaves the others; in force with the commit. */
	update: adminProcedure(settingsView.partial().shape).mutation(async ({ ctx, input }) => {
		// The portal's row is also what numbers the event: whoever changes settings waits here.
		await ctx.db.selectFrom('portal').select('id').forUpdate().execute();
		const before = await getSettings(ctx.db);
		const settings: Settings = { ...before, ...input };
		const changed = settingsView.keyof().options.filter((key) => settings[key] !== before[key]);
		if (changed.length === 0) return settings;
		await ctx.db.updateTable('portal').set(settings).execute();
		await publish(ctx, 'settings.updated', { settings, changed });
		return settings;
	})
});
