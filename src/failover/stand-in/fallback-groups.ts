import { readEnvelope } from '../../codec/envelope.js'
import { MOST_PAGE } from '../../instances/name-pages.js'
import { type GroupStore, type ItemPage, type PageAsk, StoreError } from '../../instances/store.js'
import { isCategoryName } from '../../settings/names.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { LastResortStore } from '../landscape.js'
import { categoryPrefix, forgetEntries, listFallback, partsOf, readPlaces } from './last-resort.js'
import { SHOWN, type ShownAs } from './state-resort.js'

/** Entries read together; each may be large. */
const AT_ONCE = 20
/** Looks at which keys there are that one page costs where little is found. */
const MOST_LOOKS = 100

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

  const isShown = ({ sensitive, instance }: CategorySettings, home: string): boolean =>
    !sensitive && home === idOf(instance)

  const namesOf = async (looks?: number): Promise<string[]> => {
    const there = await listFallback(store, looks)
    return there.flatMap(({ home, category }) => (isShown(categoryOf(category), home) ? [SHOWN + category] : []))
  }

  /** Undefined: nothing of it is shown. */
  const placesOf = (name: string): { readonly category: CategorySettings; readonly prefix: string } | undefined => {
    if (name !== '' && !isCategoryName(name)) return undefined
    const category = categoryOf(name)
    if (category.sensitive) return undefined
    return { category, prefix: categoryPrefix(idOf(category.instance), name) + category.keyPrefix }
  }

  /** What is there and has not ended, by the key in its category. */
  const itemsAt = async (name: string, keys: readonly string[]): Promise<[key: string, text: string][]> => {
    const shown = placesOf(name)
    if (shown === undefined) return []
    const { codec, maxBytes } = shown.category
    const texts = await readPlaces(
      store,
      keys.map((key) => shown.prefix + key),
    )
    return keys.flatMap((key, i) => {
      const text = texts[i]
      if (text === undefined) return []
      const read = readEnvelope(text, { codec, now: now(), maxBytes })
      const lives = read.outcome === 'hit' && !(read.expires !== undefined && read.expires <= now())
      return lives ? [[key, read.value.json] as [string, string]] : []
    })
  }

  const pageOf = async (
    name: string,
    { search, cursor, limit }: PageAsk,
    looks = Number.POSITIVE_INFINITY,
  ): Promise<ItemPage> => {
    const shown = placesOf(name)
    const items: [string, string][] = []
    if (shown === undefined) return { items, cursor: undefined, total: 0, endsAt: undefined }
    let at = cursor
    let length = 0
    for (let look = 1; ; look++) {
      const page = await store.scan(shown.prefix, at, Math.min(AT_ONCE, limit - items.length))
      const keys = page.keys.map((place) => place.slice(shown.prefix.length)).filter((key) => key.includes(search))
      for (const item of await itemsAt(name, keys)) {
        items.push(item)
        length += item[1].length
      }
      at = page.cursor
      if (at === undefined || items.length >= limit || length > MOST_PAGE || look >= looks) break
    }
    return { items, cursor: at, total: undefined, endsAt: undefined }
  }

  const itemsOf = async (name: string): Promise<[key: string, text: string][]> => {
    const all: [string, string][] = []
    let cursor: string | undefined
    do {
      const page = await pageOf(name, { search: '', cursor, limit: Number.POSITIVE_INFINITY })
      for (const [key, text] of page.items) all.push([key, text])
      cursor = page.cursor
    } while (cursor !== undefined)
    return all
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
      return (await itemsAt(name, [field]))[0]?.[1]
    },
    groupSet: (group, ...rest) =>
      shownIn(group) === undefined ? groups.groupSet(group, ...rest) : Promise.reject(readOnly()),
    groupDelete: async (group, field, options) => {
      const name = shownIn(group)
      if (name === undefined) return groups.groupDelete(group, field, options)
      const [found] = await itemsAt(name, [field])
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
      const names = ask.cursor === undefined ? await namesOf(MOST_LOOKS) : []
      const page = await groups.groupPage(ask, options)
      const found = names.filter((name) => name.includes(ask.search))
      const first = found.map((name) => ({ name, items: undefined, endsAt: undefined }))
      return { ...page, groups: [...first, ...page.groups] }
    },
    itemPage: async (group, ask, options) => {
      const name = shownIn(group)
      return name === undefined ? groups.itemPage(group, ask, options) : pageOf(name, ask, MOST_LOOKS)
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
