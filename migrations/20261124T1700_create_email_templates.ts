import { sql, type Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
	// What portal admins have made of an e-mail, one row a version. Without a text the version is a return to the default.
	await sql`
		create table email_template (
			name text not null,
			version integer not null check (version > 0),
			subject text,
			body text,
			note text not null,
			author jsonb not null,
			at timestamptz not null default now(),
			primary key (name, version),
			check ((subject is null) = (body is null))
		)`.execute(db);
	await sql`
		create function refuse_template_change() returns trigger language plpgsql as $$
		begin
			raise exception 'versions of e-mails are append-only';
		end
		$$`.execute(db);
	await sql`
		create trigger email_template_is_append_only before update or delete on email_template
		for each row execute function refuse_template_change()`.execute(db);

	// Who has the editor of an e-mail open: one row for an open page, which says again and again that it is there.
	await sql`
		create table email_editor (
			page_id uuid primary key,
			name text not null,
			user_id uuid not null references account (id) on delete cascade,
			seen_at timestamptz not null default now()
		)`.execute(db);
	await sql`create index email_editor_name on email_editor (name)`.execute(db);
	await sql`create index email_editor_user on email_editor (user_id)`.execute(db);

	// How all e-mails look; the logo in base64.
	await sql`
		create table brand (
			id boolean primary key default true check (id),
			accent_color text not null default '#4f46e5',
			footer text not null default '',
			logo text,
			logo_type text,
			logo_width integer,
			logo_height integer,
			check ((logo is null) = (logo_type is null))
		)`.execute(db);
	await sql`insert into brand default values`.execute(db);

	// A message is sent with the text that was in force when it was queued: version 0 is the default. A test carries the
	// text that it tries.
	await sql`
		alter table message
			add column template_version integer not null default 0,
			add column draft text`.execute(db);
}
