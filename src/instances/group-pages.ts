import { type Caller, InstanceError } from './caller.js'
import type { Connection } from './connection.js'
import { isLarge } from './large.js'
import type { Layout } from './layout.js'
import { cursorAfter, isAfter, itemsAfter, MOST_PAGE, NOT_OURS, nameBefore } from './name-pages.js'
import { createPageSize, paged } from './page-size.js'
import { isCursor, literalPattern } from './scan.js'
import { readingScript, runScript } from './scripts.js'
import type { GroupFigures, GroupStore, ItemPage } from './store.js'

/** Names looked at in one round trip while something is searched for; each has the deadline. */
const LOOKED = 1_000
/** Round trips that one page may cost where little is found. */
const MAX_ROUNDS = 20

/** What a group holds travels apart from other calls where it is large. */
export interface GroupLines {
  readonly data: Connection
  lineOf(group: string): Connection
  /** A text of the group. */
  seen(group: string, text: string): void
}

/** Groups and items page by page, for those who look at them. */
export const createGroupPages = (
  caller: Caller,
  { data, lineOf, seen }: GroupLines,
  layout: Layout,
): Pick<GroupStore, 'groupPage' | 'itemPage'> => {
  const refuse = (text: string): Error => caller.refuse('refused', text)
  const sizes = createPageSize('small')

  return {
    groupPage: async ({ search, cursor, limit }, options) => {
      const before = nameBefore(cursor, refuse)
      const groups: GroupFigures[] = []
      let from = before === undefined ? '-' : `(${before}`
      for (let round = 1; ; round++) {
        const look = search === '' ? limit : LOOKED
        const args = [from, look, limit - groups.length, layout.groupPrefix, search]
        const reply = await caller.call(data, 'read', options?.timeout, (redis) =>
          runScript(redis, groupPageScript, [layout.groupIndex], args),
        )
        const [last, total, found] = reply as [string | null, number, [string, number | null, number][]]
        for (const [name, items, left] of found) {
          groups.push({ name, items: items ?? undefined, endsAt: left < 0 ? undefined : Date.now() + left })
        }
        if (last === null) return { groups, cursor: undefined, total }
        if (groups.length >= limit || round === MAX_ROUNDS) return { groups, cursor: cursorAfter(last), total }
        from = `(${last}`
      }
    },

    itemPage: async (group, ask, options) => {
      const { search, cursor, limit } = ask
      const { at: begin, before } = readCursor(cursor, refuse)
      const key = layout.group(group)
      const items: [string, string][] = []
      let at = begin
      let count = Math.min(limit, sizes.next())
      let length = 0
      try {
        for (let round = 1; ; round++) {
          const [page, total, left] = await paged(
            sizes,
            caller.call(lineOf(group), 'read', options?.timeout, (redis) =>
              Promise.all([
                redis.hscan(key, at, 'MATCH', `*${literalPattern(search)}*`, 'COUNT', count),
                redis.hlen(key),
                redis.pttl(key),
              ]),
            ),
          )
          const [next, found] = page
          const got = pairs(found)
          let came = 0
          for (const [, text] of got) {
            came += text.length
            if (isLarge(text)) seen(group, text)
          }
          sizes.came(got.length, came)
          const endsAt = left < 0 ? undefined : Date.now() + left
          // A small one comes as a whole, however little is asked for.
          if (begin === '0' && at === begin && next === '0') {
            return { ...itemsAfter(got, before, ask), total, endsAt }
          }
          items.push(...got.filter(([field]) => isAfter(field, before)))
          length += came
          at = next
          if (at === '0') return { items, cursor: undefined, total, endsAt }
          if (items.length >= limit || length > MOST_PAGE || round === MAX_ROUNDS) {
            return { items, cursor: writeCursor(at, before), total, endsAt }
          }
          count = got.length === 0 ? Math.min(LOOKED, count * 2) : Math.min(limit - items.length, sizes.next())
        }
      } catch (error) {
        // Another type of data at a group's key: a group that holds nothing.
        if (error instanceof InstanceError && error.fault.code === 'WRONGTYPE') return NOTHING
        throw error
      }
    },
  }
}

/**
 * KEYS: index. ARGV: from (a ZRANGEBYLEX bound), names to look at, groups wanted, prefix of group keys, text that a name
 * has in it. Answers the last name looked at, or false at the end, how many names there are, and name, number of items
 * and life in ms of each group found. Changes nothing: whoever looks may not be allowed to.
 */
const groupPageScript = readingScript(`
local names = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local wanted, found, last = tonumber(ARGV[3]), {}, false
for i, name in ipairs(names) do
  last = name
  if ARGV[5] == '' or string.find(name, ARGV[5], 1, true) then
    local left = redis.call('PTTL', ARGV[4] .. name)
    if left ~= -2 then
      local items = redis.pcall('HLEN', ARGV[4] .. name)
      found[#found + 1] = {name, type(items) == 'number' and items, left}
      if #found == wanted then break end
    end
  end
end
local ended = last == names[#names] and #names < tonumber(ARGV[2])
return {not ended and last, redis.call('ZCARD', KEYS[1]), found}`)

const NOTHING: ItemPage = { items: [], cursor: undefined, total: 0, endsAt: undefined }

const pairs = (page: readonly string[]): [string, string][] =>
  Array.from({ length: page.length / 2 }, (_, i) => [page[i * 2] ?? '', page[i * 2 + 1] ?? ''])

const SCAN = 'scan.'
const writeCursor = (at: string, before: string | undefined): string =>
  before === undefined ? SCAN + at : `${SCAN}${at}.${cursorAfter(before)}`

/**
 * Of a group that came as a whole its last page ended with a name. If it has grown meanwhile, HSCAN begins, and what was
 * shown already is left out by that name: then a cursor has both.
 */
const readCursor = (
  cursor: string | undefined,
  refuse: (text: string) => Error,
): { readonly at: string; readonly before: string | undefined } => {
  if (cursor === undefined || !cursor.startsWith(SCAN)) return { at: '0', before: nameBefore(cursor, refuse) }
  const [at = '', ...rest] = cursor.slice(SCAN.length).split('.')
  if (!isCursor(at)) throw refuse(NOT_OURS)
  return { at, before: rest.length === 0 ? undefined : nameBefore(rest.join('.'), refuse) }
}
