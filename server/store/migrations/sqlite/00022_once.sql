-- +goose Up

-- Here a fact is unique by its settlement from the beginning, and SQLite compares the parts of a key without a function each.
SELECT 1;
