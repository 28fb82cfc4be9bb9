-- +goose Up

-- Views of lists that somebody keeps: the filters of a list under a name, for themselves or for the whole company.
CREATE TABLE saved_views (
  program_id text COLLATE "C" NOT NULL,
  view_id    text COLLATE "C" NOT NULL,
  actor      text COLLATE "C" NOT NULL, -- whose it is, as in the audit log
  list       text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  query      text COLLATE "C" NOT NULL, -- the filters as an address has them
  shared     bigint NOT NULL,           -- 1: everybody in the company sees it
  created_at bigint NOT NULL,
  CONSTRAINT saved_views_pkey PRIMARY KEY (program_id, view_id),
  CONSTRAINT saved_views_name UNIQUE (program_id, actor, list, name)
);
CREATE INDEX saved_views_shared ON saved_views (program_id) WHERE shared = 1;

-- Row-level security, as in the first migration. A member is taken out before the program is known to the database.
-- +goose StatementBegin
DO $$
BEGIN
  ALTER TABLE saved_views ENABLE ROW LEVEL SECURITY;
  ALTER TABLE saved_views FORCE ROW LEVEL SECURITY;
  CREATE POLICY saved_views_of_program ON saved_views USING ((SELECT coalesce(current_setting('upline.program', true), '')) = ''
    OR program_id = (SELECT current_setting('upline.program', true)));
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON saved_views TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
