import { randomBytes } from 'node:crypto'
import type { GroupStore } from '../instances/store.js'
import { type EmbeddedDatabase, type Group, type OpenDatabase, within } from './database.js'
import { createGroupPages } from './group-pages.js'

const PAGE = 1_000
const ID_BYTES = 8

/**
 * Groups in LMDB: a record per group, and its items under the record's id. Dropping a group drops its record and
 * leaves the items to the sweep, so that clear costs the same for any size.
 */
export const createGroups = (database: OpenDatabase, prefix: string): GroupStore => {
  const nameOf = ({ keyOf }: EmbeddedDatabase, group: string): Buffer => keyOf(prefix + group)

  const live = ({ tables }: EmbeddedDatabase, name: Buffer): Group | undefined => {
    const record = tables.groups.get(name)
    return record !== undefined && (record[0] === 0 || record[0] > Date.now()) ? record : undefined
  }

  /** An item's key is its group's id and this. */
  const fieldOf = ({ checkKeyLength }: EmbeddedDatabase, field: string): Buffer => {
    const bytes = Buffer.from(field)
    checkKeyLength(ID_BYTES + bytes.length)
    return bytes
  }
  const itemKey = (record: Group, field: Buffer): Buffer => Buffer.concat([record[2], field])

  /** Inside a transaction. */
  const drop = ({ tables }: EmbeddedDatabase, name: Buffer): void => {
    const record = tables.groups.get(name)
    if (record === undefined) return
    tables.dropped.putSync(Buffer.from(record[2]), true)
    tables.groups.removeSync(name)
  }

  /** Page by page, giving way to others between pages. */
  const pages = async (group: string, visit: (field: string, text: string) => void): Promise<void> => {
    const first = database()
    const record = live(first, nameOf(first, group))
    if (record === undefined) return
    const id = Buffer.from(record[2])
    const bounds = within(id)
    let after: Buffer | undefined
    for (;;) {
      let seen = 0
      const from = after === undefined ? {} : { start: after, exclusiveStart: true }
      // Asked for each page: it may be closed by now.
      for (const { key, value } of database().tables.items.getRange({ ...bounds, ...from, limit: PAGE })) {
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
      const open = database()
      const record = live(open, nameOf(open, group))
      const rest = fieldOf(open, field)
      return record === undefined ? undefined : open.tables.items.get(itemKey(record, rest))
    },

    groupSet: async (group, field, text, ttl, maxItems, options) => {
      const open = database()
      const { tables, transact, refuse, fullError } = open
      const name = nameOf(open, group)
      const rest = fieldOf(open, field)
      const error = await transact(() => {
        const full = fullError()
        if (full !== undefined) return full
        const known = live(open, name)
        const record: Group = known ?? [0, 0, randomBytes(ID_BYTES)]
        const key = itemKey(record, rest)
        const isNew = known === undefined || tables.items.get(key) === undefined
        if (isNew && record[1] >= maxItems) return refuse('too-large', 'the group has reached its limit of items')
        if (known === undefined) drop(open, name)
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
      const open = database()
      const { tables, transact } = open
      const name = nameOf(open, group)
      const rest = fieldOf(open, field)
      return transact(() => {
        const record = live(open, name)
        if (record === undefined) return undefined
        const key = itemKey(record, rest)
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
      const open = database()
      const name = nameOf(open, group)
      await open.transact(() => drop(open, name), options?.timeout)
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

    ...createGroupPages(database, prefix, live),
  }
}
