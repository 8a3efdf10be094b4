import { setTimeout } from 'node:timers/promises';
import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client';
import type { AppRouter } from '../../src/router.ts';
import { startServer, type Database } from '../harness.ts';
import { getRecipients, startSmtp } from '../smtp.ts';
import type { Row } from './rows.ts';
import { readDatabases, runParts, withPostgres } from './run.ts';

/**
 * `npm run bench:invitations [DATABASE …] [FILE]`: one Super admin invites 1,000 people through the API, in calls as the page
 * makes them, and every tenth call loses its answer and is made again. Says how long it took until all were invited and
 * until all e-mails had arrived at a real SMTP receiver, and how long /healthz took meanwhile; it fails when anybody got no
 * e-mail or two.
 */
const databases: Database[] = ['pglite', 'postgres'];
const people = 1000;
const rowsPerCall = 20;
const password = 'a password for the bench';
const targets = { healthMs: 50, arrivedSeconds: 60 };

const chunksOf = <Row>(rows: Row[], length: number) =>
	Array.from({ length: Math.ceil(rows.length / length) }, (_, n) => rows.slice(n * length, (n + 1) * length));

/** Asks for /healthz again and again; how long it took, in milliseconds. */
function watchHealth(origin: string) {
	const waits: number[] = [];
	let isOver = false;
	const asking = (async () => {
		while (!isOver) {
			const asked = performance.now();
			await (await fetch(`${origin}/healthz`)).text();
			waits.push(performance.now() - asked);
			await setTimeout(5);
		}
	})();
	// Where the server is gone, something else has failed.
	asking.catch(() => undefined);
	return {
		async stop() {
			isOver = true;
			await asking;
			const sorted = waits.toSorted((a, b) => a - b);
			const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
			return { middle: at(0.5), p99: at(0.99), longest: at(1) };
		}
	};
}

async function measure(database: Database): Promise<Row[]> {
	const smtp = await startSmtp();
	try {
		return await inviteAll(database, smtp);
	} finally {
		await smtp.stop();
	}
}

