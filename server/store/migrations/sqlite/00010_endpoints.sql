-- +goose Up

-- Outgoing webhooks: where a program wants to be told of what happens, what it is told, and how each attempt went. Times,
-- flags and absent values are as in the first migration.

CREATE TABLE webhook_endpoints (
  program_id        TEXT    NOT NULL,
  endpoint_id       TEXT    NOT NULL,
  url               TEXT    NOT NULL,
  description       TEXT    NOT NULL,
  types_json        TEXT    NOT NULL,
  state             TEXT    NOT NULL CHECK (state IN ('active', 'paused')),
  reason            TEXT    NOT NULL, -- why it is paused
  sealed_secret     BLOB    NOT NULL,
  sealed_old_secret BLOB,             -- signs beside the new one until old_until
  old_until         INTEGER NOT NULL DEFAULT 0,
  last_sequence     INTEGER NOT NULL DEFAULT 0, -- of its messages
  created_at        INTEGER NOT NULL,
  succeeded_at      INTEGER NOT NULL DEFAULT 0, -- 0: never yet
  failing_since     INTEGER NOT NULL DEFAULT 0, -- 0: the last attempt succeeded
  retry_at          INTEGER NOT NULL DEFAULT 0, -- nothing is sent before
  version           INTEGER NOT NULL DEFAULT 1,
  lease_owner       TEXT    NOT NULL DEFAULT '', -- who sends
  lease_until       INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (program_id, endpoint_id)
) STRICT;

CREATE TABLE webhook_messages (
  program_id  TEXT    NOT NULL,
  endpoint_id TEXT    NOT NULL,
  sequence    INTEGER NOT NULL, -- per endpoint; messages of one subject are sent in this order
  event_id    TEXT    NOT NULL,
  type        TEXT    NOT NULL,
  subject     TEXT    NOT NULL,
  body        TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
  attempt     INTEGER NOT NULL DEFAULT 0,
  base        INTEGER NOT NULL DEFAULT 0, -- attempts before it was last sent anew by hand
  due_at      INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT webhook_messages_pkey PRIMARY KEY (program_id, endpoint_id, sequence),
  CONSTRAINT webhook_messages_once UNIQUE (program_id, endpoint_id, event_id)
) STRICT;
CREATE INDEX webhook_messages_waiting ON webhook_messages (program_id, endpoint_id, due_at) WHERE state = 'waiting';
CREATE INDEX webhook_messages_in_order ON webhook_messages (program_id, endpoint_id, sequence) WHERE state = 'waiting';
CREATE INDEX webhook_messages_by_age ON webhook_messages (created_at);

CREATE TABLE webhook_attempts (
  program_id  TEXT    NOT NULL,
  endpoint_id TEXT    NOT NULL,
  sequence    INTEGER NOT NULL,
  attempt     INTEGER NOT NULL, -- from 1
  at          INTEGER NOT NULL,
  status      INTEGER NOT NULL, -- of HTTP; 0: there was no answer
  latency_us  INTEGER NOT NULL,
  fault       TEXT    NOT NULL, -- why there was no answer
  answer      TEXT    NOT NULL, -- the beginning of what was answered
  CONSTRAINT webhook_attempts_pkey PRIMARY KEY (program_id, endpoint_id, sequence, attempt)
) STRICT, WITHOUT ROWID;
