-- +goose Up

-- Mapping rules: how the SKUs of a program look, and what those that look alike become. One document per program, since the
-- order of the rules says which one counts where several fit.
CREATE TABLE mapping_rules (
  program_id TEXT NOT NULL,
  rules_json TEXT NOT NULL, -- a list, the first that fits counts
  version    INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL,
  CONSTRAINT mapping_rules_pkey PRIMARY KEY (program_id)
) STRICT, WITHOUT ROWID;

-- When the company was closed: from then on nothing comes in and nothing of what it is can be changed. 0: it is open.
ALTER TABLE programs ADD COLUMN closed_at INTEGER NOT NULL DEFAULT 0;
