import { isDeepStrictEqual } from 'node:util';
import type { TRPCClient } from '@trpc/client';
import type { AppRouter } from '../src/router.ts';

/**
 * What is the portal's own, so that a file of tests can leave it as it was: settings, look, texts of e-mails, the mail
 * server, and who its portal admins are. A text that was altered has its number of version risen.
 */
export async function keepState({ accounts, emails, mailServers, settings }: TRPCClient<AppRouter>) {
	async function read() {
		const texts = await emails.list.query({});
		const { brand } = await emails.getBrand.query({});
		const mail = await mailServers.get.query({});
		const admins = await accounts.listAdmins.query({});
		return {
			// Answers with all of them, and changes none.
			settings: await settings.update.mutate({}),
			brand,
			mailServer: mail.mailServer,
			texts: texts.filter(({ isChanged }) => isChanged),
			admins: admins.map(({ id }) => id)
		};
	}
	const found = await read();

	return async function putBack(): Promise<void> {
		const left = await read();
		if (isDeepStrictEqual(left, found)) return;
		await settings.update.mutate(found.settings);
		await emails.updateBrand.mutate(found.brand);
		for (const { name, version } of left.texts)
			if (!found.texts.some((text) => text.name === name)) await emails.reset.mutate({ name, version });
		for (const accountId of left.admins)
			if (!found.admins.includes(accountId))
				await accounts.setPortalAdmin.mutate({ accountId, isPortalAdmin: false });
		if (!isDeepStrictEqual(await read(), found))
			throw new Error('What this file left can’t be put back: it needs a portal of its own.');
	};
}
