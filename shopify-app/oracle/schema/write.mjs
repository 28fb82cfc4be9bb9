// Writes adapters/shopify/adminapi/schema.graphql anew, after a document has changed or the version was raised.
import { writeFileSync } from 'node:fs'
import { committed, documents, prune, wholeSchema } from './prune.mjs'

writeFileSync(committed, prune(wholeSchema(), documents()))
