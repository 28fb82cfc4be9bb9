// The question that is asked when a shop installs the app stands beside the adapter and not among the client's documents.
import test from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as gql from 'graphql'
import { adminapi, wholeSchema, version } from './prune.mjs'

test(`the question asked at an install is valid on the whole schema of ${version}`, () => {
  const document = gql.parse(readFileSync(join(adminapi, '../identity.graphql'), 'utf8'))
  const schema = wholeSchema()
  assert.deepEqual(gql.validate(schema, document).map((e) => e.message), [])
  assert.deepEqual(gql.validate(schema, document, [gql.NoDeprecatedCustomRule]).map((e) => e.message), [])
})
