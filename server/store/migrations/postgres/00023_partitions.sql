-- +goose NO TRANSACTION
-- +goose Up

-- The ledger in partitions by batch: what is written last is together in indexes that are small, however long a ledger is. Programs from
-- before go on meanwhile and after; they name the same table. Each part may be done again where the one before was broken off.

-- Takes the ledger for oneself: nobody waits for longer than half a second for a lock that this waits for. What is made of it and cannot be
-- made anew would go on showing only what was there, and stops the migration.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION upline_take_ledger() RETURNS void LANGUAGE plpgsql AS $$
DECLARE seen regclass;
BEGIN
  SELECT c.oid INTO seen FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = 'postings'::regclass
    AND (c.relkind <> 'v' OR NOT pg_has_role(c.relowner, 'USAGE'));
  IF seen IS NOT NULL THEN
    RAISE EXCEPTION '% is made of postings, which is about to become a table in partitions, and cannot be made anew by %: drop it before, and make it again after',
      seen, current_user;
  END IF;
  FOR attempt IN 1..120 LOOP
    BEGIN
      PERFORM set_config('lock_timeout', '500ms', true);
      ALTER VIEW ledger SET (security_invoker = true); -- first the view, in the order in which its readers take both
      LOCK TABLE postings IN ACCESS EXCLUSIVE MODE;
      RETURN;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF attempt = 120 THEN
        RAISE;
      END IF;
      PERFORM pg_sleep(0.5);
    END;
  END LOOP;
END $$;
-- +goose StatementEnd

-- Where the table that is there will end: far enough that no batch comes there before it is a partition. A posting of a later batch would
-- be refused from here on until the last part is done, and its order wait. Whoever owns the tables without being a superuser sees one
-- program at a time.
-- +goose StatementBegin
DO $$
DECLARE
  p text;
  last bigint;
  newest bigint := 0;
BEGIN
  IF (SELECT relkind FROM pg_class WHERE oid = 'postings'::regclass) = 'p' THEN
    RETURN;
  END IF;
  FOR p IN SELECT program_id FROM programs LOOP
    PERFORM set_config('upline.program', p, true);
    SELECT max(batch_sequence) INTO last FROM postings WHERE program_id = p;
    newest := greatest(newest, last);
  END LOOP;
  PERFORM set_config('upline.program', '', true);
  PERFORM upline_take_ledger();
  ALTER TABLE postings DROP CONSTRAINT IF EXISTS postings_before;
  EXECUTE format('ALTER TABLE postings ADD CONSTRAINT postings_before CHECK (batch_sequence < %s) NOT VALID',
                 CASE WHEN newest = 0 THEN 100000 ELSE newest + 1000000 END);
END $$;
-- +goose StatementEnd

-- Looks at all rows, beside what settles, so that nothing has to be looked at while everybody waits.
-- +goose StatementBegin
DO $$
BEGIN
  IF (SELECT relkind FROM pg_class WHERE oid = 'postings'::regclass) <> 'p' THEN
    ALTER TABLE postings VALIDATE CONSTRAINT postings_before;
  END IF;
END $$;
-- +goose StatementEnd

