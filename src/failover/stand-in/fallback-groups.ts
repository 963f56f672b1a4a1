import { readEnvelope } from '../../codec/envelope.js'
import { type EntryStore, type GroupStore, StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import { forgetEntries, listFallback } from './last-resort.js'

/** What a group begins with that shows the cache entries which the last resort holds for a category. */
const FALLBACK_GROUP = '~cache/'

const PAGE = 500

/**
 * State, with the cache entries that live in the last resort as groups `~cache/<category>`, to be seen and deleted.
 * Entries of sensitive categories are not shown. These groups take no writes.
 */
export const withFallbackGroups = (
  groups: GroupStore,
  parts: {
    readonly store: EntryStore
    categoryOf(name: string): CategorySettings
    idOf(instance: string): string
    readonly now: () => number
  },
): GroupStore => {
  const { store, categoryOf, idOf, now } = parts

  const shown = async (visit: (category: CategorySettings, key: string, text: string) => void): Promise<void> => {
    let cursor: string | undefined
    do {
      const page = await listFallback(store, cursor, PAGE)
      for (const { home, category: name, redisKey, text } of page.entries) {
        const category = categoryOf(name)
        if (!category.sensitive && home === idOf(category.instance))
          visit(category, redisKey.slice(category.keyPrefix.length), text)
      }
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  const itemsOf = async (name: string): Promise<[key: string, text: string][]> => {
    const items: [string, string][] = []
    await shown((category, key, text) => {
      if (category.name !== name) return
      const read = readEnvelope(text, { codec: category.codec, now: now(), maxBytes: category.maxBytes })
      if (read.outcome === 'hit' && !(read.expires !== undefined && read.expires <= now()))
        items.push([key, read.value.json])
    })
    return items
  }

  const forget = (name: string, key?: string): Promise<void> => {
    const category = categoryOf(name)
    return forgetEntries(store, idOf(category.instance), name, key === undefined ? undefined : category.keyPrefix + key)
  }

  return {
    ...groups,
    groupGet: async (group, field, options) => {
      const name = shownIn(group)
      if (name === undefined) return groups.groupGet(group, field, options)
      return (await itemsOf(name)).find(([key]) => key === field)?.[1]
    },
    groupSet: (group, ...rest) =>
      shownIn(group) === undefined ? groups.groupSet(group, ...rest) : Promise.reject(readOnly()),
    groupDelete: async (group, field, options) => {
      const name = shownIn(group)
      if (name === undefined) return groups.groupDelete(group, field, options)
      const found = (await itemsOf(name)).find(([key]) => key === field)
      if (found !== undefined) await forget(name, field)
      return found?.[1]
    },
    groupAll: (group, options) => {
      const name = shownIn(group)
      return name === undefined ? groups.groupAll(group, options) : itemsOf(name)
    },
    groupFields: async (group, options) => {
      const name = shownIn(group)
      return name === undefined ? groups.groupFields(group, options) : (await itemsOf(name)).map(([key]) => key)
    },
    groupClear: (group, options) => {
      const name = shownIn(group)
      return name === undefined ? groups.groupClear(group, options) : forget(name)
    },
    groups: async (options) => {
      const names = new Set<string>()
      await shown(({ name }) => names.add(FALLBACK_GROUP + name))
      return [...names, ...(await groups.groups(options))]
    },
  }
}

const shownIn = (group: string): string | undefined =>
  group.startsWith(FALLBACK_GROUP) ? group.slice(FALLBACK_GROUP.length) : undefined

const readOnly = (): StoreError =>
  new StoreError(
    'refused',
    'state',
    `groups that begin with '${FALLBACK_GROUP}' show cache entries and take no items`,
    'no',
  )
