import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What an event is chained by; src/programs/verify.ts computes the same, and says what the form is.
	await sql`
		create function event_hash(
			previous bytea, stream text, number bigint, organization_id uuid, name text,
			actor jsonb, payload jsonb, at timestamptz
		) returns bytea language sql stable as $$
			select sha256(previous || convert_to(concat_ws(
				chr(10), stream, number::text, coalesce(organization_id::text, ''), name, actor::text, payload::text,
				(extract(epoch from at) * 1000000)::bigint::text
			), 'UTF8'))
		$$`.execute(db);

	// The head of a stream is kept where its number is, so that a tail that was cut off is missed too.
	await sql`alter table organization add column last_hash bytea not null default ''`.execute(db);
	await sql`alter table portal add column last_hash bytea not null default ''`.execute(db);
	await sql`alter table event add column hash bytea, add column portal_hash bytea`.execute(db);
	// What the portal's stream tells of an organization stays when the organization goes.
	await sql`alter table event drop constraint if exists event_organization_id_fkey`.execute(db);

	await sql`alter table event disable trigger event_is_append_only`.execute(db);
	await sql`
		do $$
		declare
			one record;
			stream uuid;
			last bytea := '';
		begin
			for one in select * from event where seq is not null order by organization_id, seq loop
				if stream is distinct from one.organization_id then
					stream := one.organization_id;
					last := '';
				end if;
				last := event_hash(
					last, stream::text, one.seq, one.organization_id, one.name, one.actor, one.payload, one.at
				);
				update event set hash = last where id = one.id;
				update organization set last_hash = last where id = stream and last_seq = one.seq;
			end loop;
			last := '';
			for one in select * from event where portal_seq is not null order by portal_seq loop
				last := event_hash(
					last, 'portal', one.portal_seq, one.organization_id, one.name, one.actor, one.payload, one.at
				);
				update event set portal_hash = last where id = one.id;
			end loop;
			update portal set last_hash = last;
		end
		$$`.execute(db);
	await sql`alter table event enable trigger event_is_append_only`.execute(db);
	await sql`
		alter table event
			add check ((seq is null) = (hash is null)),
			add check ((portal_seq is null) = (portal_hash is null))`.execute(db);

	// Nothing leaves the portal's stream, and an organization's events leave with the organization alone.
	await sql`
		create function refuse_deletion() returns trigger language plpgsql as $$
		begin
			if old.portal_seq is not null or exists (select from organization where id = old.organization_id) then
				raise exception 'events are append-only';
			end if;
			return old;
		end
		$$`.execute(db);
	await sql`
		create trigger event_stays before delete on event
		for each row execute function refuse_deletion()`.execute(db);
	await sql`
		create trigger event_is_never_emptied before truncate on event
		for each statement execute function refuse_change()`.execute(db);
}
