-- +goose Up

-- What one distributor has, up to a batch. The ledger only grows, so a sum of its beginning stays true: whoever adds what
-- came after it may keep the result. Only those with many postings, and of them who looks, have a row; nothing that settles
-- writes here.
CREATE TABLE distributor_sums (
  program_id     text COLLATE "C" NOT NULL,
  distributor_id text COLLATE "C" NOT NULL,
  batch_sequence bigint NOT NULL, -- the last batch that is in
  month_at       bigint NOT NULL, -- when the month began that before_minor is before
  month_batch    bigint NOT NULL, -- the first batch of that month; 0: there was none yet
  sums_json      text COLLATE "C" NOT NULL, -- by currency, in minor units
  CONSTRAINT distributor_sums_pkey PRIMARY KEY (program_id, distributor_id)
);

-- Row-level security, as in the first migration.
-- +goose StatementBegin
DO $$
BEGIN
  ALTER TABLE distributor_sums ENABLE ROW LEVEL SECURITY;
  ALTER TABLE distributor_sums FORCE ROW LEVEL SECURITY;
  CREATE POLICY distributor_sums_of_program ON distributor_sums USING (program_id = (SELECT current_setting('upline.program', true)));
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON distributor_sums TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
