import { settingKeys, settingsChange, type Settings } from '#lib/settings.ts';
import { compileOnce } from '../../database/compiled.ts';
import type { Db, Trx } from '../../database/database.ts';
import { publish } from '../../news/publish.ts';
import { refuseUnseen } from '../../api/seen.ts';
import { adminProcedure, router } from '../../api/trpc.ts';
import { listNamed } from '../activity/activity.ts';

export const selectSettings = (db: Db) => db.selectFrom('portal').select(settingKeys);
const askForSettings = compileOnce(selectSettings);

/** The one row that there is. */
export function settingsOf([settings]: Settings[]): Settings {
	if (!settings) throw new Error('The database has lost the row of the portal.');
	return settings;
}

/** The portal's settings as they are now. */
export const getSettings = async (db: Db): Promise<Settings> => settingsOf(await askForSettings(db));

/** Whether this account can be signed in now. Portal admins always can: somebody has to switch it on again. */
export async function isSignInOpen(db: Db, account: { isPortalAdmin: boolean }): Promise<boolean> {
	return account.isPortalAdmin || (await getSettings(db)).canSignIn;
}

/** Lets one change of what is the whole portal's in after the other. Its row comes last in the order of locks. */
export async function lockPortal(db: Trx): Promise<void> {
	await db.selectFrom('portal').select('id').forUpdate().execute();
}

/** The settings as they stay until the commit. */
export async function lockSettings(db: Trx): Promise<Settings> {
	await lockPortal(db);
	return getSettings(db);
}

/** How many changes the settings page shows. */
const historyLength = 20;

export const settingsRouter = router({
	/** Who changed what, newest first. */
	listChanges: adminProcedure({}).query(({ ctx }) => listNamed(ctx.db, 'settings.updated', historyLength)),

	/** Changes the given settings and leaves the others; in force with the commit. */
	update: adminProcedure({ ...settingsChange.shape, seen: settingsChange.optional() }).mutation(
		async ({ ctx, input: { seen, ...input } }) => {
			// The portal's row is also what numbers the event: whoever changes settings waits here.
			const before = await lockSettings(ctx.db);
			refuseUnseen(before, input, seen);
			const settings: Settings = { ...before, ...input };
			const changed = settingKeys.filter((key) => settings[key] !== before[key]);
			if (changed.length === 0) return settings;
			await ctx.db.updateTable('portal').set(settings).execute();
			await publish(ctx, 'settings.updated', { settings, changed });
			return settings;
		}
	)
});
