-- +goose NO TRANSACTION
-- +goose Up

-- Made beside what settles meanwhile. A run that was broken off leaves an index that does not count, and begins anew.

-- That a fact is posted once is held by its settlement, as on SQLite: there is one for a program, order and revision, and one for a place
-- in a batch. An index over all hashes takes a page of its own for each posting; within its batch a fact is found where the last ones are.
DROP INDEX CONCURRENTLY IF EXISTS postings_once;
CREATE UNIQUE INDEX CONCURRENTLY postings_once ON postings (program_id, batch_sequence, event_id);
ALTER TABLE postings DROP CONSTRAINT IF EXISTS postings_event_once;

-- The same entries, by what tells them apart first: every comparison began with a program that all of them have in common.
DROP INDEX CONCURRENTLY IF EXISTS postings_by_person;
CREATE INDEX CONCURRENTLY postings_by_person ON postings (distributor_id, program_id, batch_sequence, position)
  INCLUDE (kind, currency, amount_minor);
DROP INDEX CONCURRENTLY IF EXISTS postings_by_distributor;
ALTER INDEX IF EXISTS postings_by_person RENAME TO postings_by_distributor;

-- A delivery is claimed before it is settled: with room on its page the claim changes no index.
ALTER TABLE inbox_state SET (fillfactor = 50);
