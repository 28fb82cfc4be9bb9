-- +goose Up

-- What one distributor has, up to a batch. The ledger only grows, so a sum of its beginning stays true: whoever adds what
-- came after it may keep the result. Only those with many postings, and of them who looks, have a row; nothing that settles
-- writes here.
CREATE TABLE distributor_sums (
  program_id     TEXT    NOT NULL,
  distributor_id TEXT    NOT NULL,
  batch_sequence INTEGER NOT NULL, -- the last batch that is in
  month_at       INTEGER NOT NULL, -- when the month began that before_minor is before
  month_batch    INTEGER NOT NULL, -- the first batch of that month; 0: there was none yet
  sums_json      TEXT    NOT NULL, -- by currency, in minor units
  CONSTRAINT distributor_sums_pkey PRIMARY KEY (program_id, distributor_id)
) STRICT, WITHOUT ROWID;
