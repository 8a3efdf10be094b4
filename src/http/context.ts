import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { GatewayHead } from '#lib/gateways.ts';
import type { Db } from '../database/database.ts';
import { describeDevice, deviceCookie } from '../identity/devices.ts';
import { prefixOf } from '../identity/networks.ts';
import { findSession, sessionCookie, type Session } from '../identity/sessions.ts';
import { refusalOfOutage } from '../api/refusals.ts';
import type { Context } from '../api/trpc.ts';
import type { Env } from '../env.ts';
import type { Counter } from '../procedures/usage/counting.ts';
import type { Outbox } from '../mail/outbox.ts';
import type { Vault } from '../vault/vault.ts';

/** Node's own objects of a request. */
export type Bindings = { incoming: IncomingMessage; outgoing: ServerResponse };

/** What the outer server has found out about a request; `gateway` only of one that has proven itself to be there. */
export type Variables = { address: string; requestId: string; gateway: GatewayHead };

/** What the process has once, and every request works with. */
export interface Parts {
	db: Db;
	/** @throws when the database doesn't answer. */
	ping: () => Promise<void>;
	env: Env;
	vault: Vault;
	outbox: Outbox;
	counter: Counter;
	log: Logger;
}

/** Attributes of a cookie, with the names that `Set-Cookie` has for them; `maxAge` in seconds. */
export type CookieOptions = Omit<ReturnType<typeof sessionCookie>['options'], 'maxAge'> & { maxAge: number };

/** Who asks, and by which request: one from the network, or a page that is being made. */
export interface Asker {
	requestId: string;
	/** The network address that limits count by. */
	address: string;
	userAgent: string;
	/** The account that the calling page was drawn for, where it says so. */
	drawnFor: string | null;
	getCookie(name: string): string | undefined;
	setCookie(name: string, value: string, options: CookieOptions): void;
	/** The same for all calls of a page that is only read: its session is looked up once. */
	page?: object;
}

/** What a call of the API works with. @throws {Refusal} when the database doesn't answer. */
export async function contextOf(parts: Parts, asker: Asker): Promise<Context> {
	const { env, counter: _, ...rest } = parts;
	const { requestId, address, drawnFor } = asker;
	const { name, options } = sessionCookie(env.ORIGIN);
	const token = asker.getCookie(name);
	const device = deviceCookie(env.ORIGIN);
	return {
		...rest,
		config: env,
		requestId,
		address,
		session: token ? await findSessionOnce(parts.db, asker, token) : null,
		drawnFor,
		device: {
			get label() {
				return describeDevice(asker.userAgent);
			},
			token: asker.getCookie(device.name)?.slice(0, 100) || null
		},
		setSessionToken(next) {
			asker.setCookie(name, next ?? '', next === null ? { ...options, maxAge: 0 } : options);
		},
		setDeviceToken(next) {
			asker.setCookie(device.name, next, device.options);
		}
	};
}

const found = new WeakMap<object, Promise<Session | null>>();

/** A page asks several things at once, as one and the same person. */
function findSessionOnce(db: Db, { page, address }: Asker, token: string): Promise<Session | null> {
	if (!page) return findSessionNow(db, token, address);
	const finding = found.get(page) ?? findSessionNow(db, token, address);
	found.set(page, finding);
	return finding;
}

async function findSessionNow(db: Db, token: string, address: string): Promise<Session | null> {
	try {
		return await findSession(db, token, prefixOf(address));
	} catch (error) {
		throw refusalOfOutage(error);
	}
}
