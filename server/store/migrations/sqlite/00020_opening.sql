-- +goose Up

-- PostgreSQL has functions here that save exchanges with the server. SQLite has no server.
SELECT 1;
