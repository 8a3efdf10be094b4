import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// How an organization knows its people, also those who have gone or whose account is deleted: no foreign key to them.
	await sql`
		create table member_name (
			organization_id uuid not null references organization (id) on delete cascade,
			user_id uuid not null,
			name text not null,
			primary key (organization_id, user_id)
		)`.execute(db);
	// Wherever a membership is written.
	await sql`
		create function keep_member_name() returns trigger language plpgsql as $$
		begin
			insert into member_name (organization_id, user_id, name)
			values (new.organization_id, new.user_id, btrim(new.first_name || ' ' || new.last_name))
			on conflict (organization_id, user_id) do update set name = excluded.name;
			return null;
		end
		$$`.execute(db);
	await sql`
		create trigger membership_keeps_name after insert or update of first_name, last_name on membership
		for each row execute function keep_member_name()`.execute(db);
	await sql`
		insert into member_name (organization_id, user_id, name)
		select organization_id, user_id, btrim(first_name || ' ' || last_name) from membership`.execute(db);
	// Of those who have gone already, the name that they last did something by.
	await sql`
		with maker as (
			select application.organization_id, application.created_by from application
			union
			select application.organization_id, credential.created_by
			from credential join application on application.id = credential.application_id
		)
		insert into member_name (organization_id, user_id, name)
		select maker.organization_id, maker.created_by, latest.name from maker
		cross join lateral (
			select actor->>'name' as name from event
			where event.organization_id = maker.organization_id and actor->>'id' = maker.created_by::text
			order by seq desc limit 1
		) as latest
		where maker.created_by is not null and latest.name <> ''
		on conflict do nothing`.execute(db);
}
