import { sayMoment } from '#lib/dates.ts';
import { fullName } from '#lib/views.ts';
import { prefixOf } from '../../identity/networks.ts';
import type { Trx } from '../../database/database.ts';
import { noteDevice } from '../../identity/devices.ts';
import { createSession, endSession } from '../../identity/sessions.ts';
import { createToken, hashToken } from '../../identity/tokens.ts';
import type { Context } from '../../api/trpc.ts';

/**
 * Signs somebody in on the device of the request, in place of whoever was signed in there.
 * @returns what hands over the cookies: to be called after the commit.
 */
export async function signIn(
	ctx: Pick<
		Context,
		'config' | 'outbox' | 'address' | 'device' | 'session' | 'setSessionToken' | 'setDeviceToken'
	>,
	db: Trx,
	account: { id: string; email: string; firstName: string; lastName: string; emailVerifiedAt: Date | null }
): Promise<() => void> {
	const { label } = ctx.device;
	const address = prefixOf(ctx.address);
	const deviceToken = ctx.device.token ?? createToken();
	if (ctx.session) await endSession(db, ctx.session.id, ctx.session.user.id);
	const token = await createSession(db, account.id, { device: label, address });
	const isNew = await noteDevice(db, account.id, hashToken(deviceToken));
	// An address that nobody has proven may be a stranger's.
	if (isNew && account.emailVerifiedAt) {
		await ctx.outbox.enqueue(db, { name: fullName(account), address: account.email }, 'session-created', {
			firstName: account.firstName,
			device: label,
			place: address,
			at: sayMoment(new Date()),
			profileUrl: `${ctx.config.ORIGIN}/profile`
		});
	}
	return () => {
		ctx.setSessionToken(token);
		ctx.setDeviceToken(deviceToken);
	};
}
