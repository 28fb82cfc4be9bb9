-- +goose Up

-- Mapping rules: how the SKUs of a program look, and what those that look alike become. One document per program, since the
-- order of the rules says which one counts where several fit.
CREATE TABLE mapping_rules (
  program_id text COLLATE "C" NOT NULL,
  rules_json text COLLATE "C" NOT NULL, -- a list, the first that fits counts
  version    bigint NOT NULL,
  updated_at bigint NOT NULL,
  updated_by text COLLATE "C" NOT NULL,
  CONSTRAINT mapping_rules_pkey PRIMARY KEY (program_id)
);

-- When the company was closed: from then on nothing comes in and nothing of what it is can be changed. 0: it is open.
ALTER TABLE programs ADD COLUMN closed_at bigint NOT NULL DEFAULT 0;

-- Row-level security, as in the first migration. Which programs have rules is asked before the program is known.
-- +goose StatementBegin
DO $$
BEGIN
  ALTER TABLE mapping_rules ENABLE ROW LEVEL SECURITY;
  ALTER TABLE mapping_rules FORCE ROW LEVEL SECURITY;
  CREATE POLICY mapping_rules_of_program ON mapping_rules USING ((SELECT coalesce(current_setting('upline.program', true), '')) = ''
    OR program_id = (SELECT current_setting('upline.program', true)));
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON mapping_rules TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
