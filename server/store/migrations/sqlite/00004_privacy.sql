-- +goose Up

-- What the company says of customers of its stores, dated and versioned as the tree. What orders bind by themselves is in
-- customer_bindings.
CREATE TABLE stated_bindings (
  program_id     TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  store_id       TEXT    NOT NULL,
  customer_id    TEXT    NOT NULL,
  kind           TEXT    NOT NULL CHECK (kind IN ('self', 'sponsor')),
  distributor_id TEXT    NOT NULL, -- '' ends what was said before
  valid_from     INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL,
  CONSTRAINT stated_bindings_pkey PRIMARY KEY (program_id, store_id, customer_id, version, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX stated_bindings_by_distributor ON stated_bindings (program_id, distributor_id);

-- What persons, shops and authorities ask for. Names, e-mail and the like are in sealed_detail alone, until it is done.
CREATE TABLE privacy_requests (
  program_id    TEXT    NOT NULL REFERENCES programs (program_id),
  request_id    TEXT    NOT NULL,
  store_id      TEXT    NOT NULL,
  kind          TEXT    NOT NULL CHECK (kind IN ('customer_export', 'customer_erase', 'store_erase', 'distributor_erase')),
  subject       TEXT    NOT NULL, -- customer id or distributor id; '' for a whole store
  request_key   TEXT    NOT NULL, -- the same request asked twice is one
  sealed_detail BLOB,
  status        TEXT    NOT NULL CHECK (status IN ('open', 'done')),
  actor         TEXT    NOT NULL,
  received_at   INTEGER NOT NULL,
  begins_at     INTEGER NOT NULL, -- not tried before
  due_at        INTEGER NOT NULL, -- the legal deadline
  attempt       INTEGER NOT NULL,
  note          TEXT    NOT NULL, -- what came of it, or why it is tried again
  counts_json   TEXT    NOT NULL, -- what was exported or erased
  finished_at   INTEGER NOT NULL, -- 0: not yet
  CONSTRAINT privacy_requests_pkey PRIMARY KEY (program_id, request_id),
  CONSTRAINT privacy_requests_once UNIQUE (program_id, store_id, kind, subject, request_key)
) STRICT;
CREATE INDEX privacy_requests_open ON privacy_requests (program_id, begins_at) WHERE status = 'open';

CREATE TABLE privacy_exports (
  program_id     TEXT    NOT NULL,
  request_id     TEXT    NOT NULL,
  format         TEXT    NOT NULL CHECK (format IN ('json', 'csv')),
  store_id       TEXT    NOT NULL,
  subject        TEXT    NOT NULL,
  sealed_content BLOB    NOT NULL,
  made_at        INTEGER NOT NULL,
  CONSTRAINT privacy_exports_pkey PRIMARY KEY (program_id, request_id, format)
) STRICT;
CREATE INDEX privacy_exports_by_subject ON privacy_exports (program_id, store_id, subject);

-- What a storefront tells of a checkout: a hint at whose sale it is, which may come before or after the order. The
-- checkout is a hash, since its token opens a page with the buyer's address.
CREATE TABLE reference_hints (
  program_id  TEXT    NOT NULL,
  store_id    TEXT    NOT NULL,
  checkout    TEXT    NOT NULL,
  reference   TEXT    NOT NULL,
  received_at INTEGER NOT NULL,
  CONSTRAINT reference_hints_pkey PRIMARY KEY (program_id, store_id, checkout)
) STRICT, WITHOUT ROWID;
CREATE INDEX reference_hints_by_time ON reference_hints (program_id, received_at);
