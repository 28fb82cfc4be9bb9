-- +goose Up

-- People, beside their sponsor links and standings: facts that only periods need, dated on the same two axes. Versions
-- are those of the tree.

CREATE TABLE enroller_links (
  program_id     text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  enroller_id    text COLLATE "C" NOT NULL, -- '' : the sponsor
  valid_from     bigint NOT NULL,
  recorded_at    bigint NOT NULL,
  CONSTRAINT enroller_links_pkey PRIMARY KEY (program_id, version, distributor_id, valid_from)
);

CREATE TABLE placements (
  program_id  text COLLATE "C" NOT NULL,
  version     bigint NOT NULL,
  position_id text COLLATE "C" NOT NULL,
  owner_id    text COLLATE "C" NOT NULL, -- '' : the position is given up
  parent_id   text COLLATE "C" NOT NULL, -- position above; '' at a top
  leg         bigint NOT NULL, -- which child of the parent: 0 is left
  valid_from  bigint NOT NULL,
  recorded_at bigint NOT NULL,
  CONSTRAINT placements_pkey PRIMARY KEY (program_id, version, position_id, valid_from)
);

CREATE TABLE person_facts (
  program_id     text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  enrolled_at    bigint NOT NULL, -- 0: not known
  country        text COLLATE "C" NOT NULL,
  autoship       bigint NOT NULL CHECK (autoship IN (0, 1)),
  valid_from     bigint NOT NULL,
  recorded_at    bigint NOT NULL,
  CONSTRAINT person_facts_pkey PRIMARY KEY (program_id, version, distributor_id, valid_from)
);

CREATE TABLE rank_overrides (
  program_id     text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  override_id    text COLLATE "C" NOT NULL, -- a later version of the same id replaces it
  distributor_id text COLLATE "C" NOT NULL,
  rank           text COLLATE "C" NOT NULL,
  floor          bigint NOT NULL CHECK (floor IN (0, 1)), -- 1: at least this rank; 0: exactly this one
  valid_from     bigint NOT NULL,
  valid_until    bigint NOT NULL, -- half open
  reason         text COLLATE "C" NOT NULL CHECK (reason <> ''),
  actor          text COLLATE "C" NOT NULL,
  recorded_at    bigint NOT NULL,
  CONSTRAINT rank_overrides_pkey PRIMARY KEY (program_id, version, override_id)
);

-- What sold, as signed changes: the sum of a line's rows is what its order's newest revision says. Sequences follow the
-- order of commits, so a cut-off says exactly what was known.

CREATE TABLE sale_heads (
  program_id text COLLATE "C" NOT NULL REFERENCES programs (program_id),
  sequence   bigint NOT NULL,
  CONSTRAINT sale_heads_pkey PRIMARY KEY (program_id)
);

CREATE TABLE sales (
  program_id       text COLLATE "C" NOT NULL,
  sequence         bigint NOT NULL, -- of the settling transaction, per program
  position         bigint NOT NULL,
  source           text COLLATE "C" NOT NULL,
  line_id          text COLLATE "C" NOT NULL,
  seller_id        text COLLATE "C" NOT NULL, -- '' : the company's own sale
  buyer_id         text COLLATE "C" NOT NULL, -- the buying distributor; '' for a customer
  customer_id      text COLLATE "C" NOT NULL, -- "store_id/platform customer id"
  commission_class text COLLATE "C" NOT NULL,
  country          text COLLATE "C" NOT NULL,
  currency         text COLLATE "C" NOT NULL,
  order_ts         bigint NOT NULL,
  quantity         bigint NOT NULL,
  net_minor        bigint NOT NULL,
  cv               bigint NOT NULL, -- millionths of a point
  qv               bigint NOT NULL,
  recorded_at      bigint NOT NULL,
  CONSTRAINT sales_pkey PRIMARY KEY (program_id, sequence, position)
);
CREATE INDEX sales_by_source ON sales (program_id, source);
CREATE INDEX sales_by_time ON sales (program_id, order_ts);

-- Sums of sales by span of time, kept up to a sequence.

CREATE TABLE sale_sums (
  program_id       text COLLATE "C" NOT NULL,
  from_ts          bigint NOT NULL,
  to_ts            bigint NOT NULL,
  seller_id        text COLLATE "C" NOT NULL,
  buyer_id         text COLLATE "C" NOT NULL,
  commission_class text COLLATE "C" NOT NULL,
  country          text COLLATE "C" NOT NULL,
  currency         text COLLATE "C" NOT NULL,
  quantity         bigint NOT NULL,
  net_minor        bigint NOT NULL,
  cv               bigint NOT NULL,
  qv               bigint NOT NULL,
  CONSTRAINT sale_sums_pkey PRIMARY KEY (program_id, from_ts, to_ts, seller_id, buyer_id, commission_class, country, currency)
);

