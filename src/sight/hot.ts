import { createHash } from 'node:crypto'
import { layoutOf } from '../instances/layout.js'
import type { Settings } from '../settings/settings.js'
import type { HotView } from './contract.js'
import type { HotReads } from './hot-reads.js'
import type { MemorySample, MemorySamples } from './memory-sample.js'
import { mayBeSensitive } from './raw-keys.js'

export interface HotViewParts {
  readonly settings: Settings
  readonly reads: Pick<HotReads, 'top'>
  readonly samples: MemorySamples
  /** Epoch ms. */
  readonly now: () => number
}

const MOST = 50
const MOST_KEY = 512

type Largest = HotView['largest'][number]

/** The keys that are read most, and the largest ones of those that were drawn. Never of sensitive categories. */
export const createHotView = ({ settings, reads, samples, now }: HotViewParts) => {
  const isShown = shownOf(settings)
  return async (): Promise<HotView> => {
    const largest = await Promise.all(
      settings.instances.map(async ({ name }) => largestOf(name, await samples(name), isShown)),
    )
    return {
      now: now(),
      ...reads.top(MOST),
      largest: largest
        .flat()
        .sort((a, b) => b.bytes - a.bytes)
        .slice(0, MOST),
    }
  }
}

type Shown = (instance: string, drawn: MemorySample['drawn'][number]) => boolean

const largestOf = (instance: string, sample: MemorySample | undefined, isShown: Shown): Largest[] =>
  (sample?.drawn ?? []).flatMap((drawn) => {
    const { key, bytes, purpose } = drawn
    if (bytes === undefined || !isShown(instance, drawn)) return []
    const { role, category } = purpose
    return [{ instance, id: idOf(key), role, category, key: (purpose.key ?? key).slice(0, MOST_KEY), bytes }]
  })

/** As short for every key, however long others made theirs. */
const idOf = (key: string): string => createHash('sha256').update(key).digest('base64url')

/** Of what is ours only groups of state are shown: leases, tags and the like may name keys of sensitive categories. */
const shownOf = (settings: Settings): Shown => {
  const { categories, namespace } = settings
  const { groupPrefix } = layoutOf(namespace)
  const all = [...categories.values()]
  const isSensitive = (category: string | undefined, key: string): boolean =>
    category === undefined
      ? // They may lie where they were before somebody moved the category.
        all.some(({ sensitive, keyPrefix }) => sensitive && key.startsWith(keyPrefix))
      : categories.get(category)?.sensitive === true
  return (instance, { key, purpose: { role, category } }) => {
    if (role === 'ours') return key.startsWith(groupPrefix)
    if (role === 'other' && mayBeSensitive(settings, instance, key)) return false
    return (category !== undefined || role === 'other') && !isSensitive(category, key)
  }
}
