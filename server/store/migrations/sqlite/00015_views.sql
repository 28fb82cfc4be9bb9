-- +goose Up

-- Views of lists that somebody keeps: the filters of a list under a name, for themselves or for the whole company.
CREATE TABLE saved_views (
  program_id TEXT    NOT NULL,
  view_id    TEXT    NOT NULL,
  actor      TEXT    NOT NULL, -- whose it is, as in the audit log
  list       TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  query      TEXT    NOT NULL, -- the filters as an address has them
  shared     INTEGER NOT NULL, -- 1: everybody in the company sees it
  created_at INTEGER NOT NULL,
  CONSTRAINT saved_views_pkey PRIMARY KEY (program_id, view_id),
  CONSTRAINT saved_views_name UNIQUE (program_id, actor, list, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_views_shared ON saved_views (program_id) WHERE shared = 1;
