import { tagsIn } from '../../codec/envelope.js'
import type { Instance, ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { chunks } from '../../instances/pipeline.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { Landscape } from '../landscape.js'
import { type Version, validVersion } from '../versions/clock.js'
import { entryCalls } from '../versions/entry-calls.js'
import { isCounter } from '../versions/entry-text.js'
import { counterVersion } from '../versions/markers.js'
import { createBeside } from './beside.js'
import { HEAD, isBefore, versionIn } from './recovery-texts.js'
import type { Throttle } from './recovery-throttle.js'
import type { Copied } from './repair.js'
import { markersAt } from './repair-marker-copy.js'
import { ask, eachPage } from './repair-marks.js'
import type { DataPlaces } from './repair-places.js'
import { adoptEntryScript, headsScript } from './repair-scripts.js'
import { isFatal, patience } from './replay.js'

/** A value that the other place hasn't got, and may just be getting. */
export interface Doubtful {
  readonly category: CategorySettings
  readonly key: string
  readonly version: Version
}

export interface EntryRepair {
  /**
   * Brings what the other place has, and later. `counters`: theirs replace those here, which bear no version. `since`:
   * what was written from then on (epoch ms) may just be on its way here, and isn't counted as brought.
   */
  copy(to: Instance, from: Instance, category: CategorySettings, counters: boolean, since: number): Promise<Copied>
  /** What lies at `at` and not at the other place. */
  extra(
    at: Instance,
    other: Instance,
    category: CategorySettings,
    found: (extra: Doubtful[]) => Promise<void>,
  ): Promise<void>
  /** Removes those of them that are unchanged, and that the other place still hasn't got. */
  drop(at: Instance, other: Instance, extra: readonly Doubtful[]): Promise<void>
}

interface Head {
  /** 'foreign': without a valid version. Undefined: nothing is there. */
  readonly version: Version | 'foreign' | undefined
  readonly counter: boolean
  /** ms; Infinity without an end. */
  readonly life: number
}

export const createEntryRepair = (
  landscape: Landscape,
  places: DataPlaces,
  layout: Layout,
  pace: Throttle,
): EntryRepair => {
  const { clock } = landscape
  const calls = entryCalls(layout, clock)
  const ours = layout.sentinel.slice(0, layout.sentinel.lastIndexOf(':') + 1)
  const prefixOf = (instance: Instance, category: CategorySettings): string => {
    const prefix = places.prefixAt(instance.name, category)
    if (prefix === undefined) throw new Error(`'${category.name}' does not lie on ${instance.name}`)
    return prefix
  }

  /** Keys as callers know them. */
  const heads = async (instance: Instance, category: CategorySettings, keys: readonly string[]): Promise<Head[]> => {
    const prefix = prefixOf(instance, category)
    const counted = new Map<string, Version>()
    const reply = await instance.script(
      { script: headsScript, keys: keys.map((key) => prefix + key), args: [HEAD] },
      'read',
      patience(instance),
    )
    const found = reply as (string | number)[]
    const horizon = clock.horizon()
    const counters = keys.filter((_, i) => isCounter(String(found[i * 2])))
    if (counters.length > 0) {
      const fields = counters.map((key) => counterVersion(category.name, key))
      const versions = await markersAt(instance, layout, fields)
      counters.forEach((key, i) => {
        const version = validVersion(versions[i], horizon)
        if (version !== undefined) counted.set(key, version)
      })
    }
    return keys.map((key, i) => {
      const life = Number(found[i * 2 + 1])
      const head = String(found[i * 2])
      if (life === -2) return { version: undefined, counter: false, life: 0 }
      const version = versionIn(head, horizon) ?? counted.get(key) ?? 'foreign'
      return { version, counter: isCounter(head), life: life === -1 ? Number.POSITIVE_INFINITY : life }
    })
  }

  /** Keys as callers know them, page by page. */
  const pages = (instance: Instance, category: CategorySettings, look: (keys: readonly string[]) => Promise<void>) => {
    const prefix = prefixOf(instance, category)
    return eachPage(instance, prefix, (found) => {
      // A category whose keys have no prefix meets everything else of ours.
      const keys = found.filter((key) => prefix !== '' || !key.startsWith(ours)).map((key) => key.slice(prefix.length))
      return keys.length === 0 ? Promise.resolve() : look(keys)
    })
  }

  const send = async (to: Instance, merges: readonly ScriptCall[]): Promise<void> => {
    for (const outcome of await to.scripts(merges, 'change', patience(to))) {
      // What the server refuses for good stays as it is; nobody is there to be told a key.
      if (outcome instanceof Error && isFatal(outcome)) throw outcome
    }
  }

  /** What brings these, once their texts have been read. */
  const merging = async (
    to: Instance,
    from: Instance,
    category: CategorySettings,
    wanted: readonly (Head & { readonly key: string })[],
  ): Promise<ScriptCall[]> => {
    const [there, here] = [prefixOf(from, category), prefixOf(to, category)]
    const texts = await from.readMany(
      wanted.map(({ key }) => there + key),
      patience(from),
    )
    const horizon = clock.horizon()
    return wanted.flatMap(({ key, life, version: seen }, i): ScriptCall[] => {
      const text = texts[i]
      if (text === undefined) return []
      const at = { category: category.name, key, redisKey: here + key }
      const left = Math.max(1, Math.min(life, Number.MAX_SAFE_INTEGER))
      const version = versionIn(text, horizon)
      if (version !== undefined) return [calls.merge(at, version, { text, tags: tagsIn(text), life: left })]
      if (isCounter(text) && seen !== undefined && seen !== 'foreign')
        return [calls.merge(at, seen, { text, life: left })]
      return [{ script: adoptEntryScript, keys: [at.redisKey], args: [text, left] }]
    })
  }

  return {
    copy: async (to, from, category, counters, since) => {
      let compared = 0
      let brought = 0
      // Both places and this process work at the same time: what was read is sent while the next is read.
      const sending = createBeside()
      const look = async (keys: readonly string[]): Promise<void> => {
        const [theirs, own] = await Promise.all([heads(from, category, keys), heads(to, category, keys)])
        const wanted = keys.flatMap((key, i) => {
          const [their, our] = [theirs[i], own[i]]
          return their !== undefined && isLater(their, our, counters) ? [{ key, ...their }] : []
        })
        for (const part of chunks(wanted, TEXTS)) {
          const merges = await merging(to, from, category, part)
          await sending.begin(() => send(to, merges))
        }
        compared += keys.length
        brought += wanted.filter(({ version }) => version === 'foreign' || isBefore(since, version)).length
        await pace(keys.length)
      }
      try {
        await pages(from, category, look)
      } finally {
        await sending.ended()
      }
      return { compared, brought }
    },

    extra: (at, other, category, found) =>
      pages(at, category, async (keys) => {
        const own = await heads(at, category, keys)
        const theirs = await heads(other, category, keys)
        const extra = keys.flatMap((key, i): Doubtful[] => {
          const version = own[i]?.version
          if (version === undefined || version === 'foreign' || theirs[i]?.version !== undefined) return []
          return [{ category, key, version }]
        })
        if (extra.length > 0) await found(extra)
        await pace(keys.length)
      }),

    drop: async (at, other, extra) => {
      for (const category of new Set(extra.map((each) => each.category))) {
        const ofIt = extra.filter((each) => each.category === category)
        const here = prefixOf(at, category)
        const theirs = await heads(
          other,
          category,
          ofIt.map(({ key }) => key),
        )
        const gone = ofIt.flatMap(({ key, version }, i) =>
          theirs[i]?.version === undefined
            ? [{ category: category.name, key, redisKey: here + key, read: version }]
            : [],
        )
        if (gone.length > 0) await ask(at, calls.invalidateEntries(gone, clock.horizon()))
      }
    },
  }
}

/** Texts per round trip. */
const TEXTS = 100

/**
 * Of values without a version nobody can tell which is later: they stay. Except counters, which adoptEntryScript takes:
 * those that were not counted for so long that their versions are forgotten.
 */
const isLater = (their: Head, our: Head | undefined, counters: boolean): boolean => {
  if (their.version === undefined) return false
  if (our?.version === undefined) return true
  if (our.version === 'foreign') return counters && (their.version === 'foreign' || (our.counter && their.counter))
  return their.version !== 'foreign' && their.version > our.version
}