-- What every partition has that does not come with being one: names that tell what they are (a violated key is known by its name), the
-- trigger of TRUNCATE, and rows that only the owner sees who asks for the partition itself: who else may see which is said of the whole.
-- It is empty, and becomes a partition when it is attached.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION upline_new_ledger_partition(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE %I (LIKE postings INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)', name);
  EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (program_id, batch_sequence, position)', name, name || '_pkey');
  EXECUTE format('CREATE UNIQUE INDEX %I ON %I (program_id, batch_sequence, event_id)', name || '_once', name);
  EXECUTE format('CREATE INDEX %I ON %I (distributor_id, program_id, batch_sequence, position) INCLUDE (kind, currency, amount_minor)',
                 name || '_by_distributor', name);
  EXECUTE format('CREATE INDEX %I ON %I (program_id, kind, batch_sequence, position) WHERE kind <> %L', name || '_by_kind', name, 'earning');
  EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION upline_only_grows()', name || '_no_truncate', name);
  EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', name, name || '_no_truncate');
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
END $$;
-- +goose StatementEnd

-- The table becomes the first partition of one that has its name, which takes some milliseconds. Views name a table by what it was when
-- they were made, and are made anew.
-- +goose StatementBegin
DO $$
DECLARE
  upto bigint;
  granted record;
  seen record;
  views text[] := '{}';
  t text;
BEGIN
  IF (SELECT relkind FROM pg_class WHERE oid = 'postings'::regclass) = 'p' THEN
    RETURN;
  END IF;
  PERFORM upline_take_ledger();
  upto := (SELECT substring(pg_get_constraintdef(oid) FROM '\d+') FROM pg_constraint
           WHERE conrelid = 'postings'::regclass AND conname = 'postings_before');
  FOR seen IN SELECT DISTINCT c.oid, c.reloptions FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
      JOIN pg_class c ON c.oid = r.ev_class
      WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = 'postings'::regclass LOOP
    views := views || format('CREATE OR REPLACE VIEW %s %s AS %s', seen.oid::regclass,
      CASE WHEN seen.reloptions IS NULL THEN '' ELSE 'WITH (' || array_to_string(seen.reloptions, ', ') || ')' END, pg_get_viewdef(seen.oid));
  END LOOP;

  ALTER TABLE postings RENAME TO postings_1;
  FOREACH t IN ARRAY ARRAY['pkey', 'once', 'by_distributor', 'by_kind'] LOOP
    EXECUTE format('ALTER INDEX %I RENAME TO %I', 'postings_' || t, 'postings_1_' || t);
  END LOOP;
  DROP TRIGGER postings_no_change ON postings_1; -- comes again from the whole
  ALTER TRIGGER postings_no_truncate ON postings_1 RENAME TO postings_1_no_truncate;
  DROP POLICY postings_of_program ON postings_1;
  ALTER TABLE postings_1 NO FORCE ROW LEVEL SECURITY;

  CREATE TABLE postings (LIKE postings_1 INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)
    PARTITION BY RANGE (batch_sequence);
  ALTER TABLE postings DROP CONSTRAINT postings_before;
  ALTER TABLE postings ADD CONSTRAINT postings_pkey PRIMARY KEY (program_id, batch_sequence, position);
  CREATE UNIQUE INDEX postings_once ON postings (program_id, batch_sequence, event_id);
  CREATE INDEX postings_by_distributor ON postings (distributor_id, program_id, batch_sequence, position) INCLUDE (kind, currency, amount_minor);
  CREATE INDEX postings_by_kind ON postings (program_id, kind, batch_sequence, position) WHERE kind <> 'earning';
  CREATE TRIGGER postings_no_change BEFORE UPDATE OR DELETE ON postings FOR EACH ROW EXECUTE FUNCTION upline_only_grows();
  CREATE TRIGGER postings_no_truncate BEFORE TRUNCATE ON postings FOR EACH STATEMENT EXECUTE FUNCTION upline_only_grows();
  ALTER TABLE postings ENABLE ALWAYS TRIGGER postings_no_change;
  ALTER TABLE postings ENABLE ALWAYS TRIGGER postings_no_truncate;
  ALTER TABLE postings ENABLE ROW LEVEL SECURITY;
  ALTER TABLE postings FORCE ROW LEVEL SECURITY;
  CREATE POLICY postings_of_program ON postings USING (program_id = (SELECT current_setting('upline.program', true)));

  EXECUTE format('ALTER TABLE postings ATTACH PARTITION postings_1 FOR VALUES FROM (MINVALUE) TO (%s)', upto);
  ALTER TABLE postings_1 DROP CONSTRAINT postings_before; -- a partition says so itself
  -- What no partition is for: a ledger goes on also where nobody makes the next one.
  PERFORM upline_new_ledger_partition('postings_rest');
  ALTER TABLE postings ATTACH PARTITION postings_rest DEFAULT;

  -- Whoever had rights to the table or a column has them to the whole, and to no part of it.
  FOR granted IN SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS who, a.may, a.passes
      FROM (SELECT c.relowner, g.grantee, g.privilege_type AS may, g.is_grantable AS passes FROM pg_class c CROSS JOIN aclexplode(c.relacl) g
            WHERE c.oid = 'postings_1'::regclass
            UNION ALL
            SELECT c.relowner, g.grantee, format('%s (%I)', g.privilege_type, t.attname), g.is_grantable FROM pg_class c
            JOIN pg_attribute t ON t.attrelid = c.oid CROSS JOIN aclexplode(t.attacl) g WHERE c.oid = 'postings_1'::regclass) a
      LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE a.grantee <> a.relowner LOOP
    EXECUTE format('GRANT %s ON postings TO %s%s', granted.may, granted.who, CASE WHEN granted.passes THEN ' WITH GRANT OPTION' ELSE '' END);
    EXECUTE format('REVOKE %s ON postings_1 FROM %s CASCADE', granted.may, granted.who);
  END LOOP;
  FOREACH t IN ARRAY views LOOP
    EXECUTE t;
  END LOOP;
END $$;
-- +goose StatementEnd

-- upline_extend_ledger makes the next partition where the last one has rows, or what is behind it and no partition is for, and gives its
-- name; otherwise nothing, and NULL. It may be called at any time by whoever serves, who may not make tables: one may be made with it, and nothing else.
-- A partition is made for as many batches as would fill it if they were like those of the last one that is full: to part_bytes without
-- indexes, or a 16th of the whole ledger where that is more, so that there are never too many of them. Where its locks are not to be
-- had within a tenth of a second, or somebody was quicker to come where it was to begin, it fails and does nothing.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION upline_extend_ledger(part_bytes bigint, least_batches bigint) RETURNS text
  LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '100ms' AS $$
DECLARE
  part record;
  number bigint; -- of the last one
  low bigint;
  high bigint;
  bytes bigint;
  filled_batches bigint; -- of the one before it, which is full
  filled_bytes bigint;
  total bigint := 0;
  used boolean;
  rest bigint;
  begins bigint;
  batches bigint;
  made text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('upline_extend_ledger', 0));
  FOR part IN SELECT substring(c.relname FROM '^postings_(\d+)$')::bigint AS number, pg_relation_size(c.oid) AS bytes,
      coalesce(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''?(\d+)''?\)')::bigint, 0) AS low,
      substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''?(\d+)''?\)')::bigint AS high
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'postings'::regclass AND c.relname ~ '^postings_\d+$' ORDER BY 1 LOOP
    filled_batches := high - low;
    filled_bytes := bytes;
    number := part.number;
    low := part.low;
    high := part.high;
    bytes := part.bytes;
    total := total + part.bytes;
  END LOOP;
  SELECT max(batch_sequence) INTO rest FROM postings_rest;
  EXECUTE format('SELECT EXISTS (SELECT FROM %I)', 'postings_' || number) INTO used;
  IF NOT used AND (rest IS NULL OR rest < low) THEN
    RETURN NULL;
  END IF;

  batches := high - low;
  IF filled_bytes > 0 THEN
    batches := least(greatest(filled_batches * (greatest(part_bytes, total / 16)::numeric / filled_bytes), batches / 16), batches * 16::numeric);
  END IF;
  batches := greatest(batches, least_batches);
  begins := greatest(high, rest + 10000); -- so far behind what no partition is for that nobody comes there before it is attached
  made := 'postings_' || number + 1;
  PERFORM upline_new_ledger_partition(made);
  EXECUTE format('ALTER TABLE postings ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', made, begins, begins + batches);
  RETURN made;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
BEGIN
  -- What it names is found in this schema, whatever the caller's path.
  EXECUTE format('ALTER FUNCTION upline_extend_ledger(bigint, bigint) SET search_path = %I, pg_temp', current_schema());
  REVOKE ALL ON FUNCTION upline_extend_ledger(bigint, bigint), upline_new_ledger_partition(text) FROM PUBLIC;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT EXECUTE ON FUNCTION upline_extend_ledger(bigint, bigint) TO upline_app;
  END IF;
  DROP FUNCTION upline_take_ledger();
END $$;
-- +goose StatementEnd
