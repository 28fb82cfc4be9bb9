-- +goose Up

-- Times are microseconds since 1970 UTC, money is minor units, flags are 0 or 1, hashes are 32 raw bytes.
-- Text that is absent is '', so that a comparison never meets NULL; bytes that are absent are NULL.

CREATE TABLE programs (
  program_id      text COLLATE "C" NOT NULL CHECK (program_id <> ''),
  name            text COLLATE "C" NOT NULL,
  currency        text COLLATE "C" NOT NULL,
  time_zone       text COLLATE "C" NOT NULL,
  created_at      bigint NOT NULL,
  tree_version    bigint NOT NULL DEFAULT 0,
  catalog_version bigint NOT NULL DEFAULT 0,
  plans_version   bigint NOT NULL DEFAULT 0,
  CONSTRAINT programs_pkey PRIMARY KEY (program_id)
);

CREATE TABLE stores (
  store_id           text COLLATE "C" NOT NULL CHECK (store_id <> ''),
  program_id         text COLLATE "C" NOT NULL REFERENCES programs (program_id),
  platform           text COLLATE "C" NOT NULL,
  domain             text COLLATE "C" NOT NULL,
  name               text COLLATE "C" NOT NULL,
  currency           text COLLATE "C" NOT NULL,
  go_live_at         bigint NOT NULL,
  accept_test_orders bigint NOT NULL CHECK (accept_test_orders IN (0, 1)),
  sealed_secret      bytea,
  sealed_old_secret  bytea,
  created_at         bigint NOT NULL,
  last_delivery_at   bigint NOT NULL DEFAULT 0, -- to the minute
  CONSTRAINT stores_pkey PRIMARY KEY (store_id),
  CONSTRAINT stores_platform_domain UNIQUE (platform, domain)
);
CREATE INDEX stores_by_program ON stores (program_id, store_id);

CREATE TABLE api_keys (
  key_id     text COLLATE "C" NOT NULL,
  program_id text COLLATE "C" NOT NULL REFERENCES programs (program_id),
  store_id   text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  hash       bytea NOT NULL CHECK (length(hash) = 32),
  created_at bigint NOT NULL,
  revoked_at bigint NOT NULL DEFAULT 0,
  CONSTRAINT api_keys_pkey PRIMARY KEY (key_id),
  CONSTRAINT api_keys_hash UNIQUE (hash)
);

-- People. distributors holds how they are now; links, standings and codes hold since when, and since which version.

CREATE TABLE distributors (
  program_id     text COLLATE "C" NOT NULL REFERENCES programs (program_id),
  distributor_id text COLLATE "C" NOT NULL CHECK (distributor_id <> ''),
  sponsor_id     text COLLATE "C" NOT NULL,
  status         text COLLATE "C" NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'terminated')),
  rank           text COLLATE "C" NOT NULL,
  country        text COLLATE "C" NOT NULL,
  tax_id         bytea,
  created_at     bigint NOT NULL,
  CONSTRAINT distributors_pkey PRIMARY KEY (program_id, distributor_id)
);

CREATE TABLE distributor_profiles (
  program_id     text COLLATE "C" NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  sealed_profile bytea NOT NULL,
  CONSTRAINT distributor_profiles_pkey PRIMARY KEY (program_id, distributor_id)
);

CREATE TABLE genealogy_links (
  program_id     text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  sponsor_id     text COLLATE "C" NOT NULL,
  valid_from     bigint NOT NULL,
  recorded_at    bigint NOT NULL,
  CONSTRAINT genealogy_links_pkey PRIMARY KEY (program_id, version, distributor_id, valid_from)
);

CREATE TABLE standings (
  program_id     text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  status         text COLLATE "C" NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'terminated')),
  rank           text COLLATE "C" NOT NULL,
  valid_from     bigint NOT NULL,
  recorded_at    bigint NOT NULL,
  CONSTRAINT standings_pkey PRIMARY KEY (program_id, version, distributor_id, valid_from)
);

