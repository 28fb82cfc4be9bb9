-- +goose Up

-- What a settling transaction locks it also reads, as it is once the lock is held. A statement of its own sees what was there when it
-- began, which is before it waited; the statements of a function each see what is there when they begin. So each of these is one
-- exchange with the database where there were two and three.

-- +goose StatementBegin
CREATE FUNCTION upline_lock_orders(of_program text, lock_keys bigint[])
RETURNS TABLE (tree_version bigint, catalog_version bigint, plans_version bigint, planned text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('upline.program', of_program, true);
  -- What follows in the transaction is planned for any values and any size of tables: its lists are found by keys, row by row. A planner
  -- that has not counted the rows yet would go through all that has arrived to end a few deliveries.
  PERFORM set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);
  PERFORM pg_advisory_xact_lock(k) FROM unnest(lock_keys) AS k;
  RETURN QUERY SELECT p.tree_version, p.catalog_version, p.plans_version, current_setting('upline.planned', true)
    FROM programs AS p WHERE p.program_id = of_program;
END $$;

CREATE FUNCTION upline_extend_chain(of_program text, lock_key bigint, sold boolean)
RETURNS TABLE (sale_sequence bigint, sequence bigint, leaf_count bigint, root bytea, previous bytea, hash bytea, sealed_at bigint, outbox_sequence bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  next_sale bigint := 0;
BEGIN
  IF sold THEN
    INSERT INTO sale_heads AS h (program_id, sequence) VALUES (of_program, 1)
      ON CONFLICT (program_id) DO UPDATE SET sequence = h.sequence + 1 RETURNING h.sequence INTO next_sale;
  END IF;
  PERFORM pg_advisory_xact_lock(lock_key);
  RETURN QUERY SELECT next_sale, s.sequence, s.leaf_count, s.root, s.previous, s.hash, s.sealed_at, s.outbox_sequence
    FROM (SELECT) AS one LEFT JOIN (SELECT * FROM seals WHERE program_id = of_program ORDER BY sequence DESC LIMIT 1) AS s ON true;
END $$;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT EXECUTE ON FUNCTION upline_lock_orders(text, bigint[]), upline_extend_chain(text, bigint, boolean) TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
