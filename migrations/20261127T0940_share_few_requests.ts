import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// As before, but a share of a limit of a few requests a second is given for one second: with fewer of them than processes,
	// whoever had one would go on having it, and the others none.
	await sql`
		create or replace function take_shares(of_process text, asked jsonb, seconds integer)
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
			lasts integer;
			this_month timestamptz;
			given bigint;
			so_far bigint;
			was_told integer;
			used bigint;
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
					lasts := case when one.most < greatest(5, sharers) then 1 else seconds end;
					given := greatest(own, least(one.wanted, one.most - others, one.most - owed), 0);
					update rate_lease
					set
						leases = held || jsonb_build_object(of_process, jsonb_build_array(given, this_second + lasts, one.wanted)),
						renewed_at = now()
					where rate_lease.subject = one.subject;
					return query select one.subject, one.span, given, null::bigint, null::integer,
						this_second + lasts, extract(epoch from clock_timestamp())::double precision * 1000;
				else
					this_month := date_trunc('month', clock_timestamp(), 'UTC');
					insert into quota_month (subject, began_at) values (one.subject, this_month) on conflict do nothing;
					select m.taken, case when m.told_most < one.most then 0 else m.told end into so_far, was_told
					from quota_month as m where m.subject = one.subject and m.began_at = this_month for update;
					select coalesce(sum(counted.count), 0) into used
					from usage_count as counted
					where counted.credential_id in (
							select credential.id from credential where credential.id = one.subject
							union all
							select credential.id from credential where credential.application_id = one.subject
						)
						and counted.span = 'day' and counted.at >= this_month and counted.answer = 'allowed';
					used := greatest(used, (
						select counted.count from access_use as counted
						where counted.access_id = one.subject and counted.began_at = this_month
					));
					so_far := greatest(so_far, used);
					-- Who waits spends it at once; of what is only kept, others get their part.
					given := greatest(0, least(
						one.wanted, one.most - so_far, greatest(ceil((one.most - so_far) / 8.0)::bigint, one.waiting)
					));
					update quota_month as m set taken = so_far + given
					where m.subject = one.subject and m.began_at = this_month;
					return query select one.subject, one.span, given, so_far + given, was_told,
						extract(epoch from (this_month at time zone 'UTC' + interval '1 month') at time zone 'UTC')::bigint,
						extract(epoch from clock_timestamp())::double precision * 1000;
				end if;
			end loop;
		end
		$$`.execute(db);
}