CREATE TABLE distributor_codes (
  program_id     text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  code_key       text COLLATE "C" NOT NULL, -- the code in lower case
  code           text COLLATE "C" NOT NULL, -- as the program writes it
  distributor_id text COLLATE "C" NOT NULL, -- '' ends the code
  valid_from     bigint NOT NULL,
  recorded_at    bigint NOT NULL,
  CONSTRAINT distributor_codes_pkey PRIMARY KEY (program_id, version, code_key, valid_from)
);
CREATE INDEX distributor_codes_by_code ON distributor_codes (program_id, code_key, version);
CREATE INDEX distributor_codes_by_distributor ON distributor_codes (program_id, distributor_id);

CREATE TABLE sku_mapping (
  program_id       text COLLATE "C" NOT NULL REFERENCES programs (program_id),
  version          bigint NOT NULL,
  platform         text COLLATE "C" NOT NULL,
  platform_sku     text COLLATE "C" NOT NULL,
  country          text COLLATE "C" NOT NULL,
  valid_from       bigint NOT NULL,
  sku_id           text COLLATE "C" NOT NULL,
  name             text COLLATE "C" NOT NULL,
  category         text COLLATE "C" NOT NULL,
  commission_class text COLLATE "C" NOT NULL,
  cv_per_unit      bigint NOT NULL, -- millionths of a point
  cv_of_net        bigint NOT NULL, -- billionths
  qv_per_unit      bigint NOT NULL,
  qv_of_net        bigint NOT NULL,
  recorded_at      bigint NOT NULL,
  CONSTRAINT sku_mapping_pkey PRIMARY KEY (program_id, version, platform, platform_sku, country, valid_from)
);
CREATE INDEX sku_mapping_by_sku ON sku_mapping (program_id, platform, platform_sku);

CREATE TABLE plan_versions (
  program_id     text COLLATE "C" NOT NULL REFERENCES programs (program_id),
  plan_hash      text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  effective_from bigint NOT NULL,
  canonical_json text NOT NULL,
  published_at   bigint NOT NULL,
  CONSTRAINT plan_versions_pkey PRIMARY KEY (program_id, plan_hash)
);

-- Deliveries. inbox is what arrived and does not change until its body is dropped; inbox_state is where it stands.

CREATE TABLE inbox (
  program_id           text COLLATE "C" NOT NULL,
  delivery_id          text COLLATE "C" NOT NULL,
  store_id             text COLLATE "C" NOT NULL,
  platform_delivery_id text COLLATE "C" NOT NULL,
  platform             text COLLATE "C" NOT NULL,
  topic                text COLLATE "C" NOT NULL,
  headers_json         text NOT NULL,
  sealed_body          bytea,
  body_sha256          bytea NOT NULL CHECK (length(body_sha256) = 32),
  body_bytes           bigint NOT NULL,
  received_at          bigint NOT NULL,
  CONSTRAINT inbox_pkey PRIMARY KEY (program_id, delivery_id),
  CONSTRAINT inbox_delivery_once UNIQUE (store_id, platform_delivery_id)
);
CREATE INDEX inbox_with_body ON inbox (received_at) WHERE sealed_body IS NOT NULL;

CREATE TABLE inbox_state (
  delivery_id text COLLATE "C" NOT NULL,
  program_id  text COLLATE "C" NOT NULL,
  status      text COLLATE "C" NOT NULL CHECK (status IN ('waiting', 'done', 'parked')),
  result      text COLLATE "C" NOT NULL,
  reason      text NOT NULL,
  source      text COLLATE "C" NOT NULL, -- the order it spoke of, once known
  attempt     bigint NOT NULL,
  received_at bigint NOT NULL,
  due_at      bigint NOT NULL,
  lease_until bigint NOT NULL, -- 0: not leased
  settled_at  bigint NOT NULL, -- 0: not yet
  CONSTRAINT inbox_state_pkey PRIMARY KEY (delivery_id)
);
CREATE INDEX inbox_state_waiting ON inbox_state (received_at, delivery_id) WHERE status = 'waiting';
CREATE INDEX inbox_state_parked ON inbox_state (program_id, delivery_id) WHERE status = 'parked';
CREATE INDEX inbox_state_by_source ON inbox_state (program_id, source, delivery_id) WHERE source <> '';

-- Orders.

