import { afterAll, describe, expect, test } from 'vitest';
import { sayEvent } from '#lib/events.ts';
import { isGranted } from '#lib/products.ts';
import { accessIdOf, idOf, startAsking } from './asking.ts';
import { refusal } from './factories.ts';
import { insertProduct } from './offers.ts';
import { getRecipients } from './smtp.ts';

/** What portal admins decide about access, and how it ends. */

const { portal, company, member, stranger, product, accessesOf, ask, waiting, having } = await startAsking();
afterAll(() => portal.stop());

const mailsAbout = (text: string) => portal.smtp.messages.filter(({ subject }) => subject?.includes(text));

describe('a decision', () => {
	test('is mailed to the requester and the Super admins, and heard by the team', async () => {
		const other = await portal.company({ admin: portal.admin });
		const asker = await portal.member(other);
		const bystander = await portal.member(other);
		const teammate = await bystander.listen();
		await teammate.hears('online');
		const application = await portal.application(other);
		const asked = await ask(application.id, { in: other, by: asker });
		await portal.admin.api.accesses.approve.mutate({ requestId: idOf(asked) });
		await teammate.hears('access.approved');
		const subject = `${application.name} has access to ${product.name}`;
		for (const { email } of [asker, other.owner]) {
			expect(await portal.mailTo(email, subject)).toContain('by the plan Business');
		}
		const second = await portal.application(other);
		const again = await ask(second.id, { in: other, by: asker });
		const reason = 'Please try it with the plan Trial first.';
		await portal.admin.api.accesses.reject.mutate({ requestId: idOf(again), reason });
		await teammate.hears('access.rejected');
		for (const { email } of [asker, other.owner]) {
			const text = await portal.mailTo(email, `${second.name} gets no access to ${product.name}`);
			expect(text).toContain(reason);
		}
		expect(mailsAbout(application.name).flatMap(getRecipients)).not.toContain(bystander.email);
	});

	test('is made once: the second is told by whom and when', async () => {
		const { requestId, application } = await waiting();
		await portal.admin.api.accesses.approve.mutate({ requestId });
		const second = await refusal(portal.admin.api.accesses.reject.mutate({ requestId }));
		expect(second).toMatchObject({ status: 409, reason: 'DECIDED' });
		expect(second.message).toMatch(
			/^This request is approved already by .+ at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.$/
		);
		const organizationId = company.id;
		expect(
			await refusal(company.owner.api.accesses.withdraw.mutate({ organizationId, requestId }))
		).toMatchObject({ status: 409, reason: 'DECIDED' });
		expect(await accessesOf(application)).toMatchObject([{ request: { status: 'approved' } }]);
	});

	test('about several has an answer for each in its place, and tells each team', async () => {
		const other = await portal.company({ admin: portal.admin });
		const page = await other.owner.listen();
		await page.hears('online');
		const theirs = await portal.application(other);
		const ids = [
			(await waiting()).requestId,
			(await waiting()).requestId,
			idOf(await ask(theirs.id, { in: other, by: other.owner }))
		];
		const nowhere = '00000000-0000-4000-8000-000000000000';
		const [done = '', ...open] = ids;
		await portal.admin.api.accesses.reject.mutate({ requestId: done });
		const answers = await portal.admin.api.accesses.decideMany.mutate({
			requestIds: [nowhere, ...open, done],
			decision: 'approved'
		});
		expect(answers).toMatchObject([
			{ id: nowhere, outcome: 'refused', reason: 'NOT_FOUND' },
			{ id: open[0], outcome: 'decided', access: { request: { status: 'approved' } } },
			{ id: open[1], outcome: 'decided', access: { applicationId: theirs.id } },
			{ id: done, outcome: 'refused', reason: 'DECIDED' }
		]);
		await page.hears('access.approved');
		expect(page.events.filter(({ name }) => name === 'access.approved')).toHaveLength(1);
	});

	test('can’t be an approval while the organization is suspended; a rejection can', async () => {
		const other = await portal.company({ admin: portal.admin });
		const application = await portal.application(other);
		const requestId = idOf(await ask(application.id, { in: other, by: other.owner }));
		await portal.admin.api.organizations.suspend.mutate({ organizationId: other.id });
		expect(await refusal(portal.admin.api.accesses.approve.mutate({ requestId }))).toMatchObject({
			reason: 'OBSTACLE',
			message: `${other.name} is suspended.`
		});
		const { requests } = await portal.admin.api.accesses.list.query({ organizationId: other.id });
		expect(requests).toMatchObject([{ id: requestId, organization: { status: 'suspended' } }]);
		const rejected = await portal.admin.api.accesses.reject.mutate({ requestId });
		expect(rejected.request?.status).toBe('rejected');
	});

	test('can’t be an approval for an organization that can’t see the product any more, one by one or several at once', async () => {
		const offered = await insertProduct(portal, { for: [company] });
		const { requestId } = await waiting({ of: offered });
		const { list, approve, decideMany, reject } = portal.admin.api.accesses;
		const choose = (isChosen: boolean) =>
			portal.admin.api.products.choose.mutate({
				productId: offered.id,
				organizationId: company.id,
				isChosen
			});
		const isOffered = async () => (await list.query({ productId: offered.id })).requests[0]?.isOffered;
		expect(await isOffered()).toBe(true);
		await choose(false);
		expect(await isOffered()).toBe(false);
		const message = `${company.name} can’t see this API product any more. Choose it on the product’s page first, or reject the request.`;
		const refused = { reason: 'OBSTACLE', message };
		expect(await refusal(approve.mutate({ requestId }))).toMatchObject({ status: 409, ...refused });
		expect(await decideMany.mutate({ requestIds: [requestId], decision: 'approved' })).toMatchObject([
			{ outcome: 'refused', ...refused }
		]);
		await choose(true);
		expect((await approve.mutate({ requestId })).request?.status).toBe('approved');
		const again = await waiting({ of: offered });
		await choose(false);
		expect((await reject.mutate({ requestId: again.requestId })).request?.status).toBe('rejected');
	});

	test('about what is not offered any more is told as who asked knew it, whatever that is called since', async () => {
		const other = await portal.company({ admin: portal.admin });
		const page = await other.owner.listen();
		const offered = await insertProduct(portal, { for: [other] });
		const { products, plans, accesses } = portal.admin.api;
		const [rejected, going] = [await portal.application(other), await portal.application(other)];
		const asked = await ask(rejected.id, { in: other, by: other.owner, of: offered });
		await ask(going.id, { in: other, by: other.owner, of: offered });
		const [productId, organizationId] = [offered.id, other.id];
		await products.choose.mutate({ productId, organizationId, isChosen: false });
		await products.update.mutate({ productId, name: 'Secret merger', slug: 'secret-merger' });
		const planId = offered.plans.Business ?? '';
		const values = { text: '', perSecond: 77, perMonth: 0, approval: 'manual', credentialDays: 0 } as const;
		await plans.update.mutate({ planId, name: 'Secret tier', ...values });
		await accesses.reject.mutate({ requestId: idOf(asked), reason: 'Not for you.' });
		await other.owner.api.applications.delete.mutate({ organizationId, applicationId: going.id });
		await page.hears('application.deleted');
		const mail = await portal.mailTo(other.owner.email, `${rejected.name} gets no access to ${offered.name}`);
		expect(mail).toContain('Business');
		const told = ['access.rejected', 'access.withdrawn'].map((name) =>
			page.events.find((event) => event.name === name)
		);
		const { events } = await other.owner.api.activity.list.query({ organizationId });
		const seen = JSON.stringify([told, events, mailsAbout(rejected.name).map(({ text }) => text)]);
		expect(seen.split(offered.name).length).toBeGreaterThan(4);
		expect(seen).not.toMatch(/secret|:77/i);
	});

	test('is looked up by status, product and organization, page by page', async () => {
		const listed = await insertProduct(portal);
		const all: string[] = [];
		const organizationId = company.id;
		const application = await portal.application(company);
		// One after the other, as one at a time may wait.
		for (let turn = 0; turn < 52; turn++) {
			const asked = await ask(application.id, { of: listed });
			all.push(idOf(asked));
			await company.owner.api.accesses.withdraw.mutate({ organizationId, requestId: idOf(asked) });
		}
		const query = { status: 'withdrawn', productId: listed.id, organizationId } as const;
		const first = await portal.admin.api.accesses.list.query(query);
		expect(first.product).toEqual({ id: listed.id, name: listed.name });
		const second = await portal.admin.api.accesses.list.query({ ...query, after: first.next });
		expect(second.next).toBe(null);
		const ids = [...first.requests, ...second.requests].map(({ id }) => id);
		expect(ids).toEqual(all.toReversed());
		const none = await portal.admin.api.accesses.list.query({ ...query, organizationId: stranger.id });
		expect(none.requests).toEqual([]);
	}, 300_000);
});

