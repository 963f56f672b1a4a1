import type { HealthReport, RedisTiers } from '../../types/index.ts'
import { cacheKey, identity, itemKey, placeOf } from './places.ts'
import type { Recorder } from './recorder.ts'

/** All instances are up and nothing waits for any of them, as far as this process knows. */
export const isWell = ({ instances }: HealthReport): boolean =>
  instances.every(
    ({ state, readable, writable, journal }) => state === 'up' && readable && writable && journal.entries === 0,
  )

/** Reads that begin now must see everything. */
export const readEverything = async (tiers: RedisTiers, { run }: Recorder, keys: readonly string[]): Promise<void> => {
  for (const key of keys) {
    const { kind, name } = placeOf(key)
    if (kind === 'counter' || kind === 'fill') continue
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
