-- +goose Up

-- A batch of new orders is written by one statement, numbered by what its process knows of the chain's end. This is what the statement
-- asks last, when its orders' rows stand: that none of the orders was there before, and that the chain ends where it was taken to, for
-- which it waits for others as in 00019. next_sale is the number of its changes of sales, 0 where there are none.
-- +goose StatementBegin
CREATE FUNCTION upline_goes_on(of_program text, lock_key bigint, rows_written bigint[], orders_given bigint, next_sale bigint,
  last_sequence bigint, last_hash bytea, last_outbox bigint)
RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF rows_written[1] <> orders_given THEN
    RAISE EXCEPTION 'an order was written by another transaction' USING ERRCODE = 'serialization_failure';
  END IF;
  IF next_sale > 0 THEN
    UPDATE sale_heads AS h SET sequence = next_sale WHERE h.program_id = of_program AND h.sequence = next_sale - 1;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'another transaction recorded sales' USING ERRCODE = 'serialization_failure';
    END IF;
  END IF;
  PERFORM pg_advisory_xact_lock(lock_key);
  PERFORM FROM (SELECT * FROM seals AS s WHERE s.program_id = of_program ORDER BY s.sequence DESC LIMIT 1) AS s
    WHERE s.sequence = last_sequence AND s.hash = last_hash AND s.outbox_sequence = last_outbox;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another transaction sealed a batch' USING ERRCODE = 'serialization_failure';
  END IF;
  RETURN true;
END $$;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT EXECUTE ON FUNCTION upline_goes_on(text, bigint, bigint[], bigint, bigint, bigint, bytea, bigint) TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
