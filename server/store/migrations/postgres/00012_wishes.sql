-- +goose Up

-- Orders to read anew although nothing is wrong with them: something happened around them, such as a dispute. A row goes once its
-- order was read.
CREATE TABLE order_wishes (
  program_id        text COLLATE "C" NOT NULL,
  source            text COLLATE "C" NOT NULL, -- store_id/platform_order_id
  store_id          text COLLATE "C" NOT NULL,
  platform_order_id text COLLATE "C" NOT NULL,
  because           text NOT NULL, -- a sentence for people; it names nobody
  wished_at         bigint NOT NULL,
  attempt           bigint NOT NULL, -- readings that failed since
  due_at            bigint NOT NULL,
  CONSTRAINT order_wishes_pkey PRIMARY KEY (program_id, source)
);

-- +goose StatementBegin
DO $$
BEGIN
  ALTER TABLE order_wishes ENABLE ROW LEVEL SECURITY;
  ALTER TABLE order_wishes FORCE ROW LEVEL SECURITY;
  CREATE POLICY order_wishes_of_program ON order_wishes USING (program_id = (SELECT current_setting('upline.program', true)));
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON order_wishes TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
