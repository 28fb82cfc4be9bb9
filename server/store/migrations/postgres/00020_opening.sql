-- +goose Up

-- A settling transaction begins with one exchange where it had three: with the lock comes what it guards, and what is known of the buyers.
-- And it takes the chain with the statement that writes the orders. As in 00019, each statement of a function sees what is there when it
-- begins, which is after the lock was waited for.

-- +goose StatementBegin

-- What a row holds depends on its fact: 'program' has the counters, 'order' a row of orders, 'bound', 'stated' and 'hint' what is known of a
-- customer or a checkout. There is no row where there is no such program. Rows are found key by key, as OFFSET keeps them apart.
CREATE FUNCTION upline_open_orders(of_program text, lock_keys bigint[], sources text[], customer_stores text[], customers text[],
  checkout_stores text[], checkouts text[])
RETURNS TABLE (fact text, planned text, tree_version bigint, catalog_version bigint, plans_version bigint, known_store text, known_key text,
  value text, detail text, at bigint, version bigint, found orders)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  program record;
BEGIN
  SELECT * INTO program FROM upline_lock_orders(of_program, lock_keys);
  IF NOT FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT 'program', coalesce(program.planned, ''), program.tree_version, program.catalog_version, program.plans_version,
    '', '', '', '', 0::bigint, 0::bigint, NULL::orders;
  RETURN QUERY SELECT 'order', '', 0::bigint, 0::bigint, 0::bigint, '', '', '', '', 0::bigint, 0::bigint, s.found
    FROM unnest(sources) AS k (key0)
    CROSS JOIN LATERAL (SELECT o AS found FROM orders AS o WHERE o.program_id = of_program AND o.source = k.key0 OFFSET 0) AS s;
  IF cardinality(customers) > 0 THEN
    RETURN QUERY SELECT 'bound', '', 0::bigint, 0::bigint, 0::bigint, s.store_id, s.customer_id, s.distributor_id, s.source, s.bound_at, 0::bigint, NULL::orders
      FROM unnest(customer_stores, customers) AS k (key0, key1)
      CROSS JOIN LATERAL (SELECT * FROM customer_bindings AS b
        WHERE b.program_id = of_program AND b.store_id = k.key0 AND b.customer_id = k.key1 OFFSET 0) AS s;
    RETURN QUERY SELECT 'stated', '', 0::bigint, 0::bigint, 0::bigint, s.store_id, s.customer_id, s.distributor_id, s.kind, s.valid_from, s.version, NULL::orders
      FROM unnest(customer_stores, customers) AS k (key0, key1)
      CROSS JOIN LATERAL (SELECT * FROM stated_bindings AS b
        WHERE b.program_id = of_program AND b.store_id = k.key0 AND b.customer_id = k.key1 AND b.version <= program.tree_version OFFSET 0) AS s;
  END IF;
  IF cardinality(checkouts) > 0 THEN
    RETURN QUERY SELECT 'hint', '', 0::bigint, 0::bigint, 0::bigint, s.store_id, s.checkout, s.reference, '', 0::bigint, 0::bigint, NULL::orders
      FROM unnest(checkout_stores, checkouts) AS k (key0, key1)
      CROSS JOIN LATERAL (SELECT * FROM reference_hints AS h
        WHERE h.program_id = of_program AND h.store_id = k.key0 AND h.checkout = k.key1 OFFSET 0) AS s;
  END IF;
END $$;

-- Handed on as an argument, the numbers of rows are known, and so all of them are written, before the chain is waited for.
CREATE FUNCTION upline_extend_chain_behind(rows_written bigint[], of_program text, lock_key bigint, sold boolean)
RETURNS TABLE (written bigint[], sale_sequence bigint, sequence bigint, leaf_count bigint, root bytea, previous bytea, hash bytea,
  sealed_at bigint, outbox_sequence bigint)
LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY SELECT rows_written, c.* FROM upline_extend_chain(of_program, lock_key, sold) AS c;
END $$;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT EXECUTE ON FUNCTION upline_open_orders(text, bigint[], text[], text[], text[], text[], text[]),
      upline_extend_chain_behind(bigint[], text, bigint, boolean) TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
