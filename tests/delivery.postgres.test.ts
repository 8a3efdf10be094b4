import { expect, test } from 'vitest';
import { password, startPortal, uniqueEmail } from './factories.ts';
import { startServer } from './harness.ts';

test('no more in a minute than the limit, by two processes together', async ({ onTestFinished }) => {
	const portal = await startPortal();
	onTestFinished(() => portal.stop());
	const { databaseUrl, dataFolder } = portal.server;
	const second = await startServer({
		database: 'postgres',
		env: { DATABASE_URL: databaseUrl ?? '', DATA_FOLDER: dataFolder, SMTP_URL: portal.smtp.url }
	});
	onTestFinished(() => second.dispose());
	const { mailServers, messages } = portal.admin.api;
	await mailServers.update.mutate({ perMinute: 4 });
	const page = await portal.admin.listen();
	await page.hears('settings');
	for (let each = 0; each < 12; each++) {
		await portal.visitor().api.accounts.register.mutate({
			firstName: 'Dev',
			lastName: 'Eloper',
			email: uniqueEmail(),
			password
		});
	}
	const untilSent = async (count: number) => {
		for (;;) {
			const heard = page.words.length;
			if ((await messages.count.query({})).queued <= 12 - count) return;
			await page.until(() => page.words.length > heard, `${count} messages`);
		}
	};
	await untilSent(4);
	// Either process would have sent four of its own long before one of them notices the higher limit.
	await mailServers.update.mutate({ perMinute: 5 });
	await untilSent(5);
	expect(portal.smtp.messages).toHaveLength(5);
	await mailServers.update.mutate({ perMinute: null });
	await untilSent(12);
	expect(portal.smtp.messages).toHaveLength(12);
});
