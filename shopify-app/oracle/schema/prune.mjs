// Cuts Shopify's Admin schema down to what our documents use. The whole schema (3.7 MB) stays in its npm package; the
// cut is committed, and schema.test.mjs holds the two and the documents against each other.
import { readFileSync, readdirSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as gql from 'graphql'

export const version = '2026-10'
const here = dirname(fileURLToPath(import.meta.url))
export const adminapi = join(here, '../../../adapters/shopify/adminapi')
export const committed = join(adminapi, 'schema.graphql')

// published reads the introspection that Shopify publishes for its own tools.
function published() {
  const file = join(here, `../node_modules/@shopify/dev-mcp/dist/data/admin_${version}.json.gz`)
  const introspection = JSON.parse(gunzipSync(readFileSync(file)))
  return introspection.data ?? introspection
}

export const wholeSchema = () => gql.buildClientSchema(published())

// access tells what Shopify says an app must be granted for a type, "Type", or a field, "Type.field"; undefined for nothing.
export function access() {
  const said = new Map()
  for (const type of published().__schema.types) {
    said.set(type.name, type.requiredAccess ?? undefined)
    for (const field of type.fields ?? []) said.set(`${type.name}.${field.name}`, field.requiredAccess ?? undefined)
  }
  return (name) => said.get(name)
}

// documents parses every .graphql file beside the client as one document, since fragments are shared.
export function documents() {
  const folder = join(adminapi, 'documents')
  const text = readdirSync(folder).filter((f) => f.endsWith('.graphql')).sort().map((f) => readFileSync(join(folder, f), 'utf8'))
  return gql.parse(text.join('\n'))
}

// used collects the fields, arguments and types that the documents touch; input types and enums are kept whole, as
// deep as the given inputs need.
function used(schema, document) {
  const fields = new Map() // type name -> field name -> argument names
  const names = new Set()
  const info = new gql.TypeInfo(schema)
  const keepInput = (type) => {
    const named = gql.getNamedType(type)
    if (names.has(named.name)) return
    names.add(named.name)
    if (gql.isInputObjectType(named)) {
      for (const field of Object.values(named.getFields())) if (inputs[named.name]?.includes(field.name)) keepInput(field.type)
    }
  }
  gql.visit(document, gql.visitWithTypeInfo(info, {
    VariableDefinition: (node) => keepInput(gql.typeFromAST(schema, node.type)),
    NamedType: (node) => { if (gql.isCompositeType(schema.getType(node.name.value))) names.add(node.name.value) },
    Field: (node) => {
      const parent = info.getParentType()
      if (node.name.value === '__typename') return
      const own = fields.get(parent.name) ?? fields.set(parent.name, new Map()).get(parent.name)
      const args = own.get(node.name.value) ?? own.set(node.name.value, new Set()).get(node.name.value)
      names.add(parent.name)
      names.add(gql.getNamedType(info.getType()).name)
      for (const arg of node.arguments ?? []) {
        args.add(arg.name.value)
        keepInput(info.getFieldDef().args.find((a) => a.name === arg.name.value).type)
      }
      for (const arg of info.getFieldDef().args) if (gql.isRequiredArgument(arg)) { args.add(arg.name); keepInput(arg.type) }
    },
  }))
  return { fields, names }
}

// inputs names the members of input types that we send; all others are left out of the cut.
const inputs = {
  DiscountCodeBasicInput: ['title', 'code', 'startsAt', 'context', 'customerGets', 'combinesWith', 'appliesOncePerCustomer'],
  DiscountContextInput: ['all'],
  DiscountCustomerGetsInput: ['items', 'value'],
  DiscountCustomerGetsValueInput: ['percentage'],
  DiscountItemsInput: ['all'],
  DiscountCombinesWithInput: ['orderDiscounts', 'productDiscounts', 'shippingDiscounts'],
  DiscountRedeemCodeInput: ['code'],
  WebPixelInput: ['settings'],
  WebhookSubscriptionInput: ['uri', 'includeFields'],
}

// values names those of long enums that we name; all others are left out of the cut.
const values = { WebhookSubscriptionTopic: ['DISPUTES_CREATE', 'DISPUTES_UPDATE', 'RETURNS_PROCESS'] }

// prune prints the part of the schema that was used, without descriptions.
export function prune(schema, document) {
  const { fields, names } = used(schema, document)
  // What implements a used interface may come back, so it is kept, with the fields asked of the interface.
  for (const name of [...names]) {
    const type = schema.getType(name)
    if (!gql.isAbstractType(type)) continue
    for (const possible of schema.getPossibleTypes(type)) {
      names.add(possible.name)
      const own = fields.get(possible.name) ?? fields.set(possible.name, new Map()).get(possible.name)
      for (const [field, args] of fields.get(name) ?? []) own.set(field, new Set([...args, ...(own.get(field) ?? [])]))
    }
  }
  const argument = (a) => `${a.name}: ${a.type}${a.defaultValue === undefined ? '' : ` = ${gql.print(gql.astFromValue(a.defaultValue, a.type))}`}`
  const field = (f, wanted) => {
    const args = f.args.filter((a) => wanted.has(a.name)).map(argument)
    return `  ${f.name}${args.length ? `(${args.join(', ')})` : ''}: ${f.type}\n`
  }
  const blocks = []
  for (const name of [...names].sort()) {
    const type = schema.getType(name)
    if (gql.isScalarType(type)) {
      if (!gql.isSpecifiedScalarType(type)) blocks.push(`scalar ${name}\n`)
    } else if (gql.isEnumType(type)) {
      blocks.push(`enum ${name} {\n${type.getValues().filter((v) => values[name]?.includes(v.name) ?? true).map((v) => `  ${v.name}\n`).join('')}}\n`)
    } else if (gql.isInputObjectType(type)) {
      const kept = Object.values(type.getFields()).filter((f) => inputs[name]?.includes(f.name))
      blocks.push(`input ${name}${type.isOneOf ? ' @oneOf' : ''} {\n${kept.map((f) => `  ${argument(f)}\n`).join('')}}\n`)
    } else {
      const own = fields.get(name)
      const kept = Object.values(type.getFields()).filter((f) => own?.has(f.name))
      const faces = gql.isObjectType(type) ? type.getInterfaces().filter((i) => names.has(i.name)).map((i) => i.name).sort() : []
      const head = `${gql.isInterfaceType(type) ? 'interface' : 'type'} ${name}${faces.length ? ` implements ${faces.join(' & ')}` : ''}`
      blocks.push(kept.length ? `${head} {\n${kept.map((f) => field(f, own.get(f.name))).join('')}}\n` : `${head} {\n  id: ID!\n}\n`)
    }
  }
  return `# The part of Shopify's Admin API ${version} that our documents use. Made by shopify-app/oracle/schema/write.mjs.\n\n` +
    `schema {\n  query: ${schema.getQueryType().name}\n  mutation: ${schema.getMutationType().name}\n}\n\n${blocks.join('\n')}`
}
