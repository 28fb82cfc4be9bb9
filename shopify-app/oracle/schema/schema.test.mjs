import test from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import * as gql from 'graphql'
import { committed, documents, prune, version, wholeSchema } from './prune.mjs'

const schema = wholeSchema()
const all = documents()

test(`every document is valid on the whole schema of ${version}`, () => {
  assert.deepEqual(gql.validate(schema, all).map((e) => e.message), [])
  const operations = all.definitions.filter((d) => d.kind === 'OperationDefinition')
  assert.ok(operations.length > 10, `only ${operations.length} operations were read`)
})

test('no document uses a deprecated field or argument', () => {
  assert.deepEqual(gql.validate(schema, all, [gql.NoDeprecatedCustomRule]).map((e) => e.message), [])
})

test('the committed schema is the part of it that the documents use', () => {
  assert.equal(readFileSync(committed, 'utf8'), prune(schema, all))
  assert.deepEqual(gql.validate(gql.buildSchema(readFileSync(committed, 'utf8')), all).map((e) => e.message), [])
})

test('no document asks for persons', () => {
  const info = new gql.TypeInfo(schema)
  const asked = new Set()
  gql.visit(all, gql.visitWithTypeInfo(info, { Field: () => void asked.add(gql.getNamedType(info.getType())?.name) }))
  for (const personal of ['Customer', 'MailingAddress', 'StaffMember', 'PurchasingEntity', 'CustomerEmailAddress']) {
    assert.ok(!asked.has(personal), `a document asks for ${personal}`)
  }
})
