import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import { storeTags } from '../store-write.js'
import { steadyNow } from '../time-left.js'
import { createMemory, outageOf } from './cached-memory.js'
import type { CachedSetting } from './cached-setting.js'

/**
 * Invalidates tags of a cached category. At home while all is well; else what bears them there is marked, durably, as not
 * to be read, and goes on replay; copies elsewhere that bear them go at once.
 */
export const createCachedTags = (setting: CachedSetting) => {
  const { category, home, overlay, copies, settle, writing } = setting
  const { mayForget, remember, writeTime } = createMemory(setting)
  const { scope } = overlay

  const atHome = (tags: readonly string[], marked: boolean): Promise<number> => {
    const named = storeTags(category.name, tags)
    return named === undefined ? Promise.resolve(0) : home.removeTagged(named, { ...writing, marked })
  }

  const elsewhere = async (
    tags: readonly string[],
    everywhere: boolean,
    startedAt: number,
    error: StoreError | undefined,
  ): Promise<number> => {
    if (!mayForget()) {
      if (error !== undefined) throw error
      const removed = await atHome(tags, everywhere)
      settle(startedAt)
      return removed
    }
    const entries = tags.map((tag) => ({ kind: 'invalid-tag', scope, tag }) as const)
    await remember(entries, writeTime(steadyNow()), error?.applied ?? 'no')
    const [copied, removed] = await Promise.all([
      copies.removeTagged(category.keyPrefix, tags, writeTime(steadyNow())),
      // What can't be removed there now is removed on replay.
      error === undefined && (home.readable() || home.catchingUp()) ? atHome(tags, everywhere).catch(orNone) : 0,
    ])
    settle(startedAt, copied.reached)
    return copied.removed + removed
  }

  return async (tags: readonly string[], tagged?: ReadonlySet<string>): Promise<number> => {
    const startedAt = steadyNow()
    const everywhere = tagged !== undefined
    if (!setting.parts.landscape.calm(home.name)) return elsewhere(tags, everywhere, startedAt, undefined)
    if (tagged?.has(category.name) === false) return 0
    let removed: number
    try {
      removed = await atHome(tags, everywhere)
    } catch (error) {
      return elsewhere(tags, everywhere, startedAt, outageOf(error))
    }
    settle(startedAt)
    return removed
  }
}

const orNone = (error: unknown): number => {
  if (error instanceof StoreError && isOutage(error)) return 0
  throw error
}
