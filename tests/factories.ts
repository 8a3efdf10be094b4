import { randomBytes, randomInt } from 'node:crypto';
import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import { io, type Socket } from 'socket.io-client';
import { inject, vi } from 'vitest';
import type { ServerToClient } from '#lib/wire.ts';
import type { Role } from '#lib/views.ts';
import type { AppRouter } from '../src/router.ts';
import { startServer, type Server } from './harness.ts';
import type { ParsedMail } from 'mailparser';
import { heard } from './heard.ts';
import { openDatabase, type Db } from '../src/database/database.ts';
import { createPool, insertMember, insertPerson } from './people.ts';
import { keepState } from './state.ts';
import { getRecipients, startSmtp, type Smtp } from './smtp.ts';

/**
 * People and what they make, through the front door: HTTP, sockets and e-mail. Each factory makes what its result needs
 * and the test didn't give. On PostgreSQL people who needn't sign up for the test are rows: see people.ts.
 */

export const adminEmail = 'admin@example.test';
export const adminPassword = 'a password for tests';
export const password = 'a developer’s password';

let counter = 0;
/** Something that no other test has. */
export const unique = (word: string) => `${word} ${++counter}${randomBytes(3).toString('hex')}`;
export const uniqueEmail = () => `p${++counter}${randomBytes(4).toString('hex')}@example.test`;

/** A running portal with its mail receiver and its first admin. */
export async function startPortal(env: Record<string, string> = {}) {
	const smtp = await startSmtp();
	const server = await startServer({
		database: inject('database'),
		isPrepared: true,
		env: {
			SMTP_URL: smtp.url,
			PORTAL_ADMIN_EMAIL: adminEmail,
			PORTAL_ADMIN_PASSWORD: adminPassword,
			// Lets every person of a test come from an address of their own.
			TRUSTED_PROXIES: '1',
			// What is gathered is tried in a test of its own; the others needn't wait.
			MAIL_GATHER_SECONDS: '0',
			MAIL_RETRY_SECONDS: '1',
			...env
		}
	});
	const portal = createPortal(server, smtp);
	const admin = portal.visitor();
	await admin.api.sessions.create.mutate({ email: adminEmail, password: adminPassword });
	return {
		...portal,
		admin,
		async stop() {
			for (const socket of portal.sockets) socket.disconnect();
			await portal.closePool();
			await server.dispose();
			await smtp.stop();
		}
	};
}

let shared: Promise<Portal> | undefined;

/**
 * The portal that all files of this worker share which change nothing in it but what they make themselves, and what it puts
 * back: see `keepState`. A start, and the first of everything, takes longer than most of them. It ends with the worker.
 */
export async function getPortal(): Promise<Portal> {
	const portal = await (shared ??= startPortal());
	const putBack = await keepState(portal.admin.api).catch((cause: unknown) => {
		throw new Error(`The shared portal could not be read:\n${portal.server.logs}`, { cause });
	});
	return {
		...portal,
		async stop() {
			for (const socket of portal.sockets.splice(0)) socket.disconnect();
			await putBack();
		}
	};
}

export type Portal = Awaited<ReturnType<typeof startPortal>>;
export type Visitor = ReturnType<ReturnType<typeof createPortal>['visitor']>;
export type Person = Visitor & { email: string; userId: string; firstName: string; lastName: string };
export type Company = { id: string; slug: string; name: string; owner: Person };

/** Once this page, whose server is about to go, hears news again, or was refused for good. */
const isBack = (socket: Socket) =>
	new Promise<void>((resolve) => {
		socket.once('disconnect', () => socket.once('news', () => resolve()));
		socket.on('connect_error', (error: Error & { data?: { reason?: string } }) => {
			if (!socket.active && error.data?.reason !== 'UNAVAILABLE') resolve();
		});
	});