describe('access ends', () => {
	test('by whom it belongs to, at once, and comes back by asking', async () => {
		const { application, place, access } = await having();
		const page = await member.listen();
		await page.hears('online');
		const ended = await member.api.accesses.endOwn.mutate(place);
		expect(isGranted(ended, Date.now() + 1)).toBe(false);
		await page.hears('access.ended');
		expect(sayEvent(page.latest('access.ended') as never)).toBe(
			`ended access of ${application.name} to ${product.name}`
		);
		expect(await refusal(member.api.accesses.endOwn.mutate(place))).toMatchObject({ reason: 'ENDED' });
		const text = await portal.mailTo(
			company.owner.email,
			`Access of ${application.name} to ${product.name} has ended`
		);
		expect(text).toContain('Its credentials don’t open it any more.');
		const back = await ask(application.id, { plan: 'Trial' });
		expect(back.granted).toMatchObject({ id: accessIdOf(access), plan: { name: 'Trial' }, endsAt: null });
		expect(back.granted?.grantedAt).not.toBe(access.granted?.grantedAt);
	});

	test('by the provider on a day with a reason, which can be taken back until then', async () => {
		const { application, place, access } = await having();
		const page = await member.listen();
		await page.hears('online');
		const reason = 'The contract ends.';
		const { end, cancelEnd } = portal.admin.api.accesses;
		const ending = await end.mutate({ ...place, inDays: 30, reason });
		expect(isGranted(ending, Date.now())).toBe(true);
		expect(isGranted(ending, Date.now() + 31 * 86_400_000)).toBe(false);
		await page.hears('access.ended');
		const day = ending.granted?.endsAt?.slice(0, 10) ?? '';
		expect(sayEvent(page.latest('access.ended') as never)).toBe(
			`set the end of access of ${application.name} to ${product.name} to ${day}: ${reason}`
		);
		const inWords = new Date(day).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
		const subject = `Access of ${application.name} to ${product.name} ends on ${inWords}`;
		expect(await portal.mailTo(company.owner.email, subject)).toContain(reason);
		// On another day in one step, which is told as the first one was.
		const sooner = await end.mutate({ ...place, inDays: 7, reason: 'It ends sooner.' });
		expect(isGranted(sooner, Date.now() + 8 * 86_400_000)).toBe(false);
		expect(sooner.granted?.endReason).toBe('It ends sooner.');
		await page.until(
			() => page.events.filter(({ name }) => name === 'access.ended').length === 2,
			'both ends'
		);
		await portal.smtp.waitFor(({ subject, text }) =>
			Boolean(subject?.includes(`Access of ${application.name}`) && text?.includes('It ends sooner.'))
		);
		const kept = await cancelEnd.mutate(place);
		expect(kept.granted).toEqual(access.granted);
		await page.hears('access.kept');
		expect(await refusal(cancelEnd.mutate(place))).toMatchObject({ status: 409, reason: 'DECIDED' });
		await portal.mailTo(company.owner.email, `Access of ${application.name} to ${product.name} goes on`);
	});

	test('by the provider at once, and an automatic plan doesn’t bring it back', async () => {
		const { application, place } = await having();
		const ended = await portal.admin.api.accesses.end.mutate(place);
		expect(isGranted(ended, Date.now() + 1)).toBe(false);
		expect(await refusal(portal.admin.api.accesses.cancelEnd.mutate(place))).toMatchObject({
			reason: 'ENDED'
		});
		const asked = await ask(application.id, { plan: 'Trial' });
		expect(asked.request).toMatchObject({ status: 'pending', plan: { name: 'Trial' } });
		expect(isGranted(asked, Date.now() + 1)).toBe(false);
		const back = await portal.admin.api.accesses.approve.mutate({ requestId: idOf(asked) });
		expect(isGranted(back, Date.now())).toBe(true);
	});

	test('and giving up what the provider is ending doesn’t make it theirs to bring back', async () => {
		const { application, place } = await having();
		await portal.admin.api.accesses.end.mutate({ ...place, inDays: 30, reason: 'The contract ends.' });
		await company.owner.api.accesses.endOwn.mutate(place);
		const asked = await ask(application.id, { plan: 'Trial' });
		expect(asked.request?.status).toBe('pending');
	});

	test('now, also where an end is set, which nobody has to take back first', async () => {
		const { application, place } = await having();
		const { end } = portal.admin.api.accesses;
		await end.mutate({ ...place, inDays: 30 });
		const ended = await end.mutate({ ...place, reason: 'Sooner than we said.' });
		expect(isGranted(ended, Date.now() + 1)).toBe(false);
		const subject = `Access of ${application.name} to ${product.name} has ended`;
		await portal.smtp.waitFor((mail) => mail.subject === subject && /Sooner than we/.test(mail.text ?? ''));
		expect(await refusal(end.mutate(place))).toMatchObject({ status: 409, reason: 'ENDED' });
	});

	test('by the provider for the whole organization: no other application brings it back by an automatic plan', async () => {
		const other = await portal.company({ admin: portal.admin });
		const offered = await insertProduct(portal);
		const by = { in: other, by: other.owner, of: offered, plan: 'Trial' };
		const organizationId = other.id;
		const [first, second] = [await portal.application(other), await portal.application(other)];
		const { granted } = await ask(first.id, by);
		const place = { organizationId, accessId: granted?.id ?? '' };
		const { api } = other.owner;
		const askAnew = (name: string) =>
			api.accesses.request.mutate({
				organizationId,
				product: offered.slug,
				planId: offered.plans.Trial ?? '',
				newApplication: `${name} ${first.name}`
			});
		// A day that is set and taken back changes nothing.
		await portal.admin.api.accesses.end.mutate({ ...place, inDays: 30 });
		expect((await askAnew('Ending')).request?.status).toBe('pending');
		await portal.admin.api.accesses.cancelEnd.mutate(place);
		expect((await ask(second.id, by)).request?.status).toBe('approved');
		await portal.admin.api.accesses.end.mutate({ ...place, inDays: 0 });
		const anew = await askAnew('Anew');
		expect(anew).toMatchObject({ granted: null, request: { status: 'pending' } });
		// The access goes with its application, the decision doesn’t.
		await api.applications.delete.mutate({ organizationId, applicationId: first.id });
		expect((await askAnew('Once more')).request?.status).toBe('pending');
		// Of another organization nobody has decided anything.
		const { request } = await ask((await portal.application(company)).id, { of: offered, plan: 'Trial' });
		expect(request?.status).toBe('approved');
		await portal.admin.api.accesses.approve.mutate({ requestId: idOf(anew) });
		expect((await askAnew('Trusted')).request?.status).toBe('approved');
	});

	test('with the application, whose request goes from the list and the count; what was decided stays', async () => {
		const [{ application, requestId }, offered] = [await waiting(), await insertProduct(portal)];
		await portal.admin.api.accesses.approve.mutate({
			requestId: idOf(await ask(application.id, { of: offered }))
		});
		const admin = await portal.admin.listen();
		await admin.hears('settings');
		const before = (await portal.admin.api.organizations.list.query({})).accessRequests;
		await company.owner.api.applications.delete.mutate({
			organizationId: company.id,
			applicationId: application.id
		});
		await admin.hears('access.withdrawn');
		expect((await portal.admin.api.organizations.list.query({})).accessRequests).toBe(before - 1);
		expect(await refusal(portal.admin.api.accesses.approve.mutate({ requestId }))).toMatchObject({
			status: 409,
			reason: 'DECIDED'
		});
		const { list } = portal.admin.api.accesses;
		const deleted = { id: application.id, name: application.name, isDeleted: true };
		const { requests } = await list.query({ status: 'approved', productId: offered.id });
		expect(requests).toMatchObject([{ application: deleted, granted: null, decidedBy: {} }]);
		expect((await list.query({ status: 'withdrawn' })).requests[0]).toMatchObject({ id: requestId });
		expect(await accessesOf(application)).toEqual([]);
	});
});
