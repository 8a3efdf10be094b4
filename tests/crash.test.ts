import { expect, test } from 'vitest';
import { applyOrganization } from '#lib/apply.ts';
import { startPortal, unique, uniqueEmail } from './factories.ts';
import { getRecipients } from './smtp.ts';

test('killed right after a commit: the page, back again, has every event once, and the mail goes out', async () => {
	const portal = await startPortal();
	try {
		const company = await portal.company({ admin: portal.admin });
		const { owner } = company;
		const organizationId = company.id;
		const { snapshot } = await owner.api.organizations.open.query({ slug: company.slug });
		const page = await owner.listen();
		await page.hears('online');
		const connections = () => page.words.filter((word) => word === 'connect').length;
		const email = uniqueEmail();
		// The mail server is away for now: what was queued has to outlive the process.
		portal.smtp.pause();
		const rounds = 3;
		for (let round = 0; round < rounds; round++) {
			const before = connections();
			await owner.api.applications.create.mutate({
				organizationId,
				name: unique('Before the crash'),
				description: ''
			});
			if (round === 0) {
				const person = { firstName: 'In', lastName: 'Vitee', role: 'team_member' as const };
				await owner.api.invitations.create.mutate({ organizationId, ...person, email });
			}
			// The answer means that it is committed; what follows from it may or may not have happened.
			await portal.server.kill();
			await page.until(() => page.words.at(-1) !== 'connect', 'the loss of the connection');
			await portal.server.restart();
			await page.until(() => connections() > before, 'the way back');
			// What a page does when it is back: it asks for what came after the last number that it has.
			const known = page.events.at(-1)?.seq ?? snapshot.seq;
			const { events } = await owner.api.activity.since.query({ organizationId, after: known });
			page.events.push(...(events ?? []));
		}
		const numbers = page.events.map(({ seq }) => seq);
		expect(numbers).toEqual(Array.from({ length: rounds + 1 }, (_, step) => snapshot.seq + 1 + step));
		expect(new Set(page.events.map(({ id }) => id)).size).toBe(rounds + 1);
		const fresh = await owner.api.organizations.open.query({ slug: company.slug });
		expect(page.events.reduce(applyOrganization, snapshot)).toEqual(fresh.snapshot);

		portal.smtp.resume();
		await portal.smtp.waitFor((mail) => getRecipients(mail).includes(email));
		const invitations = portal.smtp.messages.filter((mail) => getRecipients(mail).includes(email));
		expect(new Set(invitations.map(({ messageId }) => messageId)).size).toBe(1);
	} finally {
		await portal.stop();
	}
});