CREATE TABLE order_revisions (
  program_id    text COLLATE "C" NOT NULL,
  source        text COLLATE "C" NOT NULL,
  hash          bytea NOT NULL CHECK (length(hash) = 32),
  delivery_id   text COLLATE "C" NOT NULL,
  revision_json text NOT NULL,
  recorded_at   bigint NOT NULL,
  CONSTRAINT order_revisions_pkey PRIMARY KEY (program_id, source, hash)
);

CREATE TABLE orders (
  program_id        text COLLATE "C" NOT NULL,
  source            text COLLATE "C" NOT NULL, -- "store_id/platform_order_id"
  store_id          text COLLATE "C" NOT NULL,
  platform          text COLLATE "C" NOT NULL,
  platform_order_id text COLLATE "C" NOT NULL,
  name              text COLLATE "C" NOT NULL,
  order_ts          bigint NOT NULL,
  status            text COLLATE "C" NOT NULL,
  settlement        text COLLATE "C" NOT NULL CHECK (settlement IN ('settled', 'parked')),
  reason_code       text COLLATE "C" NOT NULL,
  reason            text NOT NULL,
  waiting_minor     bigint NOT NULL,
  waiting_currency  text COLLATE "C" NOT NULL,
  currency          text COLLATE "C" NOT NULL,
  net_minor         bigint NOT NULL,
  earned_minor      bigint NOT NULL,
  distributor_id    text COLLATE "C" NOT NULL,
  buyer_id          text COLLATE "C" NOT NULL,
  attribution_json  text NOT NULL,
  lines_json        text NOT NULL, -- {line_id: platform_sku}
  pins_json         text NOT NULL, -- '' until the first settlement
  state_json        text NOT NULL,
  revision          bigint NOT NULL, -- settlements that posted
  row_version       bigint NOT NULL, -- writes of this row; a writer that missed one is refused
  received_at       bigint NOT NULL,
  settled_at        bigint NOT NULL,
  CONSTRAINT orders_pkey PRIMARY KEY (program_id, source)
);
CREATE INDEX orders_by_time ON orders (program_id, order_ts, source);
CREATE INDEX orders_by_name ON orders (program_id, name);
CREATE INDEX orders_by_distributor ON orders (program_id, distributor_id, order_ts, source) WHERE distributor_id <> '';
CREATE INDEX orders_parked ON orders (program_id, order_ts, source) WHERE settlement = 'parked';

CREATE TABLE park_causes (
  program_id text COLLATE "C" NOT NULL,
  cause_key  text COLLATE "C" NOT NULL,
  source     text COLLATE "C" NOT NULL,
  CONSTRAINT park_causes_pkey PRIMARY KEY (program_id, cause_key, source)
);
CREATE INDEX park_causes_by_source ON park_causes (program_id, source);

CREATE TABLE released_sources (
  program_id        text COLLATE "C" NOT NULL,
  source            text COLLATE "C" NOT NULL,
  store_id          text COLLATE "C" NOT NULL,
  platform_order_id text COLLATE "C" NOT NULL,
  released_at       bigint NOT NULL,
  CONSTRAINT released_sources_pkey PRIMARY KEY (program_id, source)
);
CREATE INDEX released_sources_by_time ON released_sources (released_at, program_id, source);

CREATE TABLE customer_bindings (
  program_id     text COLLATE "C" NOT NULL,
  store_id       text COLLATE "C" NOT NULL,
  customer_id    text COLLATE "C" NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  bound_at       bigint NOT NULL,
  source         text COLLATE "C" NOT NULL,
  recorded_at    bigint NOT NULL,
  CONSTRAINT customer_bindings_pkey PRIMARY KEY (program_id, store_id, customer_id)
);

-- The ledger. A settlement is what one calculation posted: it says once what all its postings have in common.

