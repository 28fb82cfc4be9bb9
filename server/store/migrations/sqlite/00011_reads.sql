-- +goose Up

-- What the screens read of a company with a million orders.

-- What the ledger holds up to a batch. The ledger only grows, so a sum of its beginning stays true: whoever adds what came
-- after it may keep the result. Nothing that settles writes here.
CREATE TABLE ledger_sums (
  program_id     TEXT    NOT NULL,
  currency       TEXT    NOT NULL,
  batch_sequence INTEGER NOT NULL, -- the same in all rows of a program
  postings       INTEGER NOT NULL, -- of every kind
  earned_minor   INTEGER NOT NULL, -- postings of kind 'earning', reversals taken off
  CONSTRAINT ledger_sums_pkey PRIMARY KEY (program_id, currency)
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_sums (program_id, currency, batch_sequence, postings, earned_minor)
SELECT p.program_id, p.currency, (SELECT max(s.sequence) FROM seals s WHERE s.program_id = p.program_id), count(*),
       sum(CASE WHEN p.kind = 'earning' THEN p.amount_minor ELSE 0 END)
FROM postings p GROUP BY p.program_id, p.currency;

-- The same places as before, with what the sum of one distributor needs: it reads the index alone.
DROP INDEX postings_by_distributor;
CREATE INDEX postings_by_distributor ON postings (program_id, distributor_id, batch_sequence, position, kind, currency, amount_minor);

-- The same with the money that waits; only parked orders are in it.
DROP INDEX orders_parked_by_reason;
CREATE INDEX orders_parked_by_reason ON orders (program_id, reason_code, order_ts, source, waiting_currency, waiting_minor) WHERE settlement = 'parked';

-- People by what few have or many share. Only an import writes here.
CREATE INDEX distributors_by_rank ON distributors (program_id, rank, distributor_id) WHERE rank <> '';
CREATE INDEX distributors_by_status ON distributors (program_id, status, distributor_id) WHERE status <> 'active';
CREATE INDEX distributors_by_country ON distributors (program_id, country, distributor_id) WHERE country <> '';
