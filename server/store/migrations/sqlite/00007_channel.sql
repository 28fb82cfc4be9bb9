-- +goose Up

-- What is kept of a store whose plugin speaks with us, and the ids of signed calls that were taken already.

CREATE TABLE store_channels (
  store_id            TEXT    NOT NULL REFERENCES stores (store_id),
  program_id          TEXT    NOT NULL,
  sealed_identity_key BLOB    NOT NULL, -- keys the hashes of buyers' e-mail; the same for ever
  link_role           TEXT    NOT NULL CHECK (link_role IN ('', 'admin', 'finance', 'support', 'viewer')), -- '': links are off
  claimed_at          INTEGER NOT NULL,
  heartbeat_at        INTEGER NOT NULL DEFAULT 0, -- 0: never
  heartbeat_json      TEXT    NOT NULL DEFAULT '',
  CONSTRAINT store_channels_pkey PRIMARY KEY (store_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX store_channels_by_program ON store_channels (program_id, store_id);

CREATE TABLE channel_nonces (
  program_id TEXT    NOT NULL,
  store_id   TEXT    NOT NULL,
  nonce      TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  CONSTRAINT channel_nonces_pkey PRIMARY KEY (store_id, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_nonces_by_expiry ON channel_nonces (expires_at);