CREATE TABLE settlements (
  program_id         text COLLATE "C" NOT NULL,
  source             text COLLATE "C" NOT NULL,
  revision           bigint NOT NULL CHECK (revision >= 1),
  batch_sequence     bigint NOT NULL,
  first_position     bigint NOT NULL, -- of its postings in the batch; they stand together
  posting_count      bigint NOT NULL CHECK (posting_count >= 1),
  snapshot_id        bytea, -- SHA-256 of calc_snapshot_json
  calc_snapshot_json text NOT NULL, -- '' where nothing was calculated
  order_ts           bigint NOT NULL,
  posted_at          bigint NOT NULL,
  CONSTRAINT settlements_pkey PRIMARY KEY (program_id, source, revision),
  CONSTRAINT settlements_place UNIQUE (program_id, batch_sequence, first_position)
);

CREATE TABLE postings (
  program_id     text COLLATE "C" NOT NULL,
  batch_sequence bigint NOT NULL,
  position       bigint NOT NULL, -- in the batch, from 0
  first_position bigint NOT NULL, -- of its settlement
  event_id       bytea NOT NULL CHECK (length(event_id) = 32),
  line_id        text COLLATE "C" NOT NULL,
  component_id   text COLLATE "C" NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  kind           text COLLATE "C" NOT NULL
    CONSTRAINT postings_kind CHECK (kind = 'earning' OR kind = 'breakage' OR kind = 'maturing' OR kind = 'payout' OR kind = 'adjustment'),
  currency       text COLLATE "C" NOT NULL,
  amount_minor   bigint NOT NULL CONSTRAINT postings_amount CHECK (amount_minor <> 0),
  from_account   text COLLATE "C" NOT NULL,
  to_account     text COLLATE "C" NOT NULL,
  CONSTRAINT postings_accounts CHECK (from_account <> to_account),
  CONSTRAINT postings_pkey PRIMARY KEY (program_id, batch_sequence, position),
  CONSTRAINT postings_event_once UNIQUE (event_id)
);
CREATE INDEX postings_by_distributor ON postings (program_id, distributor_id, batch_sequence, position);

CREATE TABLE seals (
  program_id      text COLLATE "C" NOT NULL,
  sequence        bigint NOT NULL,
  leaf_count      bigint NOT NULL CHECK (leaf_count >= 1),
  leaves          bytea NOT NULL CHECK (length(leaves) = 32 * leaf_count),
  root            bytea NOT NULL,
  previous        bytea NOT NULL,
  hash            bytea NOT NULL,
  sealed_at       bigint NOT NULL,
  outbox_sequence bigint NOT NULL, -- the last outbox row of this batch
  CONSTRAINT seals_pkey PRIMARY KEY (program_id, sequence)
);

CREATE VIEW ledger AS
SELECT encode(p.event_id, 'hex') AS event_id, s.source AS order_id, p.distributor_id AS distributor_id,
       p.amount_minor AS amount, s.calc_snapshot_json AS calc_snapshot_json,
       p.program_id AS program_id, p.currency AS currency, p.kind AS kind, p.line_id AS line_id,
       p.component_id AS component_id, s.revision AS revision, p.from_account AS from_account,
       p.to_account AS to_account, encode(s.snapshot_id, 'hex') AS snapshot_id, s.order_ts AS order_ts,
       s.posted_at AS posted_at, p.batch_sequence AS batch_sequence, p.position AS position
FROM postings p
LEFT JOIN settlements s ON s.program_id = p.program_id AND s.batch_sequence = p.batch_sequence
  AND s.first_position = p.first_position;

CREATE TABLE outbox (
  program_id text COLLATE "C" NOT NULL,
  sequence   bigint NOT NULL, -- per program, in the order of commits, without gaps
  topic      text COLLATE "C" NOT NULL,
  key        text COLLATE "C" NOT NULL,
  payload    text NOT NULL,
  created_at bigint NOT NULL,
  CONSTRAINT outbox_pkey PRIMARY KEY (program_id, sequence)
);

CREATE TABLE audit_log (
  program_id text COLLATE "C" NOT NULL,
  audit_id   text COLLATE "C" NOT NULL,
  at         bigint NOT NULL,
  actor      text COLLATE "C" NOT NULL,
  action     text COLLATE "C" NOT NULL,
  subject    text COLLATE "C" NOT NULL,
  detail     text NOT NULL,
  CONSTRAINT audit_log_pkey PRIMARY KEY (program_id, audit_id)
);

