import { readEnvelope } from '../../codec/envelope.js'
import { itemsAfter, nameBefore } from '../../instances/name-pages.js'
import { type GroupStore, StoreError } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { LastResortStore } from '../landscape.js'
import { forgetEntries, listFallback, partsOf } from './last-resort.js'
import { SHOWN, type ShownAs } from './state-resort.js'

const PAGE = 500
/** Looked through for the names of groups where nobody may wait for all of them. */
const MOST_PAGES = 4

/**
 * State, with the cache entries that live in the last resort as groups `~cache/<category>`, to be seen and deleted.
 * Entries of sensitive categories are not shown. These groups take no writes.
 */
export const withFallbackGroups = (
  groups: GroupStore,
  parts: {
    readonly store: LastResortStore
    categoryOf(name: string): CategorySettings
    idOf(instance: string): string
    readonly now: () => number
  },
): GroupStore => {
  const { store, categoryOf, idOf, now } = parts

  const shown = async (
    visit: (category: CategorySettings, key: string, text: string) => void,
    pages = Number.POSITIVE_INFINITY,
  ): Promise<void> => {
    let cursor: string | undefined
    let seen = 0
    do {
      const page = await listFallback(store, cursor, PAGE)
      for (const { home, category: name, redisKey, text } of page.entries) {
        const category = categoryOf(name)
        if (!category.sensitive && home === idOf(category.instance))
          visit(category, redisKey.slice(category.keyPrefix.length), text)
      }
      cursor = page.cursor
      seen++
    } while (cursor !== undefined && seen < pages)
  }

  const namesOf = async (pages?: number): Promise<string[]> => {
    const names = new Set<string>()
    await shown(({ name }) => names.add(SHOWN + name), pages)
    return [...names]
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
    groups: async (options) => [...(await namesOf()), ...(await groups.groups(options))],

    groupPage: async (ask, options) => {
      // Few, and all at the beginning.
      const names = ask.cursor === undefined ? await namesOf(MOST_PAGES) : []
      const page = await groups.groupPage(ask, options)
      const found = names.filter((name) => name.includes(ask.search))
      const first = found.map((name) => ({ name, items: undefined, endsAt: undefined }))
      return { ...page, groups: [...first, ...page.groups] }
    },
    itemPage: async (group, ask, options) => {
      const name = shownIn(group)
      if (name === undefined) return groups.itemPage(group, ask, options)
      return itemsAfter(await itemsOf(name), nameBefore(ask.cursor, refused), ask)
    },
  }
}

const shownIn = (group: string): string | undefined => (group.startsWith(SHOWN) ? group.slice(SHOWN.length) : undefined)

const refused = (text: string): StoreError => new StoreError('refused', 'state', text, 'no')

const readOnly = (): StoreError => refused(`groups that begin with '${SHOWN}' show cache entries and take no items`)

/** Where an entry of the last resort is shown in the app's own state. Those of sensitive categories are not. */
export const createShownAs =
  ({ categoryOf, idOf }: { categoryOf(name: string): CategorySettings; idOf(instance: string): string }): ShownAs =>
  (place) => {
    const { home, category: name, redisKey } = partsOf(place)
    const { keyPrefix, sensitive, instance } = categoryOf(name)
    if (sensitive || home !== idOf(instance) || !redisKey.startsWith(keyPrefix)) return undefined
    return { group: SHOWN + name, field: redisKey.slice(keyPrefix.length) }
  }
