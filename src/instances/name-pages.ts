import type { GroupFigures, ItemPage, PageAsk } from './store.js'

/*
 * Pages of names in byte order. A cursor is the last name that was looked at, so it holds at every place where the same
 * names lie, whatever comes and goes meanwhile.
 */

const MARK = 'after.'

export const cursorAfter = (name: string): string => MARK + Buffer.from(name).toString('base64url')

/** Undefined: from the beginning. Throws what `refuse` makes for a cursor that is none of ours. */
export const nameBefore = (cursor: string | undefined, refuse: (text: string) => Error): string | undefined => {
  if (cursor === undefined) return undefined
  const name = cursor.startsWith(MARK) ? Buffer.from(cursor.slice(MARK.length), 'base64url').toString() : ''
  if (name === '' || cursorAfter(name) !== cursor) throw refuse(NOT_OURS)
  return name
}

export const NOT_OURS = 'this cursor is none of ours; start again without one'

export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Whether a name comes later than `before`; undefined: they all do. */
export const isAfter = (name: string, before: string | undefined): boolean =>
  before === undefined || byBytes(name, before) > 0

/** The first so many of the names after `before`, each once, in byte order; undefined: from the beginning. */
export const firstAfter = (names: Iterable<string>, before: string | undefined, most: number): string[] => {
  const from = before === undefined ? undefined : Buffer.from(before)
  let first: Buffer[] = []
  const cut = (): void => {
    first = first
      .sort(Buffer.compare)
      .filter((name, i) => i === 0 || first[i - 1]?.equals(name) !== true)
      .slice(0, most)
  }
  for (const name of names) {
    const bytes = Buffer.from(name)
    if (from !== undefined && bytes.compare(from) <= 0) continue
    first.push(bytes)
    if (first.length > 4 * most) cut()
  }
  cut()
  return first.map(String)
}

/** Characters of items in one page, about: a page is read within a deadline, and shown as a whole. */
export const MOST_PAGE = 2 * 1024 * 1024

/** One page of items that are all there already. */
export const itemsAfter = (
  all: readonly (readonly [field: string, text: string])[],
  before: string | undefined,
  { search, limit }: PageAsk,
): ItemPage => {
  const found = all.filter(([field]) => field.includes(search) && isAfter(field, before))
  const items: (readonly [field: string, text: string])[] = []
  let length = 0
  for (const item of found.sort(([a], [b]) => byBytes(a, b))) {
    if (items.length === limit || length > MOST_PAGE) break
    items.push(item)
    length += item[1].length
  }
  const last = items.length < found.length ? items.at(-1) : undefined
  return { items, cursor: last && cursorAfter(last[0]), total: all.length, endsAt: undefined }
}

/** One page of groups, some of which are named by `others` only, of which nothing else is known. */
export const withOthers = (
  groups: readonly GroupFigures[],
  others: readonly string[],
  limit: number,
): { readonly groups: readonly GroupFigures[]; readonly cut: boolean } => {
  const known = new Map(groups.map((group) => [group.name, group]))
  // What is known of them is of the time before what waits.
  for (const name of others) known.set(name, { name, items: undefined, endsAt: known.get(name)?.endsAt })
  const all = [...known.values()].sort((a, b) => byBytes(a.name, b.name))
  return { groups: all.slice(0, limit), cut: all.length > limit }
}
