-- +goose Up

-- PostgreSQL has a function here that saves exchanges with the server. SQLite has no server.
SELECT 1;
