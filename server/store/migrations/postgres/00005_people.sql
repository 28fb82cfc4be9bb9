-- +goose Up

-- Who may sign in, and what their screens keep. People and what proves them belong to no program: one person may be a
-- member of several. Times, flags, hashes and absent values are as in the first migration.

ALTER TABLE api_keys ADD COLUMN role text COLLATE "C" NOT NULL DEFAULT 'admin';

CREATE TABLE people (
  person_id text COLLATE "C" NOT NULL,
  email text COLLATE "C" NOT NULL, -- in lower case
  name text COLLATE "C" NOT NULL,
  password_hash text COLLATE "C" NOT NULL, -- argon2id; '': no password
  sealed_totp bytea,
  totp_step bigint NOT NULL DEFAULT 0, -- the last one used
  created_at bigint NOT NULL,
  CONSTRAINT people_pkey PRIMARY KEY (person_id),
  CONSTRAINT people_email UNIQUE (email)
);

CREATE TABLE recovery_codes (
  person_id text COLLATE "C" NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  CONSTRAINT recovery_codes_pkey PRIMARY KEY (person_id, hash)
);

CREATE TABLE passkeys (
  credential_id bytea NOT NULL,
  person_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  credential_json text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  last_used_at bigint NOT NULL, -- 0: never
  CONSTRAINT passkeys_pkey PRIMARY KEY (credential_id)
);
CREATE INDEX passkeys_by_person ON passkeys (person_id, created_at);

CREATE TABLE identities (
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  person_id text COLLATE "C" NOT NULL,
  linked_at bigint NOT NULL,
  CONSTRAINT identities_pkey PRIMARY KEY (issuer, subject)
);

CREATE TABLE one_time_codes (
  hash bytea NOT NULL CHECK (length(hash) = 32),
  purpose text COLLATE "C" NOT NULL,
  data text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL,
  CONSTRAINT one_time_codes_pkey PRIMARY KEY (hash)
);

CREATE TABLE memberships (
  program_id text COLLATE "C" NOT NULL,
  person_id text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL CHECK (role IN ('owner', 'admin', 'finance', 'support', 'viewer')),
  added_at bigint NOT NULL,
  last_seen_at bigint NOT NULL DEFAULT 0, -- 0: never
  CONSTRAINT memberships_pkey PRIMARY KEY (program_id, person_id)
);
CREATE INDEX memberships_by_person ON memberships (person_id, last_seen_at);

CREATE TABLE sessions (
  session_id text COLLATE "C" NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  program_id text COLLATE "C" NOT NULL,
  person_id text COLLATE "C" NOT NULL, -- '': by a link from a store
  role text COLLATE "C" NOT NULL, -- by a link; a person's is in memberships
  actor text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  store_id text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  seen_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  client text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  CONSTRAINT sessions_pkey PRIMARY KEY (session_id),
  CONSTRAINT sessions_hash UNIQUE (hash)
);
CREATE INDEX sessions_by_person ON sessions (person_id, seen_at);

CREATE TABLE invitations (
  invitation_id text COLLATE "C" NOT NULL,
  program_id text COLLATE "C" NOT NULL,
  email text COLLATE "C" NOT NULL,
  role text COLLATE "C" NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  invited_by text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  CONSTRAINT invitations_pkey PRIMARY KEY (invitation_id),
  CONSTRAINT invitations_hash UNIQUE (hash),
  CONSTRAINT invitations_email UNIQUE (program_id, email)
);

-- What a program's screens keep: branding, views that were saved. version rises with each write, so that two who edit one
-- setting see each other.

CREATE TABLE program_settings (
  program_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  value_json text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  updated_at bigint NOT NULL,
  updated_by text COLLATE "C" NOT NULL,
  CONSTRAINT program_settings_pkey PRIMARY KEY (program_id, name)
);

-- A file of people on its way through the import: the file and what takes it back are sealed, since they hold names.

CREATE TABLE imports (
  program_id text COLLATE "C" NOT NULL,
  import_id text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('uploaded', 'running', 'committed', 'failed', 'undone')),
  file_name text COLLATE "C" NOT NULL,
  sealed_file bytea,
  columns_json text COLLATE "C" NOT NULL, -- column of the file -> our column
  report_json text COLLATE "C" NOT NULL,
  sealed_undo bytea,
  row_count bigint NOT NULL,
  done_count bigint NOT NULL,
  actor text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  CONSTRAINT imports_pkey PRIMARY KEY (program_id, import_id)
);

-- Lists that are narrowed to few of many rows.

CREATE INDEX orders_by_store ON orders (program_id, store_id, order_ts, source);
CREATE INDEX orders_parked_by_reason ON orders (program_id, reason_code, order_ts, source) WHERE settlement = 'parked';
CREATE INDEX orders_waiting ON orders (program_id, source, reason_code, waiting_currency, waiting_minor) WHERE settlement = 'parked';
CREATE INDEX inbox_by_store ON inbox (program_id, store_id, delivery_id);
CREATE INDEX postings_by_kind ON postings (program_id, kind, batch_sequence, position) WHERE kind <> 'earning';
CREATE INDEX distributors_by_sponsor ON distributors (program_id, sponsor_id, distributor_id);
CREATE INDEX distributors_by_created ON distributors (program_id, created_at, distributor_id);

-- Row-level security, as in the first migration. What proves people is for transactions without a program alone; members,
-- sessions and invitations are read before the program is known.
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['people', 'recovery_codes', 'passkeys', 'identities', 'one_time_codes'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING ((SELECT coalesce(current_setting(%L, true), %L)) = %L)',
                   t || '_of_nobody', t, 'upline.program', '', '');
  END LOOP;
  FOREACH t IN ARRAY ARRAY['memberships', 'sessions', 'invitations'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %1$I ON %2$I USING ((SELECT coalesce(current_setting(%3$L, true), %4$L)) = %4$L'
                   ' OR program_id = (SELECT current_setting(%3$L, true)))', t || '_of_program', t, 'upline.program', '');
  END LOOP;
  FOREACH t IN ARRAY ARRAY['program_settings', 'imports'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (program_id = (SELECT current_setting(%L, true)))',
                   t || '_of_program', t, 'upline.program');
  END LOOP;
END $$;
-- +goose StatementEnd

ALTER TABLE imports ALTER COLUMN sealed_file SET STORAGE EXTERNAL;

-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    RETURN;
  END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON people, recovery_codes, passkeys, identities, one_time_codes, memberships,
    sessions, invitations, program_settings, imports TO upline_app;
END $$;
-- +goose StatementEnd
