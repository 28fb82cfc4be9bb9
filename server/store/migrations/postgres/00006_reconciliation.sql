-- +goose Up

-- Reconciliation: what a store's platform says was changed in a span of time, held against what is known.

CREATE TABLE reconciliations (
  program_id   text COLLATE "C" NOT NULL,
  run_id       text COLLATE "C" NOT NULL,
  store_id     text COLLATE "C" NOT NULL,
  from_ts      bigint NOT NULL,
  to_ts        bigint NOT NULL, -- half open
  mend         bigint NOT NULL CHECK (mend IN (0, 1)),
  scheduled    bigint NOT NULL CHECK (scheduled IN (0, 1)),
  state        text COLLATE "C" NOT NULL CHECK (state IN ('running', 'done', 'failed')),
  currency     text COLLATE "C" NOT NULL,
  counts_json  text NOT NULL,
  delta_minor  bigint NOT NULL, -- net by the platform less net by our books
  detail       text NOT NULL,
  started_at   bigint NOT NULL,
  heartbeat_at bigint NOT NULL, -- a run that is silent for minutes is dead, and taken up again
  finished_at  bigint NOT NULL, -- 0: not yet
  CONSTRAINT reconciliations_pkey PRIMARY KEY (program_id, run_id)
);
CREATE INDEX reconciliations_by_store ON reconciliations (program_id, store_id, run_id);

CREATE TABLE reconciliation_findings (
  program_id  text COLLATE "C" NOT NULL,
  run_id      text COLLATE "C" NOT NULL,
  source      text COLLATE "C" NOT NULL,
  kind        text COLLATE "C" NOT NULL CHECK (kind IN ('missing', 'outdated', 'differing', 'unsound', 'unreadable')),
  known_minor bigint NOT NULL,
  told_minor  bigint NOT NULL,
  currency    text COLLATE "C" NOT NULL,
  detail      text NOT NULL,
  found_at    bigint NOT NULL,
  CONSTRAINT reconciliation_findings_pkey PRIMARY KEY (program_id, run_id, source)
);

-- Up to when a store was reconciled and mended without a gap.

CREATE TABLE reconciliation_marks (
  program_id text COLLATE "C" NOT NULL,
  store_id   text COLLATE "C" NOT NULL REFERENCES stores (store_id),
  reached_ts bigint NOT NULL,
  CONSTRAINT reconciliation_marks_pkey PRIMARY KEY (program_id, store_id)
);

-- Readings of single orders that are parked for a reason which a reading may mend. row_version is the order's when it was
-- read: once it has changed, attempts count anew.

CREATE TABLE order_fetches (
  program_id  text COLLATE "C" NOT NULL,
  source      text COLLATE "C" NOT NULL,
  row_version bigint NOT NULL,
  attempt     bigint NOT NULL,
  due_at      bigint NOT NULL,
  outcome     text COLLATE "C" NOT NULL CHECK (outcome IN ('fetched', 'gone', 'failed')),
  detail      text NOT NULL,
  fetched_at  bigint NOT NULL,
  CONSTRAINT order_fetches_pkey PRIMARY KEY (program_id, source)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['reconciliations', 'reconciliation_findings', 'reconciliation_marks', 'order_fetches'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %1$I ON %2$I USING ((SELECT coalesce(current_setting(%3$L, true), %4$L)) = %4$L'
                   ' OR program_id = (SELECT current_setting(%3$L, true)))', t || '_of_program', t, 'upline.program', '');
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    RETURN;
  END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON reconciliations, reconciliation_findings, reconciliation_marks, order_fetches TO upline_app;
END $$;
-- +goose StatementEnd
