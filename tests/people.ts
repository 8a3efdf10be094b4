import { hash } from '@node-rs/argon2';
import type { Role } from '#lib/views.ts';
import { prefixOf } from '../src/identity/networks.ts';
import { connect, type Database, type Db } from '../src/database/database.ts';
import { createLink } from '../src/identity/links.ts';
import { createAccount, publishAccount } from '../src/procedures/accounts/accounts.ts';
import { addMember } from '../src/people/members.ts';
import { createSession } from '../src/identity/sessions.ts';
import { createToken, hashToken } from '../src/identity/tokens.ts';

/**
 * People who are there already, by the rows that signing up leaves and without its waiting for e-mails: for tests of
 * something else. `people.postgres.test.ts` compares them with those who came through the front door, row by row.
 */

/** Of what a factory's person signs in with; made once, since a hash is meant to be slow. */
let passwordHash: Promise<string> | undefined;
const hashOnce = (password: string) =>
	(passwordHash ??= hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 }));

export interface Names {
	email: string;
	firstName: string;
	lastName: string;
}

/** Connections of the test itself to the database of a server, opened when the first one is needed. */
export function createPool(url: string) {
	let opening: Promise<Database> | undefined;
	return {
		open: () => (opening ??= connect({ DATABASE_URL: url, DATA_FOLDER: '' })),
		async close() {
			await (await opening)?.close();
			opening = undefined;
		}
	};
}

/** The cookies of a browser that is signed in, with the names that they have on plain HTTP. */
async function startSession(db: Db, userId: string, address: string) {
	const place = { device: 'Unknown browser', address: prefixOf(address) };
	const session = await createSession(db, userId, place);
	const device = createToken();
	await db
		.insertInto('knownDevice')
		.values({ accountId: userId, deviceHash: hashToken(device) })
		.execute();
	return [
		['portico', session],
		['portico_device', device]
	] as const;
}

/** Somebody who has registered, proven the address and signed in. */
export async function insertPerson(db: Db, names: Names, password: string, address: string) {
	const passwordHash = await hashOnce(password);
	return db.transaction().execute(async (trx) => {
		const account = await createAccount(trx, { ...names, passwordHash, status: 'active' });
		await publishAccount(trx, 'account.registered', account);
		await createLink(trx, 'verification', account.id, account.email);
		await trx
			.updateTable('accountLink')
			.set({ usedAt: new Date() })
			.where('accountId', '=', account.id)
			.execute();
		const cookies = await startSession(trx, account.id, address);
		const now = new Date();
		const verified = await trx
			.updateTable('account')
			.set({ emailVerifiedAt: now, lastSeenAt: now })
			.where('id', '=', account.id)
			.returningAll()
			.executeTakeFirstOrThrow();
		await publishAccount(trx, 'account.verified', verified);
		return { userId: account.id, cookies };
	});
}

/** Somebody who has accepted an invitation and is signed in. */
export async function insertMember(
	db: Db,
	company: { id: string; owner: { userId: string } },
	person: Names & { role: Role },
	password: string,
	address: string
) {
	const { role, ...names } = person;
	const organizationId = company.id;
	const passwordHash = await hashOnce(password);
	return db.transaction().execute(async (trx) => {
		await trx.selectFrom('organization').select('id').where('id', '=', organizationId).forUpdate().execute();
		await trx
			.insertInto('invitation')
			.values({
				...person,
				organizationId,
				invitedBy: company.owner.userId,
				tokenHash: hashToken(createToken()),
				state: 'accepted',
				expiresAt: new Date(Date.now() + 7 * 86_400_000)
			})
			.execute();
		const now = new Date();
		const account = await createAccount(trx, { ...names, passwordHash, emailVerifiedAt: now });
		await publishAccount(trx, 'account.registered', account);
		await addMember(trx, { id: organizationId, isPersonal: false }, { ...names, id: account.id, role });
		const cookies = await startSession(trx, account.id, address);
		await trx.updateTable('account').set({ lastSeenAt: now }).where('id', '=', account.id).execute();
		const { id: memberId } = await trx
			.selectFrom('membership')
			.select('id')
			.where('organizationId', '=', organizationId)
			.where('userId', '=', account.id)
			.executeTakeFirstOrThrow();
		return { userId: account.id, memberId, cookies };
	});
}
