-- +goose Up

-- People, beside their sponsor links and standings: facts that only periods need, dated on the same two axes. Versions
-- are those of the tree.

CREATE TABLE enroller_links (
  program_id     TEXT NOT NULL,
  version        INTEGER NOT NULL,
  distributor_id TEXT NOT NULL,
  enroller_id    TEXT NOT NULL, -- '' : the sponsor
  valid_from     INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL,
  CONSTRAINT enroller_links_pkey PRIMARY KEY (program_id, version, distributor_id, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE placements (
  program_id  TEXT NOT NULL,
  version     INTEGER NOT NULL,
  position_id TEXT NOT NULL,
  owner_id    TEXT NOT NULL, -- '' : the position is given up
  parent_id   TEXT NOT NULL, -- position above; '' at a top
  leg         INTEGER NOT NULL, -- which child of the parent: 0 is left
  valid_from  INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  CONSTRAINT placements_pkey PRIMARY KEY (program_id, version, position_id, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE person_facts (
  program_id     TEXT NOT NULL,
  version        INTEGER NOT NULL,
  distributor_id TEXT NOT NULL,
  enrolled_at    INTEGER NOT NULL, -- 0: not known
  country        TEXT NOT NULL,
  autoship       INTEGER NOT NULL CHECK (autoship IN (0, 1)),
  valid_from     INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL,
  CONSTRAINT person_facts_pkey PRIMARY KEY (program_id, version, distributor_id, valid_from)
) STRICT, WITHOUT ROWID;

CREATE TABLE rank_overrides (
  program_id     TEXT NOT NULL,
  version        INTEGER NOT NULL,
  override_id    TEXT NOT NULL, -- a later version of the same id replaces it
  distributor_id TEXT NOT NULL,
  rank           TEXT NOT NULL,
  floor          INTEGER NOT NULL CHECK (floor IN (0, 1)), -- 1: at least this rank; 0: exactly this one
  valid_from     INTEGER NOT NULL,
  valid_until    INTEGER NOT NULL, -- half open
  reason         TEXT NOT NULL CHECK (reason <> ''),
  actor          TEXT NOT NULL,
  recorded_at    INTEGER NOT NULL,
  CONSTRAINT rank_overrides_pkey PRIMARY KEY (program_id, version, override_id)
) STRICT, WITHOUT ROWID;

-- What sold, as signed changes: the sum of a line's rows is what its order's newest revision says. Sequences follow the
-- order of commits, so a cut-off says exactly what was known.

CREATE TABLE sale_heads (
  program_id TEXT NOT NULL REFERENCES programs (program_id),
  sequence   INTEGER NOT NULL,
  CONSTRAINT sale_heads_pkey PRIMARY KEY (program_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sales (
  program_id       TEXT NOT NULL,
  sequence         INTEGER NOT NULL, -- of the settling transaction, per program
  position         INTEGER NOT NULL,
  source           TEXT NOT NULL,
  line_id          TEXT NOT NULL,
  seller_id        TEXT NOT NULL, -- '' : the company's own sale
  buyer_id         TEXT NOT NULL, -- the buying distributor; '' for a customer
  customer_id      TEXT NOT NULL, -- "store_id/platform customer id"
  commission_class TEXT NOT NULL,
  country          TEXT NOT NULL,
  currency         TEXT NOT NULL,
  order_ts         INTEGER NOT NULL,
  quantity         INTEGER NOT NULL,
  net_minor        INTEGER NOT NULL,
  cv               INTEGER NOT NULL, -- millionths of a point
  qv               INTEGER NOT NULL,
  recorded_at      INTEGER NOT NULL,
  CONSTRAINT sales_pkey PRIMARY KEY (program_id, sequence, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX sales_by_source ON sales (program_id, source);
CREATE INDEX sales_by_time ON sales (program_id, order_ts);

-- Sums of sales by span of time, kept up to a sequence.

CREATE TABLE sale_sums (
  program_id       TEXT NOT NULL,
  from_ts          INTEGER NOT NULL,
  to_ts            INTEGER NOT NULL,
  seller_id        TEXT NOT NULL,
  buyer_id         TEXT NOT NULL,
  commission_class TEXT NOT NULL,
  country          TEXT NOT NULL,
  currency         TEXT NOT NULL,
  quantity         INTEGER NOT NULL,
  net_minor        INTEGER NOT NULL,
  cv               INTEGER NOT NULL,
  qv               INTEGER NOT NULL,
  CONSTRAINT sale_sums_pkey PRIMARY KEY (program_id, from_ts, to_ts, seller_id, buyer_id, commission_class, country, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE sale_sums_upto (
  program_id TEXT NOT NULL,
  from_ts    INTEGER NOT NULL,
  to_ts      INTEGER NOT NULL,
  sequence   INTEGER NOT NULL,
  CONSTRAINT sale_sums_upto_pkey PRIMARY KEY (program_id, from_ts, to_ts)
) STRICT, WITHOUT ROWID;

-- Periods. A row says where a period stands and what it was locked with; runs is who did what to it, and only grows.

CREATE TABLE periods (
  program_id         TEXT NOT NULL REFERENCES programs (program_id),
  kind               TEXT NOT NULL CHECK (kind IN ('daily', 'weekly', 'monthly', 'quarterly')),
  period_id          TEXT NOT NULL,
  from_ts            INTEGER NOT NULL,
  to_ts              INTEGER NOT NULL,
  state              TEXT NOT NULL CHECK (state IN ('preview', 'locked', 'committing', 'committed', 'paid')),
  plan_hash          TEXT NOT NULL,
  late               TEXT NOT NULL, -- the plan's policy for late changes
  tree_version       INTEGER NOT NULL,
  sales_sequence     INTEGER NOT NULL, -- facts recorded later are late
  batch_sequence     INTEGER NOT NULL, -- so are postings sealed later
  revision           INTEGER NOT NULL, -- commits begun so far
  committed_revision INTEGER NOT NULL, -- what readers see
  run_id             TEXT NOT NULL, -- of the last run
  input_hash         TEXT NOT NULL,
  result_hash        TEXT NOT NULL,
  totals_json        TEXT NOT NULL,
  locked_at          INTEGER NOT NULL,
  locked_by          TEXT NOT NULL,
  committed_at       INTEGER NOT NULL,
  committed_by       TEXT NOT NULL,
  paid_at            INTEGER NOT NULL,
  paid_by            TEXT NOT NULL,
  CONSTRAINT periods_pkey PRIMARY KEY (program_id, kind, period_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX periods_by_time ON periods (program_id, kind, from_ts);

CREATE TABLE runs (
  program_id     TEXT NOT NULL,
  run_id         TEXT NOT NULL,
  kind           TEXT NOT NULL,
  period_id      TEXT NOT NULL,
  action         TEXT NOT NULL CHECK (action IN ('preview', 'lock', 'commit', 'restate', 'pay')),
  revision       INTEGER NOT NULL,
  at             INTEGER NOT NULL,
  actor          TEXT NOT NULL,
  plan_hash      TEXT NOT NULL,
  tree_version   INTEGER NOT NULL,
  sales_sequence INTEGER NOT NULL,
  batch_sequence INTEGER NOT NULL,
  input_hash     TEXT NOT NULL,
  result_hash    TEXT NOT NULL,
  totals_json    TEXT NOT NULL,
  report_json    TEXT NOT NULL,
  CONSTRAINT runs_pkey PRIMARY KEY (program_id, run_id)
) STRICT;
CREATE INDEX runs_by_period ON runs (program_id, kind, period_id, at);

-- Periods' components that are being posted in several batches: until all is there, readers do not see what was sealed
-- after a batch. source is what the postings' sources begin with.

CREATE TABLE open_commits (
  program_id  TEXT NOT NULL,
  source      TEXT NOT NULL,
  after_batch INTEGER NOT NULL,
  run_id      TEXT NOT NULL,
  CONSTRAINT open_commits_pkey PRIMARY KEY (program_id, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE rank_history (
  program_id     TEXT NOT NULL,
  kind           TEXT NOT NULL,
  period_id      TEXT NOT NULL,
  revision       INTEGER NOT NULL,
  distributor_id TEXT NOT NULL,
  rank           TEXT NOT NULL, -- paid as
  reached        TEXT NOT NULL,
  title          TEXT NOT NULL,
  held           TEXT NOT NULL, -- rank without overrides, with which the next period begins
  met_rank       TEXT NOT NULL,
  active         INTEGER NOT NULL CHECK (active IN (0, 1)),
  missed         INTEGER NOT NULL,
  met            INTEGER NOT NULL,
  pv             INTEGER NOT NULL, -- millionths of a point
  gv             INTEGER NOT NULL,
  CONSTRAINT rank_history_pkey PRIMARY KEY (program_id, kind, period_id, revision, distributor_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rank_history_by_person ON rank_history (program_id, distributor_id);

CREATE TABLE component_states (
  program_id   TEXT NOT NULL,
  kind         TEXT NOT NULL,
  period_id    TEXT NOT NULL,
  revision     INTEGER NOT NULL,
  component_id TEXT NOT NULL,
  part         INTEGER NOT NULL,
  state        BLOB NOT NULL, -- compressed JSON
  CONSTRAINT component_states_pkey PRIMARY KEY (program_id, kind, period_id, revision, component_id, part)
) STRICT;

-- A posting of a commit that is still under way is not there yet for whoever reads the ledger.
DROP VIEW ledger;
CREATE VIEW ledger AS
SELECT lower(hex(p.event_id)) AS event_id, s.source AS order_id, p.distributor_id AS distributor_id,
       p.amount_minor AS amount, s.calc_snapshot_json AS calc_snapshot_json,
       p.program_id AS program_id, p.currency AS currency, p.kind AS kind, p.line_id AS line_id,
       p.component_id AS component_id, s.revision AS revision, p.from_account AS from_account,
       p.to_account AS to_account, lower(hex(s.snapshot_id)) AS snapshot_id, s.order_ts AS order_ts,
       s.posted_at AS posted_at, p.batch_sequence AS batch_sequence, p.position AS position
FROM postings p
LEFT JOIN settlements s ON s.program_id = p.program_id AND s.batch_sequence = p.batch_sequence
  AND s.first_position = p.first_position
WHERE NOT EXISTS (SELECT 1 FROM open_commits o WHERE o.program_id = s.program_id AND s.batch_sequence > o.after_batch
  AND substr(s.source, 1, length(o.source)) = o.source);

-- Append-only, as the ledger; see the first migration.

-- +goose StatementBegin
CREATE TRIGGER sales_no_update BEFORE UPDATE ON sales
BEGIN SELECT RAISE(ABORT, 'sales only grow: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sales_no_delete BEFORE DELETE ON sales
BEGIN SELECT RAISE(ABORT, 'sales only grow: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sales_no_replace BEFORE INSERT ON sales
WHEN EXISTS (SELECT 1 FROM sales WHERE program_id = NEW.program_id AND sequence = NEW.sequence AND position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'sales_pkey: this row is there already'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER runs_no_update BEFORE UPDATE ON runs
BEGIN SELECT RAISE(ABORT, 'runs only grow: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER runs_no_delete BEFORE DELETE ON runs
BEGIN SELECT RAISE(ABORT, 'runs only grow: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER runs_no_replace BEFORE INSERT ON runs
WHEN EXISTS (SELECT 1 FROM runs WHERE rowid = NEW.rowid)
  OR EXISTS (SELECT 1 FROM runs WHERE program_id = NEW.program_id AND run_id = NEW.run_id)
BEGIN SELECT RAISE(ABORT, 'runs_pkey: this row is there already'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER rank_history_no_update BEFORE UPDATE ON rank_history
BEGIN SELECT RAISE(ABORT, 'rank_history only grow: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER rank_history_no_delete BEFORE DELETE ON rank_history
BEGIN SELECT RAISE(ABORT, 'rank_history only grow: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER rank_history_no_replace BEFORE INSERT ON rank_history
WHEN EXISTS (SELECT 1 FROM rank_history WHERE program_id = NEW.program_id AND kind = NEW.kind AND period_id = NEW.period_id AND revision = NEW.revision AND distributor_id = NEW.distributor_id)
BEGIN SELECT RAISE(ABORT, 'rank_history_pkey: this row is there already'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER component_states_no_update BEFORE UPDATE ON component_states
BEGIN SELECT RAISE(ABORT, 'component_states only grow: UPDATE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER component_states_no_delete BEFORE DELETE ON component_states
BEGIN SELECT RAISE(ABORT, 'component_states only grow: DELETE is refused'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER component_states_no_replace BEFORE INSERT ON component_states
WHEN EXISTS (SELECT 1 FROM component_states WHERE rowid = NEW.rowid)
  OR EXISTS (SELECT 1 FROM component_states WHERE program_id = NEW.program_id AND kind = NEW.kind AND period_id = NEW.period_id AND revision = NEW.revision AND component_id = NEW.component_id AND part = NEW.part)
BEGIN SELECT RAISE(ABORT, 'component_states_pkey: this row is there already'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER periods_no_delete BEFORE DELETE ON periods
WHEN OLD.state <> 'preview'
BEGIN SELECT RAISE(ABORT, 'periods that were locked stay: DELETE is refused'); END;
-- +goose StatementEnd

-- Orders that were settled before are settled again: that posts nothing, and records what they sold.
INSERT INTO released_sources (program_id, source, store_id, platform_order_id, released_at)
SELECT program_id, source, store_id, platform_order_id, 1 FROM orders WHERE pins_json <> ''
ON CONFLICT (program_id, source) DO NOTHING;
