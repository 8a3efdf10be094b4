import { randomUUID } from 'node:crypto';
import { Hono, type Context } from 'hono';
import type { Sql, TransactionSql } from 'postgres';
import { createToken, hashToken } from '../../src/identity/tokens.ts';
import { createKey, keyPrefix, type Vault } from '../../src/vault/vault.ts';

/**
 * The changes that teams make, by hand and with everything that Portico owes for each: the session, the lock of the
 * organization, the caller's right read under it, a numbered and chained event, and where there is an e-mail, an encrypted
 * message with its job. Statements that needn't wait for each other go out together. Without checks of what is given,
 * budgets, an origin or a log. What `calls.ts` measures Portico's changes beside.
 */

interface Caller {
	id: string;
	email: string;
	firstName: string;
	lastName: string;
	role: string;
	name: string;
	slug: string;
}
interface MemberRow {
	id: string;
	userId: string;
	email: string;
	firstName: string;
	lastName: string;
	role: string;
	joinedAt: Date;
}
interface Change {
	sql: TransactionSql;
	organizationId: string;
	caller: Caller;
}

/** The id of the caller's session. */
export const sessionOf = (c: Context) =>
	hashToken(/portico=([\w-]+)/.exec(c.req.header('cookie') ?? '')?.[1] ?? '');

/** Locks the organization, and the caller's membership against changes: what is read is read under the lock. */
const lockForCaller = (sql: TransactionSql, session: string, organizationId: string) => sql<Caller[]>`
	select
		account.id, account.email, own.first_name as "firstName", own.last_name as "lastName", own.role,
		organization.name, organization.slug
	from session
	join account on account.id = session.user_id and account.status = 'active'
	join membership as own on own.user_id = account.id and own.organization_id = ${organizationId}
	join organization on organization.id = own.organization_id and organization.status = 'approved'
	where session.id = ${session} and session.expires_at > now() and session.created_at > now() - interval '90 days'
	for update of organization for share of own`;

const nameOf = (one: { firstName: string; lastName: string }) => `${one.firstName} ${one.lastName}`;

function publish(
	{ sql, organizationId, caller }: Change,
	name: string,
	payload: object,
	isForPortal: boolean
) {
	const actor = { id: caller.id, name: nameOf(caller), kind: 'developer' };
	const given = [{ name, actor, payload, isForOrganization: true, isForPortal }];
	return sql`
		select pg_notify('portico', json_build_object('kind', 'event', 'id', id)::text)
		from publish_events(${organizationId}::uuid, ${JSON.stringify(given)}::text::jsonb) as id`;
}

function queueMail(
	sql: TransactionSql,
	vault: Vault,
	mail: {
		id: string;
		name: string;
		address: string;
		template: string;
		subject: string;
		props: object;
		/** Nothing is sent to who does without e-mails of this topic. */
		unlessWithout?: { accountId: string; topic: string };
	}
) {
	const content = vault.encrypt(JSON.stringify(mail.props), 'message');
	const { accountId = null, topic = '' } = mail.unlessWithout ?? {};
	return sql`
		with made as (
			insert into message (id, recipient_name, recipient, template, subject, template_version, content)
			select
				${mail.id}, ${mail.name}, ${mail.address}, ${mail.template}, ${mail.subject},
				coalesce((select max(version) from email_template where name = ${mail.template}), 0), ${content}
			where not exists (select from mail_opt_out where account_id = ${accountId} and topic = ${topic})
			returning id
		), queued as (
			insert into pgboss.job (name, data)
			select 'mail', jsonb_build_object('messageId', id, 'attempt', 0) from made
		)
		select pg_notify('portico', '{"kind":"mailbox"}') from made`;
}

