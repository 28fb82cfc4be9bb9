-- +goose Up

-- Times are microseconds since 1970 UTC, money is minor units, flags are 0 or 1, hashes are 32 raw bytes.
-- Text that is absent is '', so that a comparison never meets NULL; bytes that are absent are NULL.

CREATE TABLE programs (
  program_id      TEXT    NOT NULL CHECK (program_id <> ''),
  name            TEXT    NOT NULL,
  currency        TEXT    NOT NULL,
  time_zone       TEXT    NOT NULL,
  created_at      INTEGER NOT NULL,
  tree_version    INTEGER NOT NULL DEFAULT 0,
  catalog_version INTEGER NOT NULL DEFAULT 0,
  plans_version   INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT programs_pkey PRIMARY KEY (program_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE stores (
  store_id           TEXT    NOT NULL CHECK (store_id <> ''),
  program_id         TEXT    NOT NULL REFERENCES programs (program_id),
  platform           TEXT    NOT NULL,
  domain             TEXT    NOT NULL,
  name               TEXT    NOT NULL,
  currency           TEXT    NOT NULL,
  go_live_at         INTEGER NOT NULL,
  accept_test_orders INTEGER NOT NULL CHECK (accept_test_orders IN (0, 1)),
  sealed_secret      BLOB,
  sealed_old_secret  BLOB,
  created_at         INTEGER NOT NULL,
  last_delivery_at   INTEGER NOT NULL DEFAULT 0, -- to the minute
  CONSTRAINT stores_pkey PRIMARY KEY (store_id),
  CONSTRAINT stores_platform_domain UNIQUE (platform, domain)
) STRICT, WITHOUT ROWID;
CREATE INDEX stores_by_program ON stores (program_id, store_id);

CREATE TABLE api_keys (
  key_id     TEXT    NOT NULL,
  program_id TEXT    NOT NULL REFERENCES programs (program_id),
  store_id   TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  hash       BLOB    NOT NULL CHECK (length(hash) = 32),
  created_at INTEGER NOT NULL,
  revoked_at INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT api_keys_pkey PRIMARY KEY (key_id),
  CONSTRAINT api_keys_hash UNIQUE (hash)
) STRICT, WITHOUT ROWID;

-- People. distributors holds how they are now; links, standings and codes hold since when, and since which version.

CREATE TABLE distributors (
  program_id     TEXT    NOT NULL REFERENCES programs (program_id),
  distributor_id TEXT    NOT NULL CHECK (distributor_id <> ''),
  sponsor_id     TEXT    NOT NULL,
  status         TEXT    NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'terminated')),
  rank           TEXT    NOT NULL,
  country        TEXT    NOT NULL,
  tax_id         BLOB,
  created_at     INTEGER NOT NULL,
  CONSTRAINT distributors_pkey PRIMARY KEY (program_id, distributor_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE distributor_profiles (
  program_id     TEXT NOT NULL,
  distributor_id TEXT NOT NULL,
  sealed_profile BLOB NOT NULL,
  CONSTRAINT distributor_profiles_pkey PRIMARY KEY (program_id, distributor_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE genealogy_links (
  program_id     TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  distributor_id TEXT    NOT NULL,
  sponsor_id     TEXT    NOT NULL,
  valid_from     INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL,
  CONSTRAINT genealogy_links_pkey PRIMARY KEY (program_id, version, distributor_id, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE standings (
  program_id     TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  distributor_id TEXT    NOT NULL,
  status         TEXT    NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'terminated')),
  rank           TEXT    NOT NULL,
  valid_from     INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL,
  CONSTRAINT standings_pkey PRIMARY KEY (program_id, version, distributor_id, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE distributor_codes (
  program_id     TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  code_key       TEXT    NOT NULL, -- the code in lower case
  code           TEXT    NOT NULL, -- as the program writes it
  distributor_id TEXT    NOT NULL, -- '' ends the code
  valid_from     INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL,
  CONSTRAINT distributor_codes_pkey PRIMARY KEY (program_id, version, code_key, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX distributor_codes_by_code ON distributor_codes (program_id, code_key, version);
CREATE INDEX distributor_codes_by_distributor ON distributor_codes (program_id, distributor_id);

CREATE TABLE sku_mapping (
  program_id       TEXT    NOT NULL REFERENCES programs (program_id),
  version          INTEGER NOT NULL,
  platform         TEXT    NOT NULL,
  platform_sku     TEXT    NOT NULL,
  country          TEXT    NOT NULL,
  valid_from       INTEGER NOT NULL,
  sku_id           TEXT    NOT NULL,
  name             TEXT    NOT NULL,
  category         TEXT    NOT NULL,
  commission_class TEXT    NOT NULL,
  cv_per_unit      INTEGER NOT NULL, -- millionths of a point
  cv_of_net        INTEGER NOT NULL, -- billionths
  qv_per_unit      INTEGER NOT NULL,
  qv_of_net        INTEGER NOT NULL,
  recorded_at      INTEGER NOT NULL,
  CONSTRAINT sku_mapping_pkey PRIMARY KEY (program_id, version, platform, platform_sku, country, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX sku_mapping_by_sku ON sku_mapping (program_id, platform, platform_sku);

CREATE TABLE plan_versions (
  program_id     TEXT    NOT NULL REFERENCES programs (program_id),
  plan_hash      TEXT    NOT NULL,
  version        INTEGER NOT NULL,
  effective_from INTEGER NOT NULL,
  canonical_json TEXT    NOT NULL,
  published_at   INTEGER NOT NULL,
  CONSTRAINT plan_versions_pkey PRIMARY KEY (program_id, plan_hash)
) STRICT;

-- Deliveries. inbox is what arrived and does not change until its body is dropped; inbox_state is where it stands.

CREATE TABLE inbox (
  program_id           TEXT    NOT NULL,
  delivery_id          TEXT    NOT NULL,
  store_id             TEXT    NOT NULL,
  platform_delivery_id TEXT    NOT NULL,
  platform             TEXT    NOT NULL,
  topic                TEXT    NOT NULL,
  headers_json         TEXT    NOT NULL,
  sealed_body          BLOB,
  body_sha256          BLOB    NOT NULL,
  body_bytes           INTEGER NOT NULL,
  received_at          INTEGER NOT NULL,
  CONSTRAINT inbox_pkey PRIMARY KEY (program_id, delivery_id),
  CONSTRAINT inbox_delivery_once UNIQUE (store_id, platform_delivery_id)
) STRICT;
CREATE INDEX inbox_with_body ON inbox (received_at) WHERE sealed_body IS NOT NULL;

CREATE TABLE inbox_state (
  delivery_id TEXT    NOT NULL,
  program_id  TEXT    NOT NULL,
  status      TEXT    NOT NULL CHECK (status IN ('waiting', 'done', 'parked')),
  result      TEXT    NOT NULL,
  reason      TEXT    NOT NULL,
  source      TEXT    NOT NULL, -- the order it spoke of, once known
  attempt     INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  due_at      INTEGER NOT NULL,
  lease_until INTEGER NOT NULL, -- 0: not leased
  settled_at  INTEGER NOT NULL, -- 0: not yet
  CONSTRAINT inbox_state_pkey PRIMARY KEY (delivery_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_state_waiting ON inbox_state (received_at, delivery_id) WHERE status = 'waiting';
CREATE INDEX inbox_state_parked ON inbox_state (program_id, delivery_id) WHERE status = 'parked';
CREATE INDEX inbox_state_by_source ON inbox_state (program_id, source, delivery_id) WHERE source <> '';

-- Orders.

CREATE TABLE order_revisions (
  program_id    TEXT    NOT NULL,
  source        TEXT    NOT NULL,
  hash          BLOB    NOT NULL,
  delivery_id   TEXT    NOT NULL,
  revision_json TEXT    NOT NULL,
  recorded_at   INTEGER NOT NULL,
  CONSTRAINT order_revisions_pkey PRIMARY KEY (program_id, source, hash)
) STRICT;

CREATE TABLE orders (
  program_id        TEXT    NOT NULL,
  source            TEXT    NOT NULL, -- "store_id/platform_order_id"
  store_id          TEXT    NOT NULL,
  platform          TEXT    NOT NULL,
  platform_order_id TEXT    NOT NULL,
  name              TEXT    NOT NULL,
  order_ts          INTEGER NOT NULL,
  status            TEXT    NOT NULL,
  settlement        TEXT    NOT NULL CHECK (settlement IN ('settled', 'parked')),
  reason_code       TEXT    NOT NULL,
  reason            TEXT    NOT NULL,
  waiting_minor     INTEGER NOT NULL,
  waiting_currency  TEXT    NOT NULL,
  currency          TEXT    NOT NULL,
  net_minor         INTEGER NOT NULL,
  earned_minor      INTEGER NOT NULL,
  distributor_id    TEXT    NOT NULL,
  buyer_id          TEXT    NOT NULL,
  attribution_json  TEXT    NOT NULL,
  lines_json        TEXT    NOT NULL, -- {line_id: platform_sku}
  pins_json         TEXT    NOT NULL, -- '' until the first settlement
  state_json        TEXT    NOT NULL,
  revision          INTEGER NOT NULL, -- settlements that posted
  row_version       INTEGER NOT NULL, -- writes of this row; a writer that missed one is refused
  received_at       INTEGER NOT NULL,
  settled_at        INTEGER NOT NULL,
  CONSTRAINT orders_pkey PRIMARY KEY (program_id, source)
) STRICT;
CREATE INDEX orders_by_time ON orders (program_id, order_ts, source);
CREATE INDEX orders_by_name ON orders (program_id, name);
CREATE INDEX orders_by_distributor ON orders (program_id, distributor_id, order_ts, source) WHERE distributor_id <> '';
CREATE INDEX orders_parked ON orders (program_id, order_ts, source) WHERE settlement = 'parked';

CREATE TABLE park_causes (
  program_id TEXT NOT NULL,
  cause_key  TEXT NOT NULL,
  source     TEXT NOT NULL,
  CONSTRAINT park_causes_pkey PRIMARY KEY (program_id, cause_key, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX park_causes_by_source ON park_causes (program_id, source);

CREATE TABLE released_sources (
  program_id        TEXT    NOT NULL,
  source            TEXT    NOT NULL,
  store_id          TEXT    NOT NULL,
  platform_order_id TEXT    NOT NULL,
  released_at       INTEGER NOT NULL,
  CONSTRAINT released_sources_pkey PRIMARY KEY (program_id, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX released_sources_by_time ON released_sources (released_at, program_id, source);

CREATE TABLE customer_bindings (
  program_id     TEXT    NOT NULL,
  store_id       TEXT    NOT NULL,
  customer_id    TEXT    NOT NULL,
  distributor_id TEXT    NOT NULL,
  bound_at       INTEGER NOT NULL,
  source         TEXT    NOT NULL,
  recorded_at    INTEGER NOT NULL,
  CONSTRAINT customer_bindings_pkey PRIMARY KEY (program_id, store_id, customer_id)
) STRICT, WITHOUT ROWID;

-- The ledger. A settlement is what one calculation posted: it says once what all its postings have in common.

CREATE TABLE settlements (
  program_id         TEXT    NOT NULL,
  source             TEXT    NOT NULL,
  revision           INTEGER NOT NULL CHECK (revision >= 1),
  batch_sequence     INTEGER NOT NULL,
  first_position     INTEGER NOT NULL, -- of its postings in the batch; they stand together
  posting_count      INTEGER NOT NULL CHECK (posting_count >= 1),
  snapshot_id        BLOB, -- SHA-256 of calc_snapshot_json
  calc_snapshot_json TEXT    NOT NULL, -- '' where nothing was calculated
  order_ts           INTEGER NOT NULL,
  posted_at          INTEGER NOT NULL,
  CONSTRAINT settlements_pkey PRIMARY KEY (program_id, source, revision),
  CONSTRAINT settlements_place UNIQUE (program_id, batch_sequence, first_position)
) STRICT;

CREATE TABLE postings (
  program_id     TEXT    NOT NULL,
  batch_sequence INTEGER NOT NULL,
  position       INTEGER NOT NULL, -- in the batch, from 0
  first_position INTEGER NOT NULL, -- of its settlement
  event_id       BLOB    NOT NULL, -- SHA-256 of program, key and revision; unique as these are, see postings_event_once
  line_id        TEXT    NOT NULL,
  component_id   TEXT    NOT NULL,
  distributor_id TEXT    NOT NULL,
  kind           TEXT    NOT NULL
    CONSTRAINT postings_kind CHECK (kind = 'earning' OR kind = 'breakage' OR kind = 'maturing' OR kind = 'payout' OR kind = 'adjustment'),
  currency       TEXT    NOT NULL,
  amount_minor   INTEGER NOT NULL CONSTRAINT postings_amount CHECK (amount_minor <> 0),
  from_account   TEXT    NOT NULL,
  to_account     TEXT    NOT NULL,
  CONSTRAINT postings_accounts CHECK (from_account <> to_account),
  CONSTRAINT postings_pkey PRIMARY KEY (program_id, batch_sequence, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX postings_by_distributor ON postings (program_id, distributor_id, batch_sequence, position);

CREATE TABLE seals (
  program_id      TEXT    NOT NULL,
  sequence        INTEGER NOT NULL,
  leaf_count      INTEGER NOT NULL CHECK (leaf_count >= 1),
  leaves          BLOB    NOT NULL CHECK (length(leaves) = 32 * leaf_count),
  root            BLOB    NOT NULL,
  previous        BLOB    NOT NULL,
  hash            BLOB    NOT NULL,
  sealed_at       INTEGER NOT NULL,
  outbox_sequence INTEGER NOT NULL, -- the last outbox row of this batch
  CONSTRAINT seals_pkey PRIMARY KEY (program_id, sequence)
) STRICT;

CREATE VIEW ledger AS
SELECT lower(hex(p.event_id)) AS event_id, s.source AS order_id, p.distributor_id AS distributor_id,
       p.amount_minor AS amount, s.calc_snapshot_json AS calc_snapshot_json,
       p.program_id AS program_id, p.currency AS currency, p.kind AS kind, p.line_id AS line_id,
       p.component_id AS component_id, s.revision AS revision, p.from_account AS from_account,
       p.to_account AS to_account, lower(hex(s.snapshot_id)) AS snapshot_id, s.order_ts AS order_ts,
       s.posted_at AS posted_at, p.batch_sequence AS batch_sequence, p.position AS position
FROM postings p
LEFT JOIN settlements s ON s.program_id = p.program_id AND s.batch_sequence = p.batch_sequence
  AND s.first_position = p.first_position;

CREATE TABLE outbox (
  program_id TEXT    NOT NULL,
  sequence   INTEGER NOT NULL, -- per program, in the order of commits, without gaps
  topic      TEXT    NOT NULL,
  key        TEXT    NOT NULL,
  payload    TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  CONSTRAINT outbox_pkey PRIMARY KEY (program_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
  program_id TEXT    NOT NULL,
  audit_id   TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  actor      TEXT    NOT NULL,
  action     TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  detail     TEXT    NOT NULL,
  CONSTRAINT audit_log_pkey PRIMARY KEY (program_id, audit_id)
) STRICT;

-- Append-only. The UPDATE and DELETE triggers do not see INSERT OR REPLACE unless a connection has
-- recursive_triggers on, so inserts of an existing key are stopped before they can replace anything. They fail instead
-- of aborting (as no function may stand in a check of these tables): a statement that may abort makes SQLite keep a
-- copy of every page it touches.

-- A fact is posted once: a posting begins a settlement, of which there is one for every order and revision, or follows
-- the one before it in the order of its key, so that no key comes twice. event_id is a hash of just these, and an index
-- over random hashes would cost more than all other indexes of the ledger together.

-- +goose StatementBegin
CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings
BEGIN SELECT RAISE(ABORT, 'postings only grow: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'postings only grow: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_event_once BEFORE INSERT ON postings
WHEN EXISTS (SELECT 1 FROM postings WHERE program_id = NEW.program_id
             AND batch_sequence = NEW.batch_sequence AND position = NEW.position)
  OR CASE WHEN NEW.position = NEW.first_position
    THEN NOT EXISTS (SELECT 1 FROM settlements WHERE program_id = NEW.program_id
                     AND batch_sequence = NEW.batch_sequence AND first_position = NEW.first_position)
    ELSE NOT EXISTS (SELECT 1 FROM postings p WHERE p.program_id = NEW.program_id
                     AND p.batch_sequence = NEW.batch_sequence AND p.position = NEW.position - 1
                     AND p.first_position = NEW.first_position
                     AND (p.line_id, p.component_id, p.distributor_id, p.kind, p.currency)
                       < (NEW.line_id, NEW.component_id, NEW.distributor_id, NEW.kind, NEW.currency))
    END
BEGIN SELECT RAISE(FAIL, 'postings_event_once: this posting is there already, or does not follow in its settlement'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER settlements_no_update BEFORE UPDATE ON settlements
BEGIN SELECT RAISE(ABORT, 'settlements only grow: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER settlements_no_delete BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'settlements only grow: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER settlements_no_replace BEFORE INSERT ON settlements
WHEN EXISTS (SELECT 1 FROM settlements WHERE rowid = NEW.rowid)
  OR EXISTS (SELECT 1 FROM settlements WHERE program_id = NEW.program_id
             AND source = NEW.source AND revision = NEW.revision)
  OR EXISTS (SELECT 1 FROM settlements WHERE program_id = NEW.program_id
             AND batch_sequence = NEW.batch_sequence AND first_position = NEW.first_position)
BEGIN SELECT RAISE(FAIL, 'settlements_pkey: this settlement is there already'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER seals_no_update BEFORE UPDATE ON seals
BEGIN SELECT RAISE(ABORT, 'seals only grow: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER seals_no_delete BEFORE DELETE ON seals
BEGIN SELECT RAISE(ABORT, 'seals only grow: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER seals_no_replace BEFORE INSERT ON seals
WHEN EXISTS (SELECT 1 FROM seals WHERE rowid = NEW.rowid)
  OR EXISTS (SELECT 1 FROM seals WHERE program_id = NEW.program_id AND sequence = NEW.sequence)
BEGIN SELECT RAISE(FAIL, 'seals_pkey: this seal is there already'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER order_revisions_no_update BEFORE UPDATE ON order_revisions
BEGIN SELECT RAISE(ABORT, 'order_revisions only grow: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER order_revisions_no_delete BEFORE DELETE ON order_revisions
BEGIN SELECT RAISE(ABORT, 'order_revisions only grow: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER order_revisions_no_replace BEFORE INSERT ON order_revisions
WHEN EXISTS (SELECT 1 FROM order_revisions WHERE rowid = NEW.rowid)
  OR EXISTS (SELECT 1 FROM order_revisions WHERE program_id = NEW.program_id
             AND source = NEW.source AND hash = NEW.hash)
BEGIN SELECT RAISE(IGNORE); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log only grows: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log only grows: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE rowid = NEW.rowid)
  OR EXISTS (SELECT 1 FROM audit_log WHERE program_id = NEW.program_id AND audit_id = NEW.audit_id)
BEGIN SELECT RAISE(ABORT, 'audit_log_pkey: this entry is there already'); END;
-- +goose StatementEnd
