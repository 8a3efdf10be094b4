import { afterAll, beforeAll, expect, test } from 'vitest';
import { getPortal, unique, uniqueEmail, type Person, type Portal } from './factories.ts';

/** People whom the tests insert are those whom the portal makes. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

/** Ids, times, secrets and what a test chose: whatever differs between two people who came the same way. */
function blank(value: unknown, person: Person): unknown {
	const own = [person.email, person.firstName, person.lastName];
	const withoutOwn = (text: string) => own.reduce((rest, word) => rest.replaceAll(word, 'own'), text);
	const walk = (one: unknown, key = ''): unknown => {
		if (one === null || one === undefined) return one;
		if (one instanceof Date) return 'time';
		if (one instanceof Uint8Array) return 'hash';
		if (Array.isArray(one)) return one.map((item) => walk(item));
		if (typeof one === 'object') {
			// Nobody was told of the invitation of an inserted one, so that it is none less.
			const entries = Object.entries(one).filter(([name]) => name !== 'isInvited');
			return Object.fromEntries(entries.map(([name, item]) => [name, walk(item, name)]));
		}
		if (typeof one === 'number' && /^(id|seq|portalSeq)$/.test(key)) return 'number';
		if (typeof one !== 'string') return one;
		if (/^\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$/.test(one)) return one.slice(0, one.indexOf(',p='));
		if (/^personal-[0-9a-f]{10}$/.test(one)) return 'slug';
		if (key === 'searchKey' || key === 'nameKey') return 'the words of their own';
		if (key === 'address') return one.replace(/^(\d+\.){3}/, 'network ');
		if (/^\d{4}-\d\d-\d\dT/.test(one)) return 'time';
		return withoutOwn(one)
			.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
			.replace(/^[0-9a-f]{64}$/, 'hash');
	};
	return walk(value);
}

/** Every row that hangs on a person. */
async function rowsOf(person: Person, organizationId?: string) {
	const rows = await portal.inDatabase(async (db) => {
		const { userId } = person;
		const spaces = await db
			.selectFrom('organization')
			.selectAll()
			.where('requestedBy', '=', userId)
			.execute();
		const memberships = await db
			.selectFrom('membership')
			.selectAll()
			.where('userId', '=', userId)
			.orderBy('joinedAt')
			.execute();
		const events = await db.selectFrom('event').selectAll().orderBy('id').execute();
		return {
			account: await db.selectFrom('account').selectAll().where('id', '=', userId).execute(),
			session: await db.selectFrom('session').selectAll().where('userId', '=', userId).execute(),
			knownDevice: await db.selectFrom('knownDevice').selectAll().where('accountId', '=', userId).execute(),
			accountLink: await db.selectFrom('accountLink').selectAll().where('accountId', '=', userId).execute(),
			spaces,
			memberships: memberships.map(({ organizationId: id, ...row }) => ({
				...row,
				where: id === organizationId ? 'company' : 'personal space'
			})),
			invitation: await db
				.selectFrom('invitation')
				.selectAll()
				.where('email', '=', person.email)
				.execute()
				// That its e-mail has gone out is told by others: see below.
				.then((found) => found.map(({ messageId: _, ...row }) => row)),
			events: events.filter(
				({ actor }) =>
					(actor as { id: string | null }).id === userId || JSON.stringify(actor).includes(userId)
			)
		};
	});
	return blank(rows, person);
}

test('a person who was inserted leaves the rows of one who signed up', async () => {
	const signedUp = await portal.person({ isFrontDoor: true });
	const inserted = await portal.person();
	// The first call of a session notes when.
	await inserted.api.sessions.get.query({});
	expect(await rowsOf(inserted)).toEqual(await rowsOf(signedUp));
	const email = inserted.email;
	await portal.visitor().api.sessions.create.mutate({ email, password: 'a developer’s password' });
});

test('a member who was inserted leaves the rows of one who accepted an invitation', async () => {
	const company = await portal.company({ admin: portal.admin, name: unique('Company') });
	const accepted = await portal.member(company, 'super_admin', { isFrontDoor: true });
	const inserted = await portal.member(company, 'super_admin');
	expect(await rowsOf(inserted, company.id)).toEqual(await rowsOf(accepted, company.id));
	const { snapshot } = await inserted.api.organizations.open.query({ slug: company.slug });
	const rows = snapshot.members.filter(({ userId }) =>
		[inserted, accepted].some((one) => one.userId === userId)
	);
	expect(rows.map(({ id }) => id).sort()).toEqual([inserted.memberId, accepted.memberId].sort());
	await inserted.api.members.leave.mutate({ organizationId: company.id });
	expect(uniqueEmail()).not.toBe(inserted.email);
});
