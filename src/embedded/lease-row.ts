import type { Layout } from '../instances/layout.js'
import { digestOf } from '../instances/lease-rules.js'
import type { EmbeddedDatabase } from './database.js'

/** Where the lease on a key lies. What is too long for that is named by its digest. */
export const leaseRow = ({ keyOf }: Pick<EmbeddedDatabase, 'keyOf'>, layout: Layout, key: string): Buffer =>
  keyOf(layout.lease(Buffer.byteLength(key) > LONGEST_NAME ? digestOf(key) : key))

const LONGEST_NAME = 1_500