CREATE TABLE sale_sums_upto (
  program_id text COLLATE "C" NOT NULL,
  from_ts    bigint NOT NULL,
  to_ts      bigint NOT NULL,
  sequence   bigint NOT NULL,
  CONSTRAINT sale_sums_upto_pkey PRIMARY KEY (program_id, from_ts, to_ts)
);

-- Periods. A row says where a period stands and what it was locked with; runs is who did what to it, and only grows.

CREATE TABLE periods (
  program_id         text COLLATE "C" NOT NULL REFERENCES programs (program_id),
  kind               text COLLATE "C" NOT NULL CHECK (kind IN ('daily', 'weekly', 'monthly', 'quarterly')),
  period_id          text COLLATE "C" NOT NULL,
  from_ts            bigint NOT NULL,
  to_ts              bigint NOT NULL,
  state              text COLLATE "C" NOT NULL CHECK (state IN ('preview', 'locked', 'committing', 'committed', 'paid')),
  plan_hash          text COLLATE "C" NOT NULL,
  late               text COLLATE "C" NOT NULL, -- the plan's policy for late changes
  tree_version       bigint NOT NULL,
  sales_sequence     bigint NOT NULL, -- facts recorded later are late
  batch_sequence     bigint NOT NULL, -- so are postings sealed later
  revision           bigint NOT NULL, -- commits begun so far
  committed_revision bigint NOT NULL, -- what readers see
  run_id             text COLLATE "C" NOT NULL, -- of the last run
  input_hash         text COLLATE "C" NOT NULL,
  result_hash        text COLLATE "C" NOT NULL,
  totals_json        text COLLATE "C" NOT NULL,
  locked_at          bigint NOT NULL,
  locked_by          text COLLATE "C" NOT NULL,
  committed_at       bigint NOT NULL,
  committed_by       text COLLATE "C" NOT NULL,
  paid_at            bigint NOT NULL,
  paid_by            text COLLATE "C" NOT NULL,
  CONSTRAINT periods_pkey PRIMARY KEY (program_id, kind, period_id)
);
CREATE INDEX periods_by_time ON periods (program_id, kind, from_ts);

CREATE TABLE runs (
  program_id     text COLLATE "C" NOT NULL,
  run_id         text COLLATE "C" NOT NULL,
  kind           text COLLATE "C" NOT NULL,
  period_id      text COLLATE "C" NOT NULL,
  action         text COLLATE "C" NOT NULL CHECK (action IN ('preview', 'lock', 'commit', 'restate', 'pay')),
  revision       bigint NOT NULL,
  at             bigint NOT NULL,
  actor          text COLLATE "C" NOT NULL,
  plan_hash      text COLLATE "C" NOT NULL,
  tree_version   bigint NOT NULL,
  sales_sequence bigint NOT NULL,
  batch_sequence bigint NOT NULL,
  input_hash     text COLLATE "C" NOT NULL,
  result_hash    text COLLATE "C" NOT NULL,
  totals_json    text COLLATE "C" NOT NULL,
  report_json    text COLLATE "C" NOT NULL,
  CONSTRAINT runs_pkey PRIMARY KEY (program_id, run_id)
);
CREATE INDEX runs_by_period ON runs (program_id, kind, period_id, at);

-- Periods' components that are being posted in several batches: until all is there, readers do not see what was sealed
-- after a batch. source is what the postings' sources begin with.

CREATE TABLE open_commits (
  program_id  text COLLATE "C" NOT NULL,
  source      text COLLATE "C" NOT NULL,
  after_batch bigint NOT NULL,
  run_id      text COLLATE "C" NOT NULL,
  CONSTRAINT open_commits_pkey PRIMARY KEY (program_id, source)
);

