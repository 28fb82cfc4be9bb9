-- +goose Up

-- How far each reader of the outbox is, and who reads for it at the moment.

CREATE TABLE relay_positions (
  program_id  text COLLATE "C" NOT NULL,
  reader      text COLLATE "C" NOT NULL,
  sequence    bigint NOT NULL DEFAULT 0, -- everything up to it is with the reader
  lease_owner text COLLATE "C" NOT NULL DEFAULT '',
  lease_until bigint NOT NULL DEFAULT 0,
  CONSTRAINT relay_positions_pkey PRIMARY KEY (program_id, reader)
);

-- +goose StatementBegin
DO $$
BEGIN
  ALTER TABLE relay_positions ENABLE ROW LEVEL SECURITY;
  ALTER TABLE relay_positions FORCE ROW LEVEL SECURITY;
  CREATE POLICY relay_positions_of_program ON relay_positions
    USING (program_id = (SELECT current_setting('upline.program', true)));
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON relay_positions TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
