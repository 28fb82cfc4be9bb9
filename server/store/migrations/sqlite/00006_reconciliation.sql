-- +goose Up

-- Reconciliation: what a store's platform says was changed in a span of time, held against what is known.

CREATE TABLE reconciliations (
  program_id   TEXT NOT NULL,
  run_id       TEXT NOT NULL,
  store_id     TEXT NOT NULL,
  from_ts      INTEGER NOT NULL,
  to_ts        INTEGER NOT NULL, -- half open
  mend         INTEGER NOT NULL CHECK (mend IN (0, 1)),
  scheduled    INTEGER NOT NULL CHECK (scheduled IN (0, 1)),
  state        TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')),
  currency     TEXT NOT NULL,
  counts_json  TEXT NOT NULL,
  delta_minor  INTEGER NOT NULL, -- net by the platform less net by our books
  detail       TEXT NOT NULL,
  started_at   INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL, -- a run that is silent for minutes is dead, and taken up again
  finished_at  INTEGER NOT NULL, -- 0: not yet
  CONSTRAINT reconciliations_pkey PRIMARY KEY (program_id, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reconciliations_by_store ON reconciliations (program_id, store_id, run_id);

CREATE TABLE reconciliation_findings (
  program_id  TEXT NOT NULL,
  run_id      TEXT NOT NULL,
  source      TEXT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('missing', 'outdated', 'differing', 'unsound', 'unreadable')),
  known_minor INTEGER NOT NULL,
  told_minor  INTEGER NOT NULL,
  currency    TEXT NOT NULL,
  detail      TEXT NOT NULL,
  found_at    INTEGER NOT NULL,
  CONSTRAINT reconciliation_findings_pkey PRIMARY KEY (program_id, run_id, source)
) STRICT, WITHOUT ROWID;

-- Up to when a store was reconciled and mended without a gap.

CREATE TABLE reconciliation_marks (
  program_id TEXT NOT NULL,
  store_id   TEXT NOT NULL REFERENCES stores (store_id),
  reached_ts INTEGER NOT NULL,
  CONSTRAINT reconciliation_marks_pkey PRIMARY KEY (program_id, store_id)
) STRICT, WITHOUT ROWID;

-- Readings of single orders that are parked for a reason which a reading may mend. row_version is the order's when it was
-- read: once it has changed, attempts count anew.

CREATE TABLE order_fetches (
  program_id  TEXT NOT NULL,
  source      TEXT NOT NULL,
  row_version INTEGER NOT NULL,
  attempt     INTEGER NOT NULL,
  due_at      INTEGER NOT NULL,
  outcome     TEXT NOT NULL CHECK (outcome IN ('fetched', 'gone', 'failed')),
  detail      TEXT NOT NULL,
  fetched_at  INTEGER NOT NULL,
  CONSTRAINT order_fetches_pkey PRIMARY KEY (program_id, source)
) STRICT, WITHOUT ROWID;
