import { expect } from 'vitest'
import type { HotStore } from '../../src/state/hot-store.ts'
import type { Cache, HealthReport, InstanceHealth } from '../../types/index.ts'
import { until } from '../support/until.ts'

/** An instance whose absence is tried, through the cache and state over it. */
export interface RoundOptions {
  readonly cache: Cache
  readonly hot: HotStore
  readonly health: () => HealthReport
  readonly instance: string
  /** Two categories at home there. */
  readonly kept: string
  readonly cached: string
  /** Of groups and keys. */
  readonly id: string
  /** Whether it comes back without what lay there. */
  readonly loses: boolean
  readonly goAway: () => Promise<void> | void
  readonly comeBack: () => Promise<void> | void
}

export const instanceIn = (report: HealthReport, name: string): InstanceHealth => {
  const found = report.instances.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no instance ${name}`)
  return found
}

/** It serves, and has got everything. */
export const isBack = (report: HealthReport, name: string): boolean => {
  const { state, writable, journal } = instanceIn(report, name)
  return state === 'up' && writable && journal.entries === 0
}

/** All of a category's keys, page by page. */
export const keysOf = async (cache: Cache, category: string): Promise<string[]> => {
  const keys: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await cache.keys({ category, ...(cursor !== undefined && { cursor }) })
    keys.push(...page.keys)
    cursor = page.cursor
    if (cursor === undefined) return keys
  }
}

/** Own writes are read while it is away, and it gets all of them that are kept. Leaves the cached category empty. */
export const outageRound = async (options: RoundOptions): Promise<void> => {
  const { cache, hot, health, instance, kept, cached, id, loses } = options
  const key = (word: string): string => `${id}-${word}`
  for (const category of [kept, cached]) {
    await cache.set(key('both'), 'before', { category })
    await cache.set(key('gone'), 'before', { category })
  }
  await cache.increment(key('count'), { category: cached })
  await hot.set(id, 'both', 'before')
  await hot.set(id, 'gone', 'before')
  await hot.set(key('cleared'), 'both', 'before')

  await options.goAway()
  for (const category of [kept, cached]) {
    await cache.set(key('late'), 'meanwhile', { category })
    await cache.delete(key('gone'), { category })
    expect(await cache.get(key('late'), { category })).toBe('meanwhile')
    expect(await cache.get(key('gone'), { category })).toBeUndefined()
    expect(await keysOf(cache, category)).toContain(key('late'))
  }
  await hot.set(id, 'late', 'meanwhile')
  await hot.delete(id, 'gone')
  await hot.clear(key('cleared'))
  expect((await hot.keys(id)).sort()).toEqual(['both', 'late'])
  await until('it counts as gone', () => instanceIn(health(), instance).state === 'down')
  await cache.increment(key('count'), { category: cached })
  for (const category of [kept, cached]) expect(await cache.touch(key('late'), { category })).toBe(true)

  await options.comeBack()
  await until('it is back', () => isBack(health(), instance))
  for (const category of [kept, cached]) {
    expect(await cache.get(key('late'), { category })).toBe(category === kept ? 'meanwhile' : undefined)
    expect(await cache.get(key('gone'), { category })).toBeUndefined()
  }
  expect(await cache.get(key('both'), { category: kept })).toBe('before')
  expect(await cache.get(key('count'), { category: cached })).toBe(loses ? 1 : 2)
  expect((await hot.keys(id)).sort()).toEqual(['both', 'late'])
  expect(await hot.get(id, 'late')).toBe('meanwhile')
  expect(await hot.getGroup(key('cleared'))).toEqual([])
  await cache.clear({ category: cached })
  await hot.clear(id)
}
