import { z } from 'zod';
import { alarms, type AlarmKind } from '#lib/alarms.ts';
import { dismissAlarm, listAlarms } from '../../news/alarms.ts';
import { adminProcedure, router } from '../../api/trpc.ts';

export const alarmsRouter = router({
	list: adminProcedure({}).query(({ ctx }) => listAlarms(ctx.db)),

	dismiss: adminProcedure({ kind: z.enum(Object.keys(alarms) as [AlarmKind, ...AlarmKind[]]) }).mutation(
		async ({ ctx, input }) => {
			await dismissAlarm(ctx.db, input.kind);
			return {};
		}
	)
});
