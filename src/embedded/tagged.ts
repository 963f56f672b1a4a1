import { tagsIn } from '../codec/envelope.js'
import type { Layout } from '../instances/layout.js'
import type { EntryStore, Tags } from '../instances/store.js'
import { momentField } from '../instances/tag-scripts.js'
import { type EmbeddedDatabase, type OpenDatabase, within } from './database.js'
import { leaseRow } from './lease-row.js'
import { momentsIn } from './moments.js'

/** Rows of one transaction at most, and characters of the entries that are looked into: nothing else runs meanwhile. */
const BATCH = 1_000
const MOST_TEXT = 1024 * 1024

/** What the rows of a tag begin with: its length comes before it, so that none is mistaken for another. */
const rowsOf = ({ tagPrefix }: Layout, category: string, tag: string): string =>
  `${tagPrefix}${category}:${Buffer.byteLength(tag)}:${tag}:`

/** The rows of an entry: one per tag, which ends with it. Throws where the names are too long. */
export const rowsFor = ({ keyOf }: EmbeddedDatabase, layout: Layout, key: string, tags: Tags | undefined): Buffer[] =>
  tags === undefined ? [] : tags.names.map((tag) => keyOf(rowsOf(layout, tags.category, tag) + key))

/** Inside the transaction that writes the entry. */
export const enrol = ({ tables }: EmbeddedDatabase, rows: readonly Buffer[], endsAt: number): void => {
  for (const row of rows) tables.entries.putSync(row, [Math.ceil(endsAt), ''])
}

/** Tags in LMDB: a row among the entries for each tag of each entry. An entry that was written again without it is found by its text. */
export const createTagged = (
  database: OpenDatabase,
  layout: Layout,
): Pick<EntryStore, 'removeTagged' | 'invalidateEverywhere'> => {
  /** Whether those were all, and how many entries went. */
  const removeBatch = (
    { tables, keyOf }: EmbeddedDatabase,
    category: string,
    tag: string,
  ): { readonly last: boolean; readonly removed: number } => {
    const prefix = keyOf(rowsOf(layout, category, tag))
    const rows = [...tables.entries.getKeys({ ...within(prefix), limit: BATCH })]
    const now = Date.now()
    let removed = 0
    let length = 0
    for (const row of rows) {
      if (length > MOST_TEXT) return { last: false, removed }
      const key = Buffer.from(row.subarray(prefix.length))
      tables.entries.removeSync(row)
      const entry = tables.entries.get(key)
      if (entry === undefined) continue
      length += entry[1].length
      if (!tagsIn(entry[1]).includes(tag)) continue
      tables.entries.removeSync(key)
      tables.entries.removeSync(leaseRow({ keyOf }, layout, key.toString()))
      if (entry[0] > now) removed++
    }
    return { last: rows.length < BATCH, removed }
  }

  return {
    removeTagged: async ({ category, names }, options) => {
      let fields = options?.marked === true ? [] : names.map((tag) => momentField(category, tag))
      let count = 0
      for (const tag of names) {
        for (;;) {
          const open = database(count > 0 ? 'unknown' : 'no')
          const { last, removed } = await open.transact(() => {
            momentsIn(open, layout.invalidated).mark(fields)
            return removeBatch(open, category, tag)
          }, options?.timeout)
          fields = []
          count += removed
          if (last) break
        }
      }
      return count
    },

    invalidateEverywhere: async (tags, options) => {
      const open = database()
      const fields = tags.map((tag) => momentField('', tag))
      await open.transact(() => momentsIn(open, layout.invalidated).mark(fields), options?.timeout)
      const { tables, keyOf } = open
      const categories: string[] = []
      let bounds = within(keyOf(layout.tagPrefix))
      for (;;) {
        const [next] = [...tables.entries.getKeys({ ...bounds, limit: 1 })]
        const category = next?.toString().slice(layout.tagPrefix.length).split(':', 1)[0]
        if (category === undefined) return categories
        categories.push(category)
        // Past all rows of this one.
        const { end } = within(keyOf(`${layout.tagPrefix}${category}:`))
        if (end === undefined) return categories
        bounds = { ...bounds, start: end }
      }
    },
  }
}
