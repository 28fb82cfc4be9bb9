-- +goose Up

-- What the screens read of a company with a million orders.

-- What the ledger holds up to a batch. The ledger only grows, so a sum of its beginning stays true: whoever adds what came
-- after it may keep the result. Nothing that settles writes here.
CREATE TABLE ledger_sums (
  program_id     text COLLATE "C" NOT NULL,
  currency       text COLLATE "C" NOT NULL,
  batch_sequence bigint NOT NULL, -- the same in all rows of a program
  postings       bigint NOT NULL, -- of every kind
  earned_minor   bigint NOT NULL, -- postings of kind 'earning', reversals taken off
  CONSTRAINT ledger_sums_pkey PRIMARY KEY (program_id, currency)
);
-- Whoever owns the tables without being a superuser sees one program at a time.
-- +goose StatementBegin
DO $$
DECLARE p text;
BEGIN
  FOR p IN SELECT program_id FROM programs LOOP
    PERFORM set_config('upline.program', p, true);
    INSERT INTO ledger_sums (program_id, currency, batch_sequence, postings, earned_minor)
    SELECT p, l.currency, (SELECT max(s.sequence) FROM seals s WHERE s.program_id = p), count(*),
           sum(CASE WHEN l.kind = 'earning' THEN l.amount_minor ELSE 0 END)
    FROM postings l WHERE l.program_id = p GROUP BY l.currency;
  END LOOP;
  PERFORM set_config('upline.program', '', true);
END $$;
-- +goose StatementEnd

-- The same places as before, with what the sum of one distributor needs: it reads the index alone.
DROP INDEX postings_by_distributor;
CREATE INDEX postings_by_distributor ON postings (program_id, distributor_id, batch_sequence, position) INCLUDE (kind, currency, amount_minor);

-- The same with the money that waits; only parked orders are in it.
DROP INDEX orders_parked_by_reason;
CREATE INDEX orders_parked_by_reason ON orders (program_id, reason_code, order_ts, source) INCLUDE (waiting_currency, waiting_minor) WHERE settlement = 'parked';

-- People by what few have or many share. Only an import writes here.
CREATE INDEX distributors_by_rank ON distributors (program_id, rank, distributor_id) WHERE rank <> '';
CREATE INDEX distributors_by_status ON distributors (program_id, status, distributor_id) WHERE status <> 'active';
CREATE INDEX distributors_by_country ON distributors (program_id, country, distributor_id) WHERE country <> '';

-- +goose StatementBegin
DO $$
BEGIN
  ALTER TABLE ledger_sums ENABLE ROW LEVEL SECURITY;
  ALTER TABLE ledger_sums FORCE ROW LEVEL SECURITY;
  CREATE POLICY ledger_sums_of_program ON ledger_sums USING (program_id = (SELECT current_setting('upline.program', true)));
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON ledger_sums TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
