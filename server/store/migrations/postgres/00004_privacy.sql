-- +goose Up

-- What the company says of customers of its stores, dated and versioned as the tree. What orders bind by themselves is in
-- customer_bindings.
CREATE TABLE stated_bindings (
  program_id     text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  store_id       text COLLATE "C" NOT NULL,
  customer_id    text COLLATE "C" NOT NULL,
  kind           text COLLATE "C" NOT NULL CHECK (kind IN ('self', 'sponsor')),
  distributor_id text COLLATE "C" NOT NULL, -- '' ends what was said before
  valid_from     bigint NOT NULL,
  recorded_at    bigint NOT NULL,
  CONSTRAINT stated_bindings_pkey PRIMARY KEY (program_id, store_id, customer_id, version, valid_from)
);
CREATE INDEX stated_bindings_by_distributor ON stated_bindings (program_id, distributor_id);

-- What persons, shops and authorities ask for. Names, e-mail and the like are in sealed_detail alone, until it is done.
CREATE TABLE privacy_requests (
  program_id    text COLLATE "C" NOT NULL REFERENCES programs (program_id),
  request_id    text COLLATE "C" NOT NULL,
  store_id      text COLLATE "C" NOT NULL,
  kind          text COLLATE "C" NOT NULL CHECK (kind IN ('customer_export', 'customer_erase', 'store_erase', 'distributor_erase')),
  subject       text COLLATE "C" NOT NULL, -- customer id or distributor id; '' for a whole store
  request_key   text COLLATE "C" NOT NULL, -- the same request asked twice is one
  sealed_detail bytea,
  status        text COLLATE "C" NOT NULL CHECK (status IN ('open', 'done')),
  actor         text COLLATE "C" NOT NULL,
  received_at   bigint NOT NULL,
  begins_at     bigint NOT NULL, -- not tried before
  due_at        bigint NOT NULL, -- the legal deadline
  attempt       bigint NOT NULL,
  note          text COLLATE "C" NOT NULL, -- what came of it, or why it is tried again
  counts_json   text COLLATE "C" NOT NULL, -- what was exported or erased
  finished_at   bigint NOT NULL, -- 0: not yet
  CONSTRAINT privacy_requests_pkey PRIMARY KEY (program_id, request_id),
  CONSTRAINT privacy_requests_once UNIQUE (program_id, store_id, kind, subject, request_key)
);
CREATE INDEX privacy_requests_open ON privacy_requests (program_id, begins_at) WHERE status = 'open';

CREATE TABLE privacy_exports (
  program_id     text COLLATE "C" NOT NULL,
  request_id     text COLLATE "C" NOT NULL,
  format         text COLLATE "C" NOT NULL CHECK (format IN ('json', 'csv')),
  store_id       text COLLATE "C" NOT NULL,
  subject        text COLLATE "C" NOT NULL,
  sealed_content bytea NOT NULL,
  made_at        bigint NOT NULL,
  CONSTRAINT privacy_exports_pkey PRIMARY KEY (program_id, request_id, format)
);
CREATE INDEX privacy_exports_by_subject ON privacy_exports (program_id, store_id, subject);

-- What a storefront tells of a checkout: a hint at whose sale it is, which may come before or after the order. The
-- checkout is a hash, since its token opens a page with the buyer's address.
CREATE TABLE reference_hints (
  program_id  text COLLATE "C" NOT NULL,
  store_id    text COLLATE "C" NOT NULL,
  checkout    text COLLATE "C" NOT NULL,
  reference   text COLLATE "C" NOT NULL,
  received_at bigint NOT NULL,
  CONSTRAINT reference_hints_pkey PRIMARY KEY (program_id, store_id, checkout)
);
CREATE INDEX reference_hints_by_time ON reference_hints (program_id, received_at);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['stated_bindings', 'privacy_requests', 'privacy_exports', 'reference_hints'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %I ON %I USING (program_id = (SELECT current_setting(%L, true)))',
                   t || '_of_program', t, 'upline.program');
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    RETURN;
  END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON stated_bindings, privacy_requests, privacy_exports, reference_hints TO upline_app;
END $$;
-- +goose StatementEnd