-- Append-only. A row trigger on UPDATE and DELETE also stops ON CONFLICT DO UPDATE; TRUNCATE needs a trigger of its own,
-- and ENABLE ALWAYS keeps both firing under session_replication_role = replica.

-- +goose StatementBegin
CREATE FUNCTION upline_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% only grow: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['postings', 'settlements', 'seals', 'order_revisions', 'audit_log'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION upline_only_grows()',
                   t || '_no_change', t);
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION upline_only_grows()',
                   t || '_no_truncate', t);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', t, t || '_no_change');
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', t, t || '_no_truncate');
  END LOOP;
END $$;
-- +goose StatementEnd

-- Row-level security. A transaction of one program sets upline.program for itself alone (set_config(..., true)).
-- Tables of one program's facts show nothing without it. Tables that are read before the program is known (a webhook
-- finds its store, a key its owner, the sweep its deliveries) show all rows to a transaction without a program and
-- only that program's rows to one with it. The sub-select is evaluated once per statement, not once per row.

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['distributors', 'distributor_profiles', 'genealogy_links', 'standings', 'distributor_codes',
      'sku_mapping', 'plan_versions', 'order_revisions', 'orders', 'park_causes', 'customer_bindings', 'settlements',
      'postings', 'seals', 'outbox', 'audit_log'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (program_id = (SELECT current_setting(%L, true)))',
                   t || '_of_program', t, 'upline.program');
  END LOOP;
  FOREACH t IN ARRAY ARRAY['programs', 'stores', 'api_keys', 'inbox', 'inbox_state', 'released_sources'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %1$I ON %2$I USING ((SELECT coalesce(current_setting(%3$L, true), %4$L)) = %4$L'
                   ' OR program_id = (SELECT current_setting(%3$L, true)))', t || '_of_program', t, 'upline.program', '');
  END LOOP;
END $$;
-- +goose StatementEnd
ALTER VIEW ledger SET (security_invoker = true);

-- Long JSON: lz4 is several times faster than pglz. A server built without it keeps its default.
-- +goose StatementBegin
DO $$
BEGIN
  ALTER TABLE settlements ALTER COLUMN calc_snapshot_json SET COMPRESSION lz4;
  ALTER TABLE orders ALTER COLUMN state_json SET COMPRESSION lz4;
  ALTER TABLE order_revisions ALTER COLUMN revision_json SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN
  RAISE NOTICE 'this server has no lz4 compression';
END $$;
-- +goose StatementEnd

-- Bodies arrive compressed and sealed, and hashes do not compress: trying to compress them again is wasted, and a row that just passes the usual
-- 2 kB is faster inline than in a TOAST table.
ALTER TABLE inbox ALTER COLUMN sealed_body SET STORAGE EXTERNAL;
ALTER TABLE seals ALTER COLUMN leaves SET STORAGE EXTERNAL;
ALTER TABLE inbox SET (toast_tuple_target = 4080);

-- The serving role may read and add, but not change what only grows, and owns nothing. Where the migrating login may
-- not create roles, an administrator creates upline_app before; without it serving falls back to the login and says so.
-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    CREATE ROLE upline_app NOLOGIN;
  END IF;
EXCEPTION
  WHEN insufficient_privilege THEN RAISE NOTICE 'role upline_app is not created: %', SQLERRM;
  WHEN duplicate_object OR unique_violation THEN NULL; -- another database's migration was first
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    RETURN;
  END IF;
  IF NOT pg_has_role(current_user, 'upline_app', 'MEMBER') THEN
    BEGIN
      EXECUTE format('GRANT upline_app TO %I', current_user);
    EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'role upline_app is not granted: %', SQLERRM;
    END;
  END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO upline_app', current_schema());
  GRANT SELECT ON goose_db_version, ledger TO upline_app;
  GRANT SELECT, INSERT ON postings, settlements, seals, order_revisions, audit_log TO upline_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON programs, stores, api_keys, distributors, distributor_profiles,
    genealogy_links, standings, distributor_codes, sku_mapping, plan_versions, inbox, inbox_state, orders, park_causes,
    released_sources, customer_bindings, outbox TO upline_app;
END $$;
-- +goose StatementEnd
