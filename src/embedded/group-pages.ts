import { cursorAfter, MOST_PAGE, nameBefore } from '../instances/name-pages.js'
import type { GroupFigures, GroupStore } from '../instances/store.js'
import { type EmbeddedDatabase, type Group, type OpenDatabase, within } from './database.js'

/** Names that one page looks at: a few milliseconds, in which nobody else is served. */
const MOST_LOOKED = 5_000

/** Groups and items page by page, in byte order. `live`: the record of a group that hasn't ended. */
export const createGroupPages = (
  database: OpenDatabase,
  prefix: string,
  live: (open: EmbeddedDatabase, name: Buffer) => Group | undefined,
): Pick<GroupStore, 'groupPage' | 'itemPage'> => ({
  groupPage: async ({ search, cursor, limit }) => {
    const open = database()
    const { tables, keyOf } = open
    const start = keyOf(prefix)
    const groups: GroupFigures[] = []
    const page = { ...within(start), ...after(open, start, cursor), limit: MOST_LOOKED }
    const now = Date.now()
    let looked = 0
    let last = ''
    for (const { key, value } of tables.groups.getRange(page)) {
      looked++
      last = key.subarray(start.length).toString()
      const [endsAt, items] = value
      if (!last.includes(search) || (endsAt !== 0 && endsAt <= now)) continue
      groups.push({ name: last, items, endsAt: endsAt === 0 ? undefined : endsAt })
      if (groups.length === limit) break
    }
    const isLast = looked < MOST_LOOKED && groups.length < limit
    return { groups, cursor: isLast ? undefined : cursorAfter(last), total: countIn(tables.groups) }
  },

  itemPage: async (group, { search, cursor, limit }) => {
    const open = database()
    const { tables, keyOf } = open
    const record = live(open, keyOf(prefix + group))
    const begin = after(open, Buffer.from(record?.[2] ?? []), cursor)
    if (record === undefined) return { items: [], cursor: undefined, total: 0, endsAt: undefined }
    const id = Buffer.from(record[2])
    const items: [string, string][] = []
    let looked = 0
    let length = 0
    let last = ''
    // Names only: a text is decoded where it is shown.
    for (const key of tables.items.getKeys({ ...within(id), ...begin, limit: MOST_LOOKED })) {
      looked++
      last = key.subarray(id.length).toString()
      const value = last.includes(search) ? tables.items.get(key) : undefined
      if (value === undefined) continue
      items.push([last, value])
      length += value.length
      if (items.length === limit || length > MOST_PAGE) break
    }
    const isLast = looked < MOST_LOOKED && items.length < limit && length <= MOST_PAGE
    const [endsAt, total] = record
    return {
      items,
      cursor: isLast ? undefined : cursorAfter(last),
      total,
      endsAt: endsAt === 0 ? undefined : endsAt,
    }
  },
})

const after = ({ refuse, checkKeyLength }: EmbeddedDatabase, start: Buffer, cursor: string | undefined) => {
  const name = nameBefore(cursor, (text) => refuse('refused', text))
  if (name === undefined) return {}
  const key = Buffer.concat([start, Buffer.from(name)])
  checkKeyLength(key.length)
  return { start: key, exclusiveStart: true }
}

/** All that lie in a table, at no cost. */
const countIn = (table: EmbeddedDatabase['tables']['groups']): number =>
  Number(Reflect.get(table.getStats(), 'entryCount') ?? 0)
