-- +goose Up

-- Who may sign in, and what their screens keep. People and what proves them belong to no program: one person may be a
-- member of several. Times, flags, hashes and absent values are as in the first migration.

ALTER TABLE api_keys ADD COLUMN role TEXT NOT NULL DEFAULT 'admin';

CREATE TABLE people (
  person_id     TEXT    NOT NULL,
  email         TEXT    NOT NULL, -- in lower case
  name          TEXT    NOT NULL,
  password_hash TEXT    NOT NULL, -- argon2id; '': no password
  sealed_totp   BLOB,
  totp_step     INTEGER NOT NULL DEFAULT 0, -- the last one used
  created_at    INTEGER NOT NULL,
  CONSTRAINT people_pkey PRIMARY KEY (person_id),
  CONSTRAINT people_email UNIQUE (email)
) STRICT;

CREATE TABLE recovery_codes (
  person_id TEXT NOT NULL,
  hash      BLOB NOT NULL CHECK (length(hash) = 32),
  CONSTRAINT recovery_codes_pkey PRIMARY KEY (person_id, hash)
) STRICT;

CREATE TABLE passkeys (
  credential_id   BLOB    NOT NULL,
  person_id       TEXT    NOT NULL,
  name            TEXT    NOT NULL,
  credential_json TEXT    NOT NULL,
  created_at      INTEGER NOT NULL,
  last_used_at    INTEGER NOT NULL, -- 0: never
  CONSTRAINT passkeys_pkey PRIMARY KEY (credential_id)
) STRICT;
CREATE INDEX passkeys_by_person ON passkeys (person_id, created_at);

CREATE TABLE identities (
  issuer    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  person_id TEXT NOT NULL,
  linked_at INTEGER NOT NULL,
  CONSTRAINT identities_pkey PRIMARY KEY (issuer, subject)
) STRICT;

CREATE TABLE one_time_codes (
  hash       BLOB    NOT NULL CHECK (length(hash) = 32),
  purpose    TEXT    NOT NULL,
  data       TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  CONSTRAINT one_time_codes_pkey PRIMARY KEY (hash)
) STRICT;

CREATE TABLE memberships (
  program_id   TEXT    NOT NULL,
  person_id    TEXT    NOT NULL,
  role         TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'finance', 'support', 'viewer')),
  added_at     INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL DEFAULT 0, -- 0: never
  CONSTRAINT memberships_pkey PRIMARY KEY (program_id, person_id)
) STRICT;
CREATE INDEX memberships_by_person ON memberships (person_id, last_seen_at);

CREATE TABLE sessions (
  session_id TEXT    NOT NULL,
  hash       BLOB    NOT NULL CHECK (length(hash) = 32),
  program_id TEXT    NOT NULL,
  person_id  TEXT    NOT NULL, -- '': by a link from a store
  role       TEXT    NOT NULL, -- by a link; a person's is in memberships
  actor      TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  store_id   TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  client     TEXT    NOT NULL,
  address    TEXT    NOT NULL,
  CONSTRAINT sessions_pkey PRIMARY KEY (session_id),
  CONSTRAINT sessions_hash UNIQUE (hash)
) STRICT;
CREATE INDEX sessions_by_person ON sessions (person_id, seen_at);

CREATE TABLE invitations (
  invitation_id TEXT    NOT NULL,
  program_id    TEXT    NOT NULL,
  email         TEXT    NOT NULL,
  role          TEXT    NOT NULL,
  hash          BLOB    NOT NULL CHECK (length(hash) = 32),
  invited_by    TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,
  expires_at    INTEGER NOT NULL,
  CONSTRAINT invitations_pkey PRIMARY KEY (invitation_id),
  CONSTRAINT invitations_hash UNIQUE (hash),
  CONSTRAINT invitations_email UNIQUE (program_id, email)
) STRICT;

-- What a program's screens keep: branding, views that were saved. version rises with each write, so that two who edit one
-- setting see each other.

CREATE TABLE program_settings (
  program_id TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  value_json TEXT    NOT NULL,
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT    NOT NULL,
  CONSTRAINT program_settings_pkey PRIMARY KEY (program_id, name)
) STRICT;

-- A file of people on its way through the import: the file and what takes it back are sealed, since they hold names.

CREATE TABLE imports (
  program_id   TEXT    NOT NULL,
  import_id    TEXT    NOT NULL,
  state        TEXT    NOT NULL CHECK (state IN ('uploaded', 'running', 'committed', 'failed', 'undone')),
  file_name    TEXT    NOT NULL,
  sealed_file  BLOB,
  columns_json TEXT    NOT NULL, -- column of the file -> our column
  report_json  TEXT    NOT NULL,
  sealed_undo  BLOB,
  row_count    INTEGER NOT NULL,
  done_count   INTEGER NOT NULL,
  actor        TEXT    NOT NULL,
  version      INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  CONSTRAINT imports_pkey PRIMARY KEY (program_id, import_id)
) STRICT;

-- Lists that are narrowed to few of many rows.

CREATE INDEX orders_by_store ON orders (program_id, store_id, order_ts, source);
CREATE INDEX orders_parked_by_reason ON orders (program_id, reason_code, order_ts, source) WHERE settlement = 'parked';
CREATE INDEX orders_waiting ON orders (program_id, source, reason_code, waiting_currency, waiting_minor) WHERE settlement = 'parked';
CREATE INDEX inbox_by_store ON inbox (program_id, store_id, delivery_id);
CREATE INDEX postings_by_kind ON postings (program_id, kind, batch_sequence, position) WHERE kind <> 'earning';
CREATE INDEX distributors_by_sponsor ON distributors (program_id, sponsor_id, distributor_id);
CREATE INDEX distributors_by_created ON distributors (program_id, created_at, distributor_id);
