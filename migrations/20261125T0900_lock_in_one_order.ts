import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// Deleting an account or a message wrote, by these keys, to rows of organizations that nobody had locked. Who made
	// something is a note: it stays when the account goes, and is shown as nobody.
	await sql`
		alter table organization
			drop constraint if exists organization_requested_by_fkey,
			drop constraint if exists organization_decided_by_fkey,
			drop constraint if exists organization_deletion_asked_by_fkey`.execute(db);
	await sql`alter table application drop constraint if exists application_created_by_fkey`.execute(db);
	await sql`alter table credential drop constraint if exists credential_created_by_fkey`.execute(db);
	await sql`alter table invitation drop constraint if exists invitation_message_id_fkey`.execute(db);

	// What goes with an account or an organization is found by an index, also when it is no longer pending.
	await sql`drop index invitation_invited_by`.execute(db);
	await sql`create index invitation_invited_by on invitation (invited_by)`.execute(db);
	await sql`create index invitation_organization_id on invitation (organization_id)`.execute(db);

	// The time of a stream's latest event: none that follows is earlier, whatever the clock says.
	await sql`alter table organization add column last_at timestamptz not null default '-infinity'`.execute(db);
	await sql`alter table portal add column last_at timestamptz not null default '-infinity'`.execute(db);
	await sql`
		update organization set last_at = latest.at
		from (select organization_id, max(at) as at from event where seq is not null group by organization_id) as latest
		where latest.organization_id = organization.id`.execute(db);
	await sql`
		update portal set last_at = coalesce(
			(select max(at) from event where portal_seq is not null), '-infinity')`.execute(db);

	// Writes events about one organization, or about none, in the given order: each is an object with name, actor,
	// payload, isForOrganization and isForPortal. Number, hash and time are taken under the lock of the row that keeps
	// the latest, the organization's and then the portal's. Returns their ids.
	await sql`
		create function publish_events(of_organization uuid, given jsonb) returns setof bigint language plpgsql as $$
		declare
			one jsonb;
			for_organization boolean := given @? '$[*] ? (@.isForOrganization == true)';
			for_portal boolean := given @? '$[*] ? (@.isForPortal == true)';
			organization_seq bigint;
			organization_hash bytea;
			organization_at timestamptz;
			of_portal_seq bigint;
			of_portal_hash bytea;
			portal_at timestamptz;
			moment timestamptz;
			event_id bigint;
			is_told_organization boolean;
			is_told_portal boolean;
		begin
			if for_organization then
				select last_seq, last_hash, last_at into strict organization_seq, organization_hash, organization_at
				from organization where id = of_organization for update;
			end if;
			if for_portal then
				select last_seq, last_hash, last_at into strict of_portal_seq, of_portal_hash, portal_at
				from portal for update;
			end if;
			moment := greatest(clock_timestamp(), organization_at, portal_at);
			for one in select value from jsonb_array_elements(given) with ordinality order by ordinality loop
				is_told_organization := (one->'isForOrganization')::boolean;
				is_told_portal := (one->'isForPortal')::boolean;
				if is_told_organization then
					organization_seq := organization_seq + 1;
					organization_hash := event_hash(
						organization_hash, of_organization::text, organization_seq, of_organization, one->>'name',
						one->'actor', one->'payload', moment
					);
				end if;
				if is_told_portal then
					of_portal_seq := of_portal_seq + 1;
					of_portal_hash := event_hash(
						of_portal_hash, 'portal', of_portal_seq, of_organization, one->>'name',
						one->'actor', one->'payload', moment
					);
				end if;
				insert into event (organization_id, seq, hash, portal_seq, portal_hash, name, actor, payload, at)
				values (
					of_organization,
					case when is_told_organization then organization_seq end,
					case when is_told_organization then organization_hash end,
					case when is_told_portal then of_portal_seq end,
					case when is_told_portal then of_portal_hash end,
					one->>'name', one->'actor', one->'payload', moment
				)
				returning id into event_id;
				return next event_id;
			end loop;
			if for_organization then
				update organization
				set last_seq = organization_seq, last_hash = organization_hash, last_at = moment
				where id = of_organization;
			end if;
			if for_portal then
				update portal set last_seq = of_portal_seq, last_hash = of_portal_hash, last_at = moment;
			end if;
		end
		$$`.execute(db);
}
