-- +goose Up

-- What platforms granted us, and the single-use codes of connect flows under way. Both are read before the program is
-- known: a merchant who comes back from a platform brings a code or a shop's name.

CREATE TABLE store_credentials (
  store_id           TEXT NOT NULL REFERENCES stores (store_id),
  program_id         TEXT NOT NULL,
  state              TEXT NOT NULL CHECK (state IN ('connected', 'needs_reauth', 'uninstalled')),
  reason             TEXT NOT NULL,
  sealed_credentials BLOB, -- NULL: there are none
  scopes             TEXT NOT NULL, -- separated by commas
  expires_at         INTEGER NOT NULL, -- 0: never
  refresh_expires_at INTEGER NOT NULL, -- 0: never
  connected_at       INTEGER NOT NULL,
  renewed_at         INTEGER NOT NULL,
  changed_at         INTEGER NOT NULL,
  revision           INTEGER NOT NULL CHECK (revision >= 1),
  lease_until        INTEGER NOT NULL, -- 0: nobody renews
  lease_owner        TEXT NOT NULL,
  CONSTRAINT store_credentials_pkey PRIMARY KEY (store_id),
  CONSTRAINT store_credentials_uninstalled CHECK (state <> 'uninstalled' OR sealed_credentials IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX store_credentials_by_program ON store_credentials (program_id, store_id);
CREATE INDEX store_credentials_stale ON store_credentials (renewed_at) WHERE state = 'connected' AND refresh_expires_at > 0;

CREATE TABLE install_states (
  hash           BLOB NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the code
  purpose        TEXT NOT NULL,
  program_id     TEXT NOT NULL, -- '': not known yet
  platform       TEXT NOT NULL,
  domain         TEXT NOT NULL,
  sealed_payload BLOB NOT NULL,
  created_at     INTEGER NOT NULL,
  expires_at     INTEGER NOT NULL,
  used_at        INTEGER NOT NULL, -- 0: not yet
  CONSTRAINT install_states_pkey PRIMARY KEY (hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX install_states_by_expiry ON install_states (expires_at);

