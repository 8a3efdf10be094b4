import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getPortal, type Company, type Portal, type Visitor } from './factories.ts';
import type { Server } from './harness.ts';
import { fulfilled, ofOrganization, on, race, rounds, startSecond } from './race.ts';

/** What else happens in the instant in which an application goes from one organization to another. */

let portal: Portal;
let second: Server;
beforeAll(async () => {
	portal = await getPortal();
	second = await startSecond(portal);
});
afterAll(async () => {
	await second.dispose();
	await portal.stop();
});

const approved = () => portal.company({ admin: portal.admin });
const open = async (by: Visitor, { slug }: Company) =>
	(await by.api.organizations.open.query({ slug })).snapshot;

describe('an application that moves has one owner when', () => {
	async function packed() {
		const [first, other] = [await approved(), await approved()];
		const mover = await portal.member(first);
		const { id } = await portal.invitation(other, { email: mover.email });
		await mover.api.invitations.acceptMine.mutate({ invitationId: id });
		const space = await portal.space(mover);
		const application = await portal.application(space);
		const move = (by: ReturnType<typeof on>, targetId: string) =>
			by.applications.move.mutate({
				organizationId: space.id,
				targetId,
				applicationId: application.id,
				name: application.name
			});
		const ownersOf = async () => {
			const snapshots = await Promise.all([first, other, space].map((one) => open(mover, one)));
			return snapshots
				.filter(({ applications }) => applications.some((one) => one.id === application.id))
				.map(({ organization }) => organization.id);
		};
		return { first, other, space, mover, application, move, ownersOf };
	}

	test('it goes to two organizations at once', async () => {
		for (const _ of rounds) {
			const { first, other, space, mover, move, ownersOf } = await packed();
			const answers = await race(portal, ofOrganization(space), [
				() => move(mover.api, first.id),
				() => move(on(second, mover), other.id)
			]);
			const isFirst = answers[0].status === 'fulfilled';
			expect(fulfilled(answers)).toHaveLength(1);
			expect(await ownersOf()).toEqual([isFirst ? first.id : other.id]);
		}
	});

	test('it is deleted', async () => {
		for (const _ of rounds) {
			const { first, space, mover, application, move, ownersOf } = await packed();
			const [moved, deleted] = await race(portal, ofOrganization(space), [
				() => move(mover.api, first.id),
				() =>
					on(second, mover).applications.delete.mutate({
						organizationId: space.id,
						applicationId: application.id
					})
			]);
			expect([moved.status, deleted.status].sort()).toEqual(['fulfilled', 'rejected']);
			expect(await ownersOf()).toEqual(moved.status === 'fulfilled' ? [first.id] : []);
		}
	});

	test('its owner is removed from where it goes', async () => {
		for (const _ of rounds) {
			const { first, space, mover, move } = await packed();
			const organizationId = first.id;
			const memberId =
				(await open(mover, first)).members.find(({ userId }) => userId === mover.userId)?.id ?? '';
			const [moved, removed] = await race(portal, ofOrganization(first), [
				() => move(mover.api, first.id),
				() => on(second, first.owner).members.remove.mutate({ organizationId, memberId })
			]);
			expect(removed.status).toBe('fulfilled');
			const isMoved = moved.status === 'fulfilled';
			expect((await open(first.owner, first)).applications).toHaveLength(isMoved ? 1 : 0);
			expect((await open(mover, space)).applications).toHaveLength(isMoved ? 0 : 1);
		}
	});
});
