-- +goose Up

-- Outgoing webhooks: where a program wants to be told of what happens, what it is told, and how each attempt went. Times,
-- flags and absent values are as in the first migration.

CREATE TABLE webhook_endpoints (
  program_id text COLLATE "C" NOT NULL,
  endpoint_id text COLLATE "C" NOT NULL,
  url text COLLATE "C" NOT NULL,
  description text COLLATE "C" NOT NULL,
  types_json text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('active', 'paused')),
  reason text COLLATE "C" NOT NULL, -- why it is paused
  sealed_secret bytea NOT NULL,
  sealed_old_secret bytea, -- signs beside the new one until old_until
  old_until bigint NOT NULL DEFAULT 0,
  last_sequence bigint NOT NULL DEFAULT 0, -- of its messages
  created_at bigint NOT NULL,
  succeeded_at bigint NOT NULL DEFAULT 0, -- 0: never yet
  failing_since bigint NOT NULL DEFAULT 0, -- 0: the last attempt succeeded
  retry_at bigint NOT NULL DEFAULT 0, -- nothing is sent before
  version bigint NOT NULL DEFAULT 1,
  lease_owner text COLLATE "C" NOT NULL DEFAULT '', -- who sends
  lease_until bigint NOT NULL DEFAULT 0,
  CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (program_id, endpoint_id)
);

CREATE TABLE webhook_messages (
  program_id text COLLATE "C" NOT NULL,
  endpoint_id text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL, -- per endpoint; messages of one subject are sent in this order
  event_id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  body text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
  attempt bigint NOT NULL DEFAULT 0,
  base bigint NOT NULL DEFAULT 0, -- attempts before it was last sent anew by hand
  due_at bigint NOT NULL,
  created_at bigint NOT NULL,
  finished_at bigint NOT NULL DEFAULT 0,
  CONSTRAINT webhook_messages_pkey PRIMARY KEY (program_id, endpoint_id, sequence),
  CONSTRAINT webhook_messages_once UNIQUE (program_id, endpoint_id, event_id)
);
CREATE INDEX webhook_messages_waiting ON webhook_messages (program_id, endpoint_id, due_at) WHERE state = 'waiting';
CREATE INDEX webhook_messages_in_order ON webhook_messages (program_id, endpoint_id, sequence) WHERE state = 'waiting';
CREATE INDEX webhook_messages_by_age ON webhook_messages (created_at);

CREATE TABLE webhook_attempts (
  program_id text COLLATE "C" NOT NULL,
  endpoint_id text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  attempt bigint NOT NULL, -- from 1
  at bigint NOT NULL,
  status bigint NOT NULL, -- of HTTP; 0: there was no answer
  latency_us bigint NOT NULL,
  fault text COLLATE "C" NOT NULL, -- why there was no answer
  answer text COLLATE "C" NOT NULL, -- the beginning of what was answered
  CONSTRAINT webhook_attempts_pkey PRIMARY KEY (program_id, endpoint_id, sequence, attempt)
);

-- Row-level security, as in the first migration. Endpoints and messages are found before the program is known, by whoever sends.
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['webhook_endpoints', 'webhook_messages'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %1$I ON %2$I USING ((SELECT coalesce(current_setting(%3$L, true), %4$L)) = %4$L'
                   ' OR program_id = (SELECT current_setting(%3$L, true)))', t || '_of_program', t, 'upline.program', '');
  END LOOP;
  FOREACH t IN ARRAY ARRAY['webhook_attempts'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (program_id = (SELECT current_setting(%L, true)))',
                   t || '_of_program', t, 'upline.program');
  END LOOP;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoints, webhook_messages, webhook_attempts TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
