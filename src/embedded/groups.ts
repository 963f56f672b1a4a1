import { randomBytes } from 'node:crypto'
import type { GroupStore } from '../instances/store.js'
import { type EmbeddedDatabase, type Group, within } from './database.js'
import { fullError } from './entries.js'

const PAGE = 1_000
const MAX_BYTES = 256 * 1024 * 1024

/**
 * Groups in LMDB: a record per group, and its items under the record's id. Dropping a group drops its record and
 * leaves the items to the sweep, so that clear costs the same for any size.
 */
export const createGroups = (database: () => EmbeddedDatabase, prefix: string, maxBytes = MAX_BYTES): GroupStore => {
  const nameOf = (group: string): Buffer => database().keyOf(prefix + group)

  const live = (name: Buffer): Group | undefined => {
    const record = database().tables.groups.get(name)
    return record !== undefined && (record[0] === 0 || record[0] > Date.now()) ? record : undefined
  }

  const itemKey = (record: Group, field: string): Buffer => Buffer.concat([record[2], Buffer.from(field)])

  /** Inside a transaction. */
  const drop = (name: Buffer): void => {
    const { tables } = database()
    const record = tables.groups.get(name)
    if (record === undefined) return
    tables.dropped.putSync(Buffer.from(record[2]), true)
    tables.groups.removeSync(name)
  }

  /** Page by page, giving way to others between pages. */
  const pages = async (group: string, visit: (field: string, text: string) => void): Promise<void> => {
    const record = live(nameOf(group))
    if (record === undefined) return
    const { items } = database().tables
    const id = Buffer.from(record[2])
    const bounds = within(id)
    let after: Buffer | undefined
    for (;;) {
      let seen = 0
      const from = after === undefined ? {} : { start: after, exclusiveStart: true }
      for (const { key, value } of items.getRange({ ...bounds, ...from, limit: PAGE })) {
        seen++
        after = key
        visit(key.subarray(id.length).toString(), value)
      }
      if (seen < PAGE) return
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  return {
    groupGet: async (group, field) => {
      const record = live(nameOf(group))
      return record === undefined ? undefined : database().tables.items.get(itemKey(record, field))
    },

    groupSet: async (group, field, text, ttl, maxItems, options) => {
      const { tables, transact, refuse, keyOf } = database()
      const name = nameOf(group)
      keyOf(`12345678${field}`)
      const error = await transact(() => {
        const full = fullError(database(), maxBytes)
        if (full !== undefined) return full
        const known = live(name)
        const record: Group = known ?? [0, 0, randomBytes(8)]
        const key = itemKey(record, field)
        const isNew = known === undefined || tables.items.get(key) === undefined
        if (isNew && record[1] >= maxItems) return refuse('too-large', 'the group has reached its limit of items')
        if (known === undefined) drop(name)
        tables.items.putSync(key, text)
        tables.groups.putSync(name, [
          ttl === false ? 0 : Date.now() + Math.ceil(ttl),
          record[1] + (isNew ? 1 : 0),
          record[2],
        ])
        return undefined
      }, options?.timeout)
      if (error !== undefined) throw error
    },

    groupDelete: async (group, field, options) => {
      const { tables, transact } = database()
      const name = nameOf(group)
      return transact(() => {
        const record = live(name)
        if (record === undefined) return undefined
        const key = itemKey(record, field)
        const old = tables.items.get(key)
        if (old === undefined) return undefined
        tables.items.removeSync(key)
        if (record[1] <= 1) tables.groups.removeSync(name)
        else tables.groups.putSync(name, [record[0], record[1] - 1, record[2]])
        return old
      }, options?.timeout)
    },

    groupAll: async (group) => {
      const items: [string, string][] = []
      await pages(group, (field, text) => items.push([field, text]))
      return items
    },

    groupFields: async (group) => {
      const fields: string[] = []
      await pages(group, (field) => fields.push(field))
      return fields
    },

    groupClear: async (group, options) => {
      const name = nameOf(group)
      await database().transact(() => drop(name), options?.timeout)
    },

    groups: async () => {
      const { tables, keyOf } = database()
      const start = keyOf(prefix)
      const now = Date.now()
      const names: string[] = []
      for (const { key, value } of tables.groups.getRange(within(start))) {
        if (value[0] === 0 || value[0] > now) names.push(key.subarray(start.length).toString())
      }
      return names
    },
  }
}
