import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { throughIndex } from '../../instances/tagged.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { Clock, Version } from '../versions/clock.js'
import { entryCalls } from '../versions/entry-calls.js'
import { groupCalls } from '../versions/group-calls.js'
import type { KeptCall } from '../versions/kept-call.js'
import { clearMarker, tagMarker } from '../versions/markers.js'
import type { DataPlaces } from './repair-places.js'
import { patience } from './replay.js'

/** Clears and invalidated tags that come late to an instance: they concern many entries, and take as many round trips. */
export interface Marks {
  clearCategory(instance: Instance, category: CategorySettings, version: Version): Promise<void>
  clearGroup(instance: Instance, group: string, version: Version): Promise<void>
  invalidate(instance: Instance, category: CategorySettings, tag: string, version: Version): Promise<void>
}

const PAGE = 500

/** Every key that begins with the prefix, page by page. Those that come and go meanwhile may be missing. */
export const eachPage = async (
  instance: Instance,
  prefix: string,
  look: (keys: readonly string[]) => Promise<void>,
): Promise<void> => {
  let cursor: string | undefined
  do {
    const page = await instance.scan(prefix, cursor, PAGE, patience(instance))
    const keys = [...new Set(page.keys)]
    if (keys.length > 0) await look(keys)
    cursor = page.cursor
  } while (cursor !== undefined)
}

/** Sends one and says what its reply means. */
export const ask = async <T>(instance: Instance, call: KeptCall<T>): Promise<T> =>
  call.answer(await instance.script(call, 'change', patience(instance)))

export const createMarks = (places: DataPlaces, layout: Layout, clock: Clock): Marks => {
  const entries = entryCalls(layout, clock)
  const groups = groupCalls(layout, clock)
  const named = (category: CategorySettings, prefix: string, redisKey: string) => ({
    category: category.name,
    key: redisKey.slice(prefix.length),
    redisKey,
  })

  return {
    clearCategory: async (instance, category, version) => {
      const prefix = places.prefixAt(instance.name, category)
      if (prefix === undefined) return
      const was = await ask(instance, entries.mark([clearMarker(category.name)], version))
      if (was !== undefined && was > version) return
      await eachPage(instance, prefix, async (keys) => {
        const batch = keys.map((redisKey) => named(category, prefix, redisKey))
        await ask(instance, entries.clearEntries(batch, version, false))
      })
    },

    clearGroup: async (instance, group, version) => {
      let cursor: string | undefined
      do cursor = await ask(instance, groups.mergeClear(group, version, cursor))
      while (cursor !== undefined)
    },

    invalidate: async (instance, category, tag, version) => {
      await ask(instance, entries.mark([tagMarker(category.name, tag)], version))
      const prefix = places.prefixAt(instance.name, category)
      if (prefix === undefined) return
      const at = { category: category.name, prefix }
      await throughIndex((keys, cursor) =>
        ask(instance, entries.invalidateTagged(at, tag, version, false, keys, cursor)),
      )
    },
  }
}