function createPortal(server: Server, smtp: Smtp) {
	const sockets: Socket[] = [];
	const pool = server.databaseUrl ? createPool(server.databaseUrl) : undefined;

	/** Somebody with a cookie jar, and a network address of their own unless it is given. */
	function visitor(from?: string) {
		const jar = new Map<string, string>();
		const address = from ?? `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;
		const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');

		async function request(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
			const target = new URL(url instanceof Request ? url.url : url, server.origin);
			const headers = new Headers(init.headers);
			if (jar.size > 0 && !headers.has('cookie')) headers.set('cookie', cookie());
			if (!headers.has('origin')) headers.set('origin', server.origin);
			headers.set('x-forwarded-for', address);
			const response = await fetch(target, { redirect: 'manual', ...init, headers });
			for (const line of response.headers.getSetCookie()) {
				const [pair = ''] = line.split(';');
				const [name = '', value = ''] = pair.split('=');
				if (value === '' || /max-age=0/i.test(line)) jar.delete(name);
				else jar.set(name, value);
			}
			return response;
		}
		const api = createTRPCClient<AppRouter>({
			links: [
				httpLink({
					url: `${server.origin}/trpc`,
					fetch: (url, init) => request(url as string, init as RequestInit)
				})
			]
		});

		/** A page's socket, with everything that it has heard. */
		async function listen() {
			const socket: Socket<ServerToClient> = io(server.origin, {
				transports: ['websocket'],
				forceNew: true,
				reconnectionDelay: 100,
				reconnectionDelayMax: 300,
				extraHeaders: { origin: server.origin, ...(jar.size > 0 && { cookie: cookie() }) }
			});
			sockets.push(socket as Socket);
			return heard(socket);
		}
		return { jar, address, cookie, request, api, listen };
	}

	/** The secret part of the newest link to that path which the address was sent; never the `older` one. */
	async function tokenFor(address: string, path: string, older?: string): Promise<string> {
		const pattern = new RegExp(`${server.origin}/${path}/([\\w-]{43})`);
		const tokenIn = (text: string | undefined) => pattern.exec(text ?? '')?.[1];
		const fits = (one: ParsedMail) => {
			const token = tokenIn(one.text);
			return getRecipients(one).includes(address) && token !== undefined && token !== older;
		};
		await smtp.waitFor(fits);
		return tokenIn(smtp.messages.findLast(fits)?.text) ?? '';
	}

	/** The words of the e-mail with that subject, in one line. */
	async function mailTo(address: string, subject: string): Promise<string> {
		const mail = await smtp.waitFor((one) => one.subject === subject && getRecipients(one).includes(address));
		return (mail.text ?? '').replace(/\s+/g, ' ');
	}

	const signIn = (email: string, secret = password) =>
		visitor().api.sessions.create.mutate({ email, password: secret });

	/** Asks for a link to set a new password; the token that its e-mail brings. */
	async function askForReset(email: string, older?: string): Promise<string> {
		await visitor().api.accounts.requestReset.mutate({ email });
		return tokenFor(email, 'reset-password', older);
	}

	/** Works on the database itself. The embedded one belongs to its process, which is away meanwhile. */
	async function inDatabase<Result>(run: (db: Db) => Promise<Result>): Promise<Result> {
		if (pool) return run((await pool.open()).db);
		const pages = sockets.filter(({ connected }) => connected).map(isBack);
		await server.stop();
		const database = await openDatabase({ DATA_FOLDER: server.dataFolder });
		try {
			return await run(database.db);
		} finally {
			await database.close();
			await server.restart();
			await Promise.all(pages);
		}
	}

	/** Moves dates of an invitation, in seconds from now. */
	async function moveInvitation(id: string, to: { sentAt?: number; expiresAt?: number }): Promise<void> {
		const dates = Object.entries(to).map(([name, seconds]) => [name, new Date(Date.now() + seconds * 1000)]);
		await inDatabase((db) =>
			db.updateTable('invitation').set(Object.fromEntries(dates)).where('id', '=', id).execute()
		);
	}

	/** A developer who is signed in, with a verified address unless told otherwise; `isFrontDoor` makes them sign up. */
	async function person(
		given: {
			email?: string;
			firstName?: string;
			lastName?: string;
			isVerified?: boolean;
			isFrontDoor?: boolean;
		} = {}
	): Promise<Person> {
		const { email = uniqueEmail(), firstName = 'Dev', lastName = unique('Eloper') } = given;
		const { isVerified = true, isFrontDoor = false } = given;
		const one = visitor();
		const names = { email, firstName, lastName };
		if (pool && isVerified && !isFrontDoor) {
			const { db } = await pool.open();
			const { userId, cookies } = await insertPerson(db, names, password, one.address);
			for (const [name, value] of cookies) one.jar.set(name, value);
			return { ...one, ...names, userId };
		}
		await one.api.accounts.register.mutate({ email, firstName, lastName, password });
		await one.api.sessions.create.mutate({ email, password });
		if (isVerified)
			await one.api.accounts.verifyEmail.mutate({ token: await tokenFor(email, 'verify-email') });
		const { account } = await one.api.sessions.get.query({});
		return { ...one, ...names, userId: account?.id ?? '' };
	}

	/** An organization as its owner asked for it; approved when an admin is given. */
	async function company(given: { owner?: Person; name?: string; admin?: Visitor } = {}): Promise<Company> {
		const { owner = await person(), name = unique('Company'), admin } = given;
		const { id, slug } = await owner.api.organizations.request.mutate({ name });
		if (admin) await admin.api.organizations.approve.mutate({ organizationId: id });
		return { id, slug, name, owner };
	}

	/** The personal space of somebody. */
	async function space(owner: Person): Promise<Company> {
		const { organizations } = await owner.api.sessions.get.query({});
		const { id = '', slug = '', name = '' } = organizations.find(({ isPersonal }) => isPersonal) ?? {};
		return { id, slug, name, owner };
	}

	const lastTokens = new Map<string, string>();
	/** An invitation with the token that its e-mail brought. */
	async function invitation(company: Company, given: { email?: string; role?: Role } = {}) {
		const { email = uniqueEmail(), role = 'team_member' } = given;
		const created = await company.owner.api.invitations.create.mutate({
			organizationId: company.id,
			firstName: 'In',
			lastName: unique('Vitee'),
			email,
			role
		});
		const token = await tokenFor(email, 'invitations', lastTokens.get(email));
		lastTokens.set(email, token);
		// That the e-mail has gone out is an event of the organization too, told a moment after it has arrived.
		await vi.waitFor(
			async () => {
				const place = { organizationId: company.id, email };
				const { invitations } = await company.owner.api.invitations.find.query(place);
				const row = invitations.find(({ id }) => id === created.id);
				if (row?.delivery !== 'sent') throw new Error(`The e-mail is ${row?.delivery ?? 'nowhere'}.`);
			},
			{ timeout: 240_000, interval: 20 }
		);
		return { ...created, token };
	}

	/** Somebody who joined through the link of an invitation; `isFrontDoor` makes them open and accept it. */
	async function member(
		company: Company,
		role: Role = 'team_member',
		{ isFrontDoor = false } = {}
	): Promise<Person & { memberId: string }> {
		if (pool && !isFrontDoor) {
			const one = visitor();
			const names = { email: uniqueEmail(), firstName: 'In', lastName: unique('Vitee') };
			const { db } = await pool.open();
			const person = { ...names, role };
			const { cookies, ...ids } = await insertMember(db, company, person, password, one.address);
			for (const [name, value] of cookies) one.jar.set(name, value);
			return { ...one, ...names, ...ids };
		}
		const { email, firstName, lastName, token } = await invitation(company, { role });
		const one = visitor();
		await one.api.invitations.accept.mutate({ token, password });
		const { account } = await one.api.sessions.get.query({});
		const { snapshot } = await one.api.organizations.open.query({ slug: company.slug });
		const memberId = snapshot.members.find((row) => row.email === email)?.id ?? '';
		return { ...one, email, firstName, lastName, userId: account?.id ?? '', memberId };
	}

	async function application(company: Company, by: Visitor = company.owner) {
		return by.api.applications.create.mutate({
			organizationId: company.id,
			name: unique('Application'),
			description: ''
		});
	}

	return {
		server,
		smtp,
		sockets,
		visitor,
		tokenFor,
		mailTo,
		signIn,
		askForReset,
		inDatabase,
		closePool: async () => pool?.close(),
		moveInvitation,
		person,
		company,
		space,
		invitation,
		member,
		application
	};
}

export const isSignedIn = async (one: Visitor) => (await one.api.sessions.get.query({})).account !== null;

/** How a refused call was refused; fails when it was not. */
export async function refusal(call: Promise<unknown>) {
	try {
		await call;
	} catch (error) {
		if (!(error instanceof TRPCClientError)) throw error;
		const data = (error as TRPCClientError<AppRouter>).data;
		return {
			status: data?.httpStatus,
			reason: data?.reason,
			fields: data?.fields ?? {},
			now: data?.now ?? {},
			message: error.message
		};
	}
	throw new Error('The call was not refused.');
}
