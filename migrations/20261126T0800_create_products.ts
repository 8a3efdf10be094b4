import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What the provider offers: an API or several, with documentation and plans.
	await sql`
		create table product (
			id uuid primary key default gen_random_uuid(),
			slug text not null unique,
			name text not null,
			summary text not null default '',
			description text not null default '',
			contact text not null default '',
			status text not null default 'draft' check (status in ('draft', 'published', 'retired')),
			-- Of a published one: from when on it is retired.
			retires_at timestamptz,
			visibility text not null default 'organizations'
				check (visibility in ('everyone', 'developers', 'organizations')),
			created_by jsonb not null,
			created_at timestamptz not null default now(),
			published_at timestamptz,
			retired_at timestamptz
		)`.execute(db);
	await sql`create unique index product_seen_name on product (seen_name(name))`.execute(db);
	await sql`create index product_created_at on product (created_at desc, id)`.execute(db);

	// Who sees one that is for chosen organizations alone.
	await sql`
		create table product_organization (
			product_id uuid not null references product on delete cascade,
			organization_id uuid not null references organization on delete cascade,
			primary key (product_id, organization_id)
		)`.execute(db);
	await sql`create index product_organization_organization on product_organization (organization_id)`.execute(
		db
	);

	// Each upload of its OpenAPI document; the one of the highest number is shown.
	await sql`
		create table product_document (
			id uuid primary key default gen_random_uuid(),
			product_id uuid not null references product on delete cascade,
			number integer not null,
			content text not null,
			format text not null check (format in ('json', 'yaml')),
			spec_version text not null,
			title text not null,
			api_version text not null,
			servers jsonb not null default '[]',
			operations integer not null default 0,
			-- In words, against the version before: null of the first one.
			changes jsonb,
			uploaded_by jsonb not null,
			created_at timestamptz not null default now(),
			unique (product_id, number)
		)`.execute(db);

	await sql`
		create table plan (
			id uuid primary key default gen_random_uuid(),
			product_id uuid not null references product on delete cascade,
			name text not null,
			text text not null default '',
			-- Of one application with this product; 0 for any number.
			per_second integer not null default 0 check (per_second between 0 and 1000000),
			per_month integer not null default 0 check (per_month between 0 and 2000000000),
			approval text not null default 'manual' check (approval in ('automatic', 'manual')),
			-- How old a credential may be that opens the product; 0 for any age.
			credential_days integer not null default 0 check (credential_days between 0 and 3650),
			position integer not null default 0,
			-- Since when nobody new gets it.
			closed_at timestamptz,
			created_at timestamptz not null default now()
		)`.execute(db);
	await sql`create unique index plan_seen_name on plan (product_id, seen_name(name))`.execute(db);

	// What an application may call: one row for ever, whose id the plan's limits count by.
	await sql`
		create table access (
			id uuid primary key default gen_random_uuid(),
			organization_id uuid not null references organization on delete cascade,
			application_id uuid not null references application on delete cascade,
			product_id uuid not null references product on delete cascade,
			plan_id uuid not null references plan,
			granted_at timestamptz not null default now(),
			ends_at timestamptz,
			ended_by jsonb,
			end_reason text not null default '',
			unique (application_id, product_id)
		)`.execute(db);
	await sql`create index access_product on access (product_id, granted_at desc, id)`.execute(db);
	await sql`create index access_organization on access (organization_id)`.execute(db);
	await sql`create index access_plan on access (plan_id)`.execute(db);

	await sql`
		create table access_request (
			id uuid primary key default gen_random_uuid(),
			organization_id uuid not null references organization on delete cascade,
			application_id uuid not null references application on delete cascade,
			product_id uuid not null references product on delete cascade,
			plan_id uuid not null references plan,
			message text not null default '',
			status text not null default 'pending' check (status in ('pending', 'approved', 'rejected', 'withdrawn')),
			reason text not null default '',
			requested_by jsonb not null,
			requested_at timestamptz not null default now(),
			decided_by jsonb,
			decided_at timestamptz
		)`.execute(db);
	await sql`
		create unique index access_request_pending on access_request (application_id, product_id)
			where status = 'pending'`.execute(db);
	await sql`create index access_request_waiting on access_request (requested_at, id) where status = 'pending'`.execute(
		db
	);
	await sql`create index access_request_latest on access_request (application_id, product_id, requested_at desc)`.execute(
		db
	);
	await sql`create index access_request_organization on access_request (organization_id)`.execute(db);
	await sql`create index access_request_product on access_request (product_id, requested_at desc, id)`.execute(
		db
	);
	await sql`create index access_request_decided on access_request (decided_at desc, id) where decided_at is not null`.execute(
		db
	);
	await sql`create index access_request_plan on access_request (plan_id)`.execute(db);

	// Which gateways stand in front of which products.
	await sql`
		create table gateway_product (
			gateway_id uuid not null references gateway on delete cascade,
			product_id uuid not null references product on delete cascade,
			primary key (gateway_id, product_id)
		)`.execute(db);
	await sql`create index gateway_product_product on gateway_product (product_id)`.execute(db);

	// Whether members may ask for access, or Super admins alone.
	await sql`alter table organization add column is_access_restricted boolean not null default false`.execute(
		db
	);
}