CREATE TABLE rank_history (
  program_id     text COLLATE "C" NOT NULL,
  kind           text COLLATE "C" NOT NULL,
  period_id      text COLLATE "C" NOT NULL,
  revision       bigint NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  rank           text COLLATE "C" NOT NULL, -- paid as
  reached        text COLLATE "C" NOT NULL,
  title          text COLLATE "C" NOT NULL,
  held           text COLLATE "C" NOT NULL, -- rank without overrides, with which the next period begins
  met_rank       text COLLATE "C" NOT NULL,
  active         bigint NOT NULL CHECK (active IN (0, 1)),
  missed         bigint NOT NULL,
  met            bigint NOT NULL,
  pv             bigint NOT NULL, -- millionths of a point
  gv             bigint NOT NULL,
  CONSTRAINT rank_history_pkey PRIMARY KEY (program_id, kind, period_id, revision, distributor_id)
);
CREATE INDEX rank_history_by_person ON rank_history (program_id, distributor_id);

CREATE TABLE component_states (
  program_id   text COLLATE "C" NOT NULL,
  kind         text COLLATE "C" NOT NULL,
  period_id    text COLLATE "C" NOT NULL,
  revision     bigint NOT NULL,
  component_id text COLLATE "C" NOT NULL,
  part         bigint NOT NULL,
  state        bytea NOT NULL, -- compressed JSON
  CONSTRAINT component_states_pkey PRIMARY KEY (program_id, kind, period_id, revision, component_id, part)
);

-- A posting of a commit that is still under way is not there yet for whoever reads the ledger.
CREATE OR REPLACE VIEW ledger AS
SELECT encode(p.event_id, 'hex') AS event_id, s.source AS order_id, p.distributor_id AS distributor_id,
       p.amount_minor AS amount, s.calc_snapshot_json AS calc_snapshot_json,
       p.program_id AS program_id, p.currency AS currency, p.kind AS kind, p.line_id AS line_id,
       p.component_id AS component_id, s.revision AS revision, p.from_account AS from_account,
       p.to_account AS to_account, encode(s.snapshot_id, 'hex') AS snapshot_id, s.order_ts AS order_ts,
       s.posted_at AS posted_at, p.batch_sequence AS batch_sequence, p.position AS position
FROM postings p
LEFT JOIN settlements s ON s.program_id = p.program_id AND s.batch_sequence = p.batch_sequence
  AND s.first_position = p.first_position
WHERE NOT EXISTS (SELECT 1 FROM open_commits o WHERE o.program_id = s.program_id AND s.batch_sequence > o.after_batch
  AND substr(s.source, 1, length(o.source)) = o.source);

-- Append-only, as the ledger; see the first migration.
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['sales', 'runs', 'rank_history', 'component_states'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION upline_only_grows()',
                   t || '_no_change', t);
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION upline_only_grows()',
                   t || '_no_truncate', t);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', t, t || '_no_change');
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', t, t || '_no_truncate');
  END LOOP;
END $$;
-- +goose StatementEnd
CREATE TRIGGER periods_no_delete BEFORE DELETE ON periods FOR EACH ROW WHEN (OLD.state <> 'preview')
  EXECUTE FUNCTION upline_only_grows();
ALTER TABLE periods ENABLE ALWAYS TRIGGER periods_no_delete;

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['enroller_links', 'placements', 'person_facts', 'rank_overrides', 'sale_heads', 'sales',
      'sale_sums', 'sale_sums_upto', 'periods', 'runs', 'open_commits', 'rank_history',
      'component_states'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (program_id = (SELECT current_setting(%L, true)))',
                   t || '_of_program', t, 'upline.program');
  END LOOP;
END $$;
-- +goose StatementEnd
ALTER VIEW ledger SET (security_invoker = true);

-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    RETURN;
  END IF;
  GRANT SELECT, INSERT ON sales, runs, rank_history, component_states TO upline_app;
  GRANT SELECT, INSERT, UPDATE, DELETE ON enroller_links, placements, person_facts, rank_overrides,
    sale_heads, sale_sums, sale_sums_upto, periods, open_commits TO upline_app;
END $$;
-- +goose StatementEnd

-- Orders that were settled before are settled again: that posts nothing, and records what they sold.
-- +goose StatementBegin
DO $$
DECLARE p text;
BEGIN
  FOREACH p IN ARRAY (SELECT coalesce(array_agg(program_id), ARRAY[]::text[]) FROM programs) LOOP
    PERFORM set_config('upline.program', p, true);
    INSERT INTO released_sources (program_id, source, store_id, platform_order_id, released_at)
    SELECT program_id, source, store_id, platform_order_id, 1 FROM orders WHERE program_id = p AND pins_json <> ''
    ON CONFLICT (program_id, source) DO NOTHING;
  END LOOP;
  PERFORM set_config('upline.program', '', true);
END $$;
-- +goose StatementEnd
