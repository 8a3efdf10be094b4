import { fullName } from '#lib/views.ts';
import type { Db } from '../database/database.ts';
import { getMailServerRow } from '../mail/servers.ts';

/** Who is written to about requests: the portal admins who want it, and mailboxes that belong to nobody's account. */
export async function listAdminReaders(db: Db): Promise<{ name: string; address: string }[]> {
	const admins = await db
		.selectFrom('account')
		.select(['email', 'firstName', 'lastName'])
		.where('isPortalAdmin', '=', true)
		.where('isNotified', '=', true)
		.where('status', '=', 'active')
		.execute();
	const addresses = new Set(admins.map(({ email }) => email));
	const { adminRecipients } = await getMailServerRow(db);
	const others = adminRecipients.split('\n').filter((address) => address && !addresses.has(address));
	return [
		...admins.map((admin) => ({ name: fullName(admin), address: admin.email })),
		...others.map((address) => ({ name: '', address }))
	];
}
