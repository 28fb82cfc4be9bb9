import test from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import * as gql from 'graphql'
import { parse as parseTOML } from 'smol-toml'
import { access, committed, documents, prune, version, wholeSchema } from './prune.mjs'

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

// refused gives what the documents read and the scopes do not allow, by Shopify's own words: of the scopes that a sentence
// names any will do, and to write a thing is to read it, too. What follows "Also:" speaks of people and plans.
function refused(scopes) {
  const may = access(), read = new Set()
  const info = new gql.TypeInfo(schema)
  gql.visit(all, gql.visitWithTypeInfo(info, { Field: (node) => {
    const parent = info.getParentType().name
    for (const name of [parent, `${parent}.${node.name.value}`, gql.getNamedType(info.getType()).name]) read.add(name)
  } }))
  const held = (scope) => scopes.includes(scope) || scopes.includes(scope.replace(/^read_/, 'write_'))
  return [...read].filter((name) => {
    const named = (may(name) ?? '').split(' Also:')[0].match(/(?:read|write)_[a-z_]+/g)
    return named && !named.some(held)
  })
}

test("the scopes of shopify.app.toml cover every field that is read", () => {
  const manifest = parseTOML(readFileSync(new URL('../../../shopify.app.toml', import.meta.url), 'utf8'))
  const scopes = manifest.access_scopes.scopes.split(',')
  assert.deepEqual(refused(scopes), [])
  assert.ok(refused(scopes.filter((s) => s !== 'read_orders')).includes('Order'), 'the check sees a scope that is missing')
})
