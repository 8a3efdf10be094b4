import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// How many requests a credential and an application may make in a second and in a month; 0 for any number.
	await sql`
		alter table portal
			add column credential_per_second integer not null default 0
				check (credential_per_second between 0 and 1000000),
			add column credential_per_month integer not null default 0
				check (credential_per_month between 0 and 2000000000),
			add column application_per_second integer not null default 0
				check (application_per_second between 0 and 1000000),
			add column application_per_month integer not null default 0
				check (application_per_month between 0 and 2000000000)`.execute(db);
	// What differs from that, by the same names; what is absent doesn't.
	await sql`alter table organization add column quotas jsonb not null default '{}'`.execute(db);
	await sql`alter table application add column quotas jsonb not null default '{}'`.execute(db);

	// Which process may let how many requests a second through, until when: by process [requests, until, wanted], in
	// seconds since 1970. A process that dies holds its share until that second.
	await sql`
		create table rate_lease (
			subject uuid primary key,
			leases jsonb not null default '{}',
			renewed_at timestamptz not null default now()
		)`.execute(db);
	await sql`create index rate_lease_renewed_at on rate_lease (renewed_at)`.execute(db);
	// How much of a month was given to processes, and which share of it was told to people, in percent.
	await sql`
		create table quota_month (
			subject uuid not null,
			began_at timestamptz not null,
			taken bigint not null default 0,
			told integer not null default 0,
			-- Of which limit: people are told anew of one that was raised.
			told_most bigint not null default 0,
			primary key (subject, began_at)
		)`.execute(db);
	await sql`create index quota_month_began_at on quota_month (began_at)`.execute(db);

	// Gives a process its shares of what it asks for: [{ subject, span, wanted, most }]. The rows are locked in one order for
	// all, and the time is read under the lock.
	await sql`
		create function take_shares(of_process text, asked jsonb, seconds integer)
		returns table (subject uuid, span text, granted bigint, taken bigint, told integer, ends_at bigint, at double precision)
		language plpgsql as $$
		#variable_conflict use_column
		declare
			one record;
			held jsonb;
			this_second bigint;
			others bigint;
			owed bigint;
			own bigint;
			sharers bigint;
			this_month timestamptz;
			given bigint;
			so_far bigint;
			was_told integer;
		begin
			for one in
				select x.subject, x.span, x.wanted, x.waiting, x.most
				from jsonb_to_recordset(asked) as x (subject uuid, span text, wanted bigint, waiting bigint, most bigint)
				order by x.subject, x.span
			loop
				if one.span = 'second' then
					insert into rate_lease (subject) values (one.subject) on conflict do nothing;
					select leases into held from rate_lease where rate_lease.subject = one.subject for update;
					this_second := floor(extract(epoch from clock_timestamp()));
					select
						coalesce(jsonb_object_agg(lease.key, lease.value) filter (where lease.key <> of_process), '{}'),
						coalesce(sum((lease.value->>0)::bigint) filter (where lease.key <> of_process), 0),
						coalesce(max((lease.value->>0)::bigint) filter (where lease.key = of_process), 0),
						count(*) filter (where lease.key <> of_process) + 1
					into held, others, own, sharers
					from jsonb_each(coalesce(held, '{}')) as lease
					where (lease.value->>1)::bigint > this_second;
					select coalesce(sum(least((lease.value->>2)::bigint, one.most / sharers)), 0) into owed
					from jsonb_each(held) as lease;
					given := greatest(own, least(one.wanted, one.most - others, one.most - owed), 0);
					update rate_lease
					set
						leases = held || jsonb_build_object(of_process, jsonb_build_array(given, this_second + seconds, one.wanted)),
						renewed_at = now()
					where rate_lease.subject = one.subject;
					return query select one.subject, one.span, given, null::bigint, null::integer,
						this_second + seconds, extract(epoch from clock_timestamp())::double precision * 1000;
				else
					this_month := date_trunc('month', clock_timestamp(), 'UTC');
					insert into quota_month (subject, began_at) values (one.subject, this_month) on conflict do nothing;
					select m.taken, case when m.told_most < one.most then 0 else m.told end into so_far, was_told
					from quota_month as m where m.subject = one.subject and m.began_at = this_month for update;
					-- Who waits spends it at once; of what is only kept, others get their part.
					given := greatest(0, least(
						one.wanted, one.most - so_far, greatest(ceil((one.most - so_far) / 8.0)::bigint, one.waiting)
					));
					update quota_month as m set taken = m.taken + given
					where m.subject = one.subject and m.began_at = this_month;
					return query select one.subject, one.span, given, so_far + given, was_told,
						extract(epoch from (this_month at time zone 'UTC' + interval '1 month') at time zone 'UTC')::bigint,
						extract(epoch from clock_timestamp())::double precision * 1000;
				end if;
			end loop;
		end
		$$`.execute(db);
}