/** The routes of a floor that change something. */
export function createDuties(sql: Sql, vault: Vault, origin: string): Hono {
	const app = new Hono();

	/** Runs one change of an organization under its lock; null where the caller may not. */
	async function change<Input extends { organizationId: string }, Found = undefined>(
		c: Context,
		run: (change: Change, input: Input, found: Found) => Promise<object>,
		find?: (sql: TransactionSql, input: Input) => Promise<Found>
	): Promise<Response> {
		const input = await c.req.json<Input>();
		const { organizationId } = input;
		const answer = await sql.begin(async (trx) => {
			// In the order in which they are sent: what the second one reads is read under the lock.
			const [[caller], found] = await Promise.all([
				lockForCaller(trx, sessionOf(c), organizationId),
				find?.(trx, input) as Promise<Found>
			]);
			return caller?.role === 'super_admin' ? run({ sql: trx, organizationId, caller }, input, found) : null;
		});
		return answer ? c.json(answer) : c.json({}, 404);
	}

	app.post('/role', (c) =>
		change<{ organizationId: string; memberId: string; role: string }, MemberRow[]>(
			c,
			async (on, { memberId, role }, [previous]) => {
				if (!previous) return {};
				const member = { ...previous, role };
				await Promise.all([
					on.sql`update membership set role = ${role} where id = ${memberId}`,
					...(previous.role === 'super_admin'
						? [
								on.sql`
									update invitation set state = 'revoked'
									where organization_id = ${on.organizationId} and invited_by = ${previous.userId} and state = 'pending'`
							]
						: []),
					queueMail(on.sql, vault, {
						id: randomUUID(),
						name: nameOf(member),
						address: member.email,
						template: 'member-role-changed',
						unlessWithout: { accountId: previous.userId, topic: 'roles' },
						subject: `Your permission in ${on.caller.name} has changed`,
						props: {
							organizationName: on.caller.name,
							firstName: member.firstName,
							previousRoleLabel: previous.role,
							roleLabel: role,
							actorName: nameOf(on.caller),
							organizationUrl: `${origin}/orgs/${on.caller.slug}`
						}
					}),
					publish(on, 'member.updated', { member, previous }, false)
				]);
				return member;
			},
			(trx, { organizationId, memberId }) => trx<MemberRow[]>`
				select
					membership.id, user_id as "userId", email, membership.first_name as "firstName",
					membership.last_name as "lastName", role, joined_at as "joinedAt"
				from membership join account on account.id = user_id
				where membership.id = ${memberId} and organization_id = ${organizationId}`
		)
	);

	app.post('/invitation', (c) =>
		change<{ organizationId: string; email: string; firstName: string; lastName: string }>(
			c,
			async (on, { email, firstName, lastName }) => {
				const token = createToken();
				const [id, messageId] = [randomUUID(), randomUUID()];
				const sentAt = new Date();
				const expiresAt = new Date(sentAt.getTime() + 7 * 86_400_000);
				const [[account]] = await Promise.all([
					on.sql`
						select
							(select email_verified_at from account where email = ${email}) as proven,
							exists (
								select from membership join account on account.id = user_id
								where organization_id = ${on.organizationId} and email = ${email}
							) as "isMember",
							(select count(*) from membership where organization_id = ${on.organizationId}) as members,
							(
								select count(*) from invitation
								where organization_id = ${on.organizationId} and state = 'pending'
							) as open`,
					on.sql`
						insert into rate_limit as old (key, count, resets_at) values
							(${`invite:inviter:${on.caller.id}`}, 1, now() + interval '600 s'),
							(${`invite:organization:${on.organizationId}`}, 1, now() + interval '1 day'),
							(${`invite:recipient:${email}`}, 1, now() + interval '1 hour')
						on conflict (key) do update set count = old.count + 1 returning count`
				]);
				if (account?.isMember) return {};
				const invitation = {
					id,
					email,
					firstName,
					lastName,
					role: 'team_member',
					invitedBy: { id: on.caller.id, name: nameOf(on.caller) },
					sentAt,
					expiresAt,
					delivery: 'queued'
				};
				await Promise.all([
					queueMail(on.sql, vault, {
						id: messageId,
						name: nameOf(invitation),
						address: email,
						template: account?.proven ? 'invitation-created-existing' : 'invitation-created',
						subject: `${on.caller.firstName} invites you to ${on.caller.name}`,
						props: {
							organizationName: on.caller.name,
							inviterName: nameOf(on.caller),
							roleLabel: 'Team member',
							firstName,
							acceptUrl: `${origin}/invitations/${token}`,
							expiresAt: expiresAt.toUTCString()
						}
					}),
					on.sql`
						insert into invitation
							(id, organization_id, email, first_name, last_name, role, token_hash, invited_by, expires_at, message_id)
						values (
							${id}, ${on.organizationId}, ${email}, ${firstName}, ${lastName}, 'team_member', ${hashToken(token)},
							${on.caller.id}, ${expiresAt}, ${messageId}
						)`,
					publish(on, 'invitation.created', { invitation }, false)
				]);
				return invitation;
			}
		)
	);

	app.post('/accept', async (c) => {
		const { invitationId } = await c.req.json<{ invitationId: string }>();
		const answer = await sql.begin(async (trx) => {
			const [found] = await trx`
					select
						invitation.organization_id as "organizationId", invitation.role, account.id, account.email,
						account.first_name as "firstName", account.last_name as "lastName", organization.name, organization.slug
					from session
					join account on account.id = session.user_id and account.status = 'active'
					join invitation on invitation.email = account.email and invitation.id = ${invitationId}
					join organization on organization.id = invitation.organization_id and organization.status = 'approved'
					where session.id = ${sessionOf(c)} and session.expires_at > now() and email_verified_at is not null
						and state = 'pending' and invitation.expires_at > now()
					for update of organization, invitation`;
			if (!found) return null;
			const { organizationId, ...caller } = found as Caller & { organizationId: string };
			const id = randomUUID();
			const joinedAt = new Date();
			const { email, firstName, lastName, role } = caller;
			const member = { id, userId: caller.id, email, firstName, lastName, role, joinedAt };
			await Promise.all([
				trx`update invitation set state = 'accepted' where id = ${invitationId}`,
				trx`
					insert into membership (id, organization_id, user_id, first_name, last_name, role, joined_at)
					values (${id}, ${organizationId}, ${caller.id}, ${firstName}, ${lastName}, ${role}, ${joinedAt})`,
				publish({ sql: trx, organizationId, caller }, 'member.joined', { member }, true)
			]);
			return { slug: caller.slug, organizationName: caller.name };
		});
		return answer ? c.json(answer) : c.json({}, 404);
	});

	app.post('/application', (c) =>
		change<{ organizationId: string; name: string }>(c, async (on, { name }) => {
			const [id, credentialId, key] = [randomUUID(), randomUUID(), createKey()];
			const [createdAt, createdBy] = [new Date(), { id: on.caller.id, name: nameOf(on.caller) }];
			const credential = {
				id: credentialId,
				label: 'Default',
				prefix: keyPrefix,
				lastFour: key.slice(-4),
				createdBy,
				createdAt,
				expiresAt: null,
				revokedAt: null
			};
			const application = { id, name, description: '', createdBy, createdAt, credentials: [credential] };
			await Promise.all([
				on.sql`select count(*) from application where organization_id = ${on.organizationId}`,
				on.sql`
					insert into application (id, organization_id, name, description, created_by, created_at)
					values (${id}, ${on.organizationId}, ${name}, '', ${on.caller.id}, ${createdAt})`,
				on.sql`
					insert into credential (id, application_id, label, last_four, secret, lookup_hash, created_by, created_at)
					values (
						${credentialId}, ${id}, 'Default', ${credential.lastFour},
						${vault.encrypt(key, `credential:${credentialId}`)}, ${vault.lookupHash(key)}, ${on.caller.id}, ${createdAt}
					)`,
				publish(on, 'application.created', { application }, true)
			]);
			return application;
		})
	);

	app.post('/reveal', (c) =>
		change<{ organizationId: string; credentialId: string }>(c, async (on, { credentialId }) => {
			const [row] = await on.sql`
				select
					credential.id, secret, label, last_four as "lastFour", application.id as "applicationId",
					application.name as "applicationName", credential.created_at as "createdAt"
				from credential join application on application.id = application_id
				where credential.id = ${credentialId} and organization_id = ${on.organizationId} and revoked_at is null`;
			if (!row) return {};
			const { secret, applicationId, applicationName, ...credential } = row;
			await publish(on, 'credential.revealed', { applicationId, applicationName, credential }, false);
			return { secret: vault.decrypt(secret as string, `credential:${credentialId}`) };
		})
	);

	return app;
}
