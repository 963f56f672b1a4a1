import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import type { CategorySettings } from '../../settings/settings.js'
import { type Clock, type Version, validVersion } from '../versions/clock.js'
import { entryCalls } from '../versions/entry-calls.js'
import type { Throttle } from './recovery-throttle.js'
import type { Marks } from './repair-marks.js'
import type { DataPlaces } from './repair-places.js'
import { hashFieldsScript, hashPageScript } from './repair-scripts.js'
import { isFatal, patience } from './replay.js'

/** A marker's field, taken apart. */
export type Marker =
  | { readonly of: 'key'; readonly category: string; readonly key: string }
  | { readonly of: 'category'; readonly category: string }
  | { readonly of: 'tag'; readonly category: string; readonly tag: string }

/** The other way round than markers.ts. */
export const readMarker = (field: string): Marker | undefined => {
  const [, of, category = '', rest] = /^([kct]):([^:]*)(?::(.*))?$/s.exec(field) ?? []
  if (of === 'k' && rest !== undefined) return { of: 'key', category, key: rest }
  if (of === 'c' && rest === undefined) return { of: 'category', category }
  if (of === 't' && rest !== undefined) return { of: 'tag', category, tag: rest }
  return undefined
}

const PAGE = 500

/** Brings what another place knows to be gone, and later than what is known here, before any value is. */
export const copyMarkers = async (
  to: Instance,
  from: Instance,
  categories: readonly CategorySettings[],
  {
    places,
    layout,
    clock,
    marks,
    pace,
  }: {
    readonly places: DataPlaces
    readonly layout: Layout
    readonly clock: Clock
    readonly marks: Marks
    readonly pace: Throttle
  },
): Promise<void> => {
  const calls = entryCalls(layout, clock)
  const byName = new Map(categories.map((category) => [category.name, category]))
  const valid = (version: unknown): version is Version => validVersion(version, clock.horizon()) !== undefined

  const take = async (field: string, version: Version, keys: [string, Version, CategorySettings][]): Promise<void> => {
    const marker = readMarker(field)
    if (marker === undefined) return
    // Of a category that isn't shared, nothing lies here.
    const category = byName.get(marker.category)
    if (category === undefined) return
    if (marker.of === 'tag') await marks.invalidate(to, category, marker.tag, version)
    else if (marker.of === 'category') await marks.clearCategory(to, category, version)
    else keys.push([marker.key, version, category])
  }

  let cursor = '0'
  do {
    const reply = await from.script(
      { script: hashPageScript, keys: [layout.markers], args: [cursor, PAGE] },
      'read',
      patience(from),
    )
    const [next, found] = reply as [string, string[]]
    cursor = next
    const fields = found.filter((_, i) => i % 2 === 0)
    const own = await markersAt(to, layout, fields)
    const keys: [string, Version, CategorySettings][] = []
    for (const [i, field] of fields.entries()) {
      const [version, known] = [found[i * 2 + 1], own[i]]
      if (valid(version) && !(valid(known) && known >= version)) await take(field, version, keys)
    }
    const merges = keys.map(([key, version, category]) =>
      calls.mergeTombstone(
        { category: category.name, key, redisKey: (places.prefixAt(to.name, category) ?? '') + key },
        version,
      ),
    )
    for (const outcome of await to.scripts(merges, 'change', patience(to))) {
      if (outcome instanceof Error && isFatal(outcome)) throw outcome
    }
    await pace(fields.length)
  } while (cursor !== '0')
}

/** What an instance has for some fields of its markers. */
export const markersAt = async (
  instance: Instance,
  { markers }: Layout,
  fields: readonly string[],
): Promise<readonly (string | null)[]> => {
  const found: (string | null)[] = []
  for (let from = 0; from < fields.length; from += PAGE * 2) {
    const args = fields.slice(from, from + PAGE * 2)
    const reply = await instance.script({ script: hashFieldsScript, keys: [markers], args }, 'read', patience(instance))
    found.push(...(reply as (string | null)[]))
  }
  return found
}
