-- +goose Up

-- Raw bodies in partitions by when they arrived, so that old ones go by dropping a partition: to forget one in place writes its delivery
-- anew, with an entry in every index. What makes a repeat a duplicate stays in one table, whose key has no time in it. Programs from before
-- find a body in its delivery only, so bodies arrive here once "upline migrate --finish" has said that there is none at work.
CREATE TABLE inbox_bodies (
  program_id  text COLLATE "C" NOT NULL,
  delivery_id text COLLATE "C" NOT NULL, -- a UUIDv7, which begins with the time of arrival
  sealed_body bytea NOT NULL,
  CONSTRAINT inbox_bodies_pkey PRIMARY KEY (program_id, delivery_id)
) PARTITION BY RANGE (delivery_id);
ALTER TABLE inbox_bodies ALTER COLUMN sealed_body SET STORAGE EXTERNAL; -- as in inbox

ALTER TABLE inbox_bodies ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbox_bodies FORCE ROW LEVEL SECURITY;
CREATE POLICY inbox_bodies_of_program ON inbox_bodies USING ((SELECT coalesce(current_setting('upline.program', true), '')) = ''
  OR program_id = (SELECT current_setting('upline.program', true)));

-- An empty table that is about to become a partition. Who may see which of its rows is said of the whole.
-- +goose StatementBegin
CREATE FUNCTION upline_new_body_partition(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE inbox_bodies INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', name);
  EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (program_id, delivery_id)', name, name || '_pkey');
  EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = 4080)', name);
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
END $$;
-- +goose StatementEnd

-- What no partition is for: bodies are kept also where nobody makes the next one, or a clock is wrong.
SELECT upline_new_body_partition('inbox_bodies_rest');
ALTER TABLE inbox_bodies ATTACH PARTITION inbox_bodies_rest DEFAULT;

