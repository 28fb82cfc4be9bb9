-- +goose Up

-- Settling asks for the few people of its orders, and not for everybody as a close does.
CREATE INDEX person_facts_by_person ON person_facts (program_id, distributor_id, valid_from, version, enrolled_at);