async function inviteAll(database: Database, smtp: Awaited<ReturnType<typeof startSmtp>>): Promise<Row[]> {
	const env = {
		SMTP_URL: smtp.url,
		PORTAL_ADMIN_EMAIL: 'admin@example.test',
		PORTAL_ADMIN_PASSWORD: password
	};
	await using server = await startServer({ database, env: { ...env, LOG_LEVEL: 'warn' } });

	/** Somebody with a cookie; `lose` has the next answer never arrive. */
	const visitor = () => {
		let cookie = '';
		let isLosing = false;
		const api = createTRPCClient<AppRouter>({
			links: [
				httpLink({
					url: `${server.origin}/trpc`,
					async fetch(url, init) {
						const headers = new Headers(init?.headers as HeadersInit);
						headers.set('origin', server.origin);
						if (cookie) headers.set('cookie', cookie);
						const response = await fetch(url as string, { ...(init as RequestInit), headers });
						cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
						if (!isLosing) return response;
						isLosing = false;
						await response.body?.cancel();
						throw new Error('The connection was lost.');
					}
				})
			]
		});
		return { api, lose: () => void (isLosing = true) };
	};

	const admin = visitor();
	await admin.api.sessions.create.mutate({ email: env.PORTAL_ADMIN_EMAIL, password });
	const limits = {
		maxMembers: 5000,
		maxOpenInvitations: 5000,
		invitationsPerDay: 5000,
		changesPerPerson: 10_000,
		changesPerOrganization: 10_000
	};
	await admin.api.settings.update.mutate({
		...limits,
		invitationsPerInviter: 5000,
		isAutoApprovingOrganizations: true
	});
	const owner = visitor();
	const who = { email: 'owner@example.test', password };
	await owner.api.accounts.register.mutate({ ...who, firstName: 'Grace', lastName: 'Okafor' });
	await owner.api.sessions.create.mutate(who);
	// Only a proven address asks for an organization.
	const mail = await smtp.waitFor((one) => getRecipients(one).includes(who.email));
	const [, token = ''] = /\/verify-email\/([\w-]{43})/.exec(mail.text ?? '') ?? [];
	await owner.api.accounts.verifyEmail.mutate({ token });
	const { id: organizationId } = await owner.api.organizations.request.mutate({ name: 'Northwind' });

	const rows = Array.from({ length: people }, (_, n) => ({
		firstName: 'Person',
		lastName: `Number ${n}`,
		email: `person${n}@northwind.test`,
		role: 'team_member' as const
	}));
	const waits = watchHealth(server.origin);
	const began = performance.now();
	const seconds = () => (performance.now() - began) / 1000;
	let slowest = 0;
	for (const [index, chunk] of chunksOf(rows, rowsPerCall).entries()) {
		const started = performance.now();
		if (index % 10 === 0) {
			owner.lose();
			await owner.api.invitations.createMany
				.mutate({ organizationId, rows: chunk })
				.catch((error: unknown) => {
					if (!(error instanceof TRPCClientError) || error.data) throw error;
				});
		}
		const { answers } = await owner.api.invitations.createMany.mutate({ organizationId, rows: chunk });
		const expected = index % 10 === 0 ? 'invited' : 'sent';
		const other = answers.find(({ outcome }) => outcome !== expected);
		if (other) throw new Error(`A row was answered with ${JSON.stringify(other)} in place of ${expected}.`);
		slowest = Math.max(slowest, performance.now() - started);
	}
	const invited = seconds();
	const { middle, p99, longest } = await waits.stop();
	const toPeople = () => smtp.messages.filter((one) => getRecipients(one)[0]?.endsWith('@northwind.test'));
	await smtp.waitFor(() => toPeople().length >= people, 300_000);
	const arrived = seconds();

	// A second e-mail would come after the first ones: one more that is waited for comes after all of them.
	const last = {
		firstName: 'The',
		lastName: 'Last',
		email: 'last@example.test',
		role: 'team_member' as const
	};
	await owner.api.invitations.create.mutate({ organizationId, ...last });
	await smtp.waitFor((one) => getRecipients(one).includes(last.email), 60_000);
	const recipients = toPeople().map((one) => getRecipients(one).join());
	const links = new Set(toPeople().map(({ text }) => /\/invitations\/[\w-]{43}/.exec(text ?? '')?.[0]));
	if (recipients.length !== people || new Set(recipients).size !== people || links.size !== people) {
		throw new Error(
			`${recipients.length} e-mails to ${new Set(recipients).size} people, ${links.size} links.`
		);
	}
	const part = `inviting ${people.toLocaleString('en')}, ${database === 'pglite' ? 'the embedded database' : 'PostgreSQL'}`;
	return [
		{ part, name: 'until all were invited', unit: 's', portico: invited },
		{ part, name: `the slowest call, of ${rowsPerCall} people`, unit: 'ms', portico: slowest },
		{
			part,
			name: 'until all e-mails were there, none twice',
			unit: 's',
			portico: arrived,
			targets: [{ of: 'figure', most: targets.arrivedSeconds }]
		},
		{
			part,
			name: 'meanwhile /healthz, 99 of 100 within',
			unit: 'ms',
			portico: p99,
			targets: [{ of: 'figure', most: targets.healthMs }],
			note: `half of them within ${middle.toFixed(1)}, the slowest ${longest.toFixed(1)}`
		}
	];
}

export async function* measureInvitations(wanted = databases): AsyncGenerator<Row> {
	for (const database of wanted) yield* await measure(database);
}

if (import.meta.main) {
	const { file, named } = readDatabases(process.argv.slice(2), databases);
	const run = () => runParts({ invitations: () => measureInvitations(named) }, file);
	await (named.includes('postgres') ? withPostgres(run) : run());
}