-- The first delivery id of a moment in microseconds since 1970, as far as it is the same for all ids of its millisecond; and back.
-- +goose StatementBegin
CREATE FUNCTION upline_first_delivery(moment bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT overlay(lpad(to_hex(moment / 1000), 12, '0') PLACING '-' FROM 9 FOR 0)
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION upline_delivery_moment(first text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT ('x0000' || replace(first, '-', ''))::bit(64)::bigint * 1000
$$;
-- +goose StatementEnd

-- The partitions of bodies that are for a time, the oldest first, from and before a moment.
-- +goose StatementBegin
CREATE FUNCTION upline_body_partitions() RETURNS TABLE (part text, low bigint, high bigint) LANGUAGE sql STABLE AS $$
  SELECT relname, upline_delivery_moment(bounds[1]), upline_delivery_moment(bounds[2]) FROM (
    SELECT c.relname::text, regexp_match(pg_get_expr(c.relpartbound, c.oid), $r$FROM \('([0-9a-f-]+)'\) TO \('([0-9a-f-]+)'\)$r$) AS bounds
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'inbox_bodies'::regclass) p
  WHERE bounds IS NOT NULL ORDER BY 2
$$;
-- +goose StatementEnd

-- upline_extend_bodies makes the next partition of bodies, for a period in microseconds, where some of the time from "moment" to "upto" has
-- none; it gives its name, or NULL where nothing had to be done. Whoever serves may call it, who may not make tables. What arrived before
-- its partition was there moves into it. Where its locks are not to be had within a tenth of a second it fails and does nothing.
-- +goose StatementBegin
CREATE FUNCTION upline_extend_bodies(moment bigint, period bigint, upto bigint) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '100ms' AS $$
DECLARE
  part record;
  begins bigint := moment / period * period;
  ends bigint;
  made text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('upline_extend_bodies', 0));
  FOR part IN SELECT * FROM upline_body_partitions() LOOP -- A clock that was ahead for a while has left some in the future.
    IF part.low <= begins AND part.high > begins THEN
      begins := part.high;
    END IF;
  END LOOP;
  IF begins >= upto THEN
    RETURN NULL;
  END IF;
  ends := least((begins / period + 1) * period, (SELECT min(p.low) FROM upline_body_partitions() p WHERE p.low > begins));
  made := 'inbox_bodies_' || to_char(to_timestamp(begins / 1000000) AT TIME ZONE 'UTC', 'YYYYMMDD_HH24MISS');
  PERFORM upline_new_body_partition(made);
  LOCK TABLE inbox_bodies_rest IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('WITH moved AS (DELETE FROM inbox_bodies_rest WHERE delivery_id >= %L AND delivery_id < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                 upline_first_delivery(begins), upline_first_delivery(ends), made);
  EXECUTE format('ALTER TABLE inbox_bodies ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                 made, upline_first_delivery(begins), upline_first_delivery(ends));
  RETURN made;
END $$;
-- +goose StatementEnd

-- Moves up to at_once bodies of a partition whose deliveries are not done into those, and says how many.
-- +goose StatementBegin
CREATE FUNCTION upline_move_bodies(part text, low bigint, high bigint, at_once bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE moved bigint;
BEGIN
  EXECUTE format('WITH undecided AS (
      SELECT program_id, delivery_id FROM inbox_state WHERE status = ''waiting'' AND delivery_id >= %2$L AND delivery_id < %3$L
      UNION ALL SELECT program_id, delivery_id FROM inbox_state WHERE status = ''parked'' AND delivery_id >= %2$L AND delivery_id < %3$L),
    gone AS (DELETE FROM %1$I b USING (SELECT k.program_id, k.delivery_id FROM undecided u JOIN %1$I k USING (program_id, delivery_id) LIMIT %4$s) u
      WHERE b.program_id = u.program_id AND b.delivery_id = u.delivery_id RETURNING b.*)
    UPDATE inbox i SET sealed_body = gone.sealed_body FROM gone WHERE i.program_id = gone.program_id AND i.delivery_id = gone.delivery_id',
    part, upline_first_delivery(low), upline_first_delivery(high), at_once);
  GET DIAGNOSTICS moved = ROW_COUNT;
  RETURN moved;
END $$;
-- +goose StatementEnd

-- upline_drop_bodies takes one step towards having no body of a done delivery from before a moment, and says which: up to at_once bodies
-- that no partition is for are deleted (dropped); up to at_once bodies of the oldest partition whose deliveries are not done move into their
-- deliveries, where they are kept until they are (moved); or that partition, which began before "before" and has ended by "moment", is
-- dropped, whose bodies are counted as PostgreSQL estimates them. part is what it was about, NULL where nothing is left to do. Where its
-- locks are not to be had within a tenth of a second it fails and does nothing.
-- +goose StatementBegin
CREATE FUNCTION upline_drop_bodies(before bigint, moment bigint, at_once bigint, OUT part text, OUT moved bigint, OUT dropped bigint)
  LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '100ms' AS $$
DECLARE
  low bigint;
  high bigint;
BEGIN
  moved := 0;
  DELETE FROM inbox_bodies_rest WHERE ctid IN (SELECT r.ctid FROM inbox_bodies_rest r JOIN inbox_state s ON s.delivery_id = r.delivery_id
    WHERE s.status = 'done' AND s.received_at < before LIMIT at_once);
  GET DIAGNOSTICS dropped = ROW_COUNT;
  IF dropped > 0 THEN
    part := 'inbox_bodies_rest';
    RETURN;
  END IF;
  SELECT p.part, p.low, p.high INTO part, low, high FROM upline_body_partitions() p WHERE p.low < before AND p.high <= moment LIMIT 1;
  IF part IS NULL THEN
    RETURN;
  END IF;
  moved := upline_move_bodies(part, low, high, at_once);
  IF moved > 0 THEN
    RETURN;
  END IF;
  -- Once more when nobody can take a done delivery up again.
  LOCK TABLE ONLY inbox_bodies IN ACCESS EXCLUSIVE MODE;
  EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', part);
  moved := upline_move_bodies(part, low, high, at_once);
  IF moved = 0 THEN
    SELECT greatest(reltuples, 0)::bigint INTO dropped FROM pg_class WHERE oid = to_regclass(quote_ident(part));
    EXECUTE format('DROP TABLE %I', part);
  END IF;
END $$;
-- +goose StatementEnd

-- What these name is found in this schema, whatever the caller's path.
-- +goose StatementBegin
DO $$
DECLARE called text;
BEGIN
  FOREACH called IN ARRAY ARRAY['upline_new_body_partition(text)', 'upline_first_delivery(bigint)', 'upline_delivery_moment(text)',
      'upline_body_partitions()', 'upline_move_bodies(text, bigint, bigint, bigint)', 'upline_extend_bodies(bigint, bigint, bigint)', 'upline_drop_bodies(bigint, bigint, bigint)'] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', called, current_schema());
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
  END LOOP;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON inbox_bodies TO upline_app;
    GRANT EXECUTE ON FUNCTION upline_extend_bodies(bigint, bigint, bigint), upline_drop_bodies(bigint, bigint, bigint) TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd

-- A database that nobody uses yet has no program from before at work.
INSERT INTO installation (name, value) SELECT 'bodies', CASE WHEN EXISTS (SELECT FROM programs) THEN 'in deliveries' ELSE 'apart' END;
UPDATE installation SET value = '24' WHERE name = 'schema_floor' AND EXISTS (SELECT FROM installation WHERE name = 'bodies' AND value = 'apart');
