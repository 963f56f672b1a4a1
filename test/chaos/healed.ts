import type { HealthReport, RedisTiers } from '../../types/index.ts'
import { cacheKey, identity, itemKey, placeOf, scopesOf } from './places.ts'
import type { Intended, Recorder } from './recorder.ts'

/** Instances that aren't up, or that something waits for, as far as this process knows. */
export const unwellIn = ({ instances }: HealthReport): string[] =>
  instances
    .filter(({ state, readable, writable, journal }) => state !== 'up' || !readable || !writable || journal.entries > 0)
    .map(({ name }) => name)

export const isWell = (report: HealthReport): boolean => unwellIn(report).length === 0

/** Keys of `writer` that nobody had before, in every category: they show that it works. */
export const freshKeys = (writer: string): string[] => scopesOf('fresh').map((scope) => `${scope}/${writer}`)

/** Writes keys that nobody had before; who reads them now must get them, of cached data too. */
export const writeFresh = async (tiers: RedisTiers, { run }: Recorder, keys: readonly string[]): Promise<void> => {
  for (const key of keys) {
    const value = `${key}|fresh`
    await run({ does: 'put', op: 'cache.set', key, value, limit: 300 }, () =>
      tiers.cache.set(cacheKey(key), value, { category: placeOf(key).name }),
    )
  }
}

/** What a counter says. */
export const readCounter = (
  { cache }: RedisTiers,
  { run }: Recorder,
  key: string,
  time: Pick<Intended, 'limit' | 'each'>,
): Promise<void> => {
  const count = { does: 'count', op: 'cache.get', key, ...time } as const
  return run(
    count,
    () => cache.get(cacheKey(key), { category: placeOf(key).name }),
    (got) => [{ ...count, total: Number(got ?? 0) }],
  )
}

/** Reads that begin now must see everything. */
export const readEverything = async (tiers: RedisTiers, recorder: Recorder, keys: readonly string[]): Promise<void> => {
  const { run } = recorder
  for (const key of keys) {
    const { kind, name } = placeOf(key)
    if (kind === 'fill') continue
    if (kind === 'counter' || kind === 'tally') {
      await readCounter(tiers, recorder, key, { limit: 150 })
      continue
    }
    const op = kind === 'state' ? 'state.get' : 'cache.get'
    const read = { does: 'read', op, key, limit: 150 } as const
    await run(
      read,
      () =>
        kind === 'state' ? tiers.state.get(name, itemKey(key)) : tiers.cache.get(cacheKey(key), { category: name }),
      (got) => [{ ...read, value: got === null || got === undefined ? null : identity(got) }],
    )
  }
}
