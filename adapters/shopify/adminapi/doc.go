// Package adminapi speaks Shopify's Admin GraphQL API, and nothing but it: one pinned version, every document in
// documents/ and typed by the schema, every failure told by name.
package adminapi

import _ "embed"

//go:generate go tool -modfile=../../../.ci/tools/go.mod genqlient

// Version is the API version this package speaks. Shopify serves a version that it no longer has by its oldest one, so
// every answer's own version is held against it.
const Version = "2026-10"

// SDL is the part of the Admin schema that our documents use. The tests' stand-in for Shopify answers by it.
//
//go:embed schema.graphql
var SDL string
