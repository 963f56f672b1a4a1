import { describe, expect, it } from 'vitest'
import type { Landscape } from '../../src/failover/landscape.ts'
import { type HealthParts, healthReport } from '../../src/health-report.ts'
import type { StoreHealth } from '../../src/instances/store.ts'
import { readSettings } from '../../src/settings/read-settings.ts'

const env = { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1', REDIS_SECONDARY_URL: 'redis://127.0.0.1:2' }
const settings = readSettings({}, { env, baseDir: '/', production: false })
const up: StoreHealth = { state: 'up', since: 1, checkedAt: 1, readable: true, writable: true }

const report = (more: Partial<HealthParts> & { readonly behind?: boolean; readonly aside?: number }) => {
  const { behind = false, aside = 0, ...parts } = more
  const landscape = {
    instances: new Map(),
    behind: () => behind,
    journal: { stats: () => ({ entries: 0, bytes: 0, aside }) },
  } as unknown as Landscape
  return healthReport({
    ...{
      settings,
      landscape,
      healthOf: () => up,
      progress: () => undefined,
      otherRouting: () => [],
      tracking: () => 'off',
      ...parts,
    },
    now: () => 1,
  })
}
const reasonIn = (of: Parameters<typeof report>[0]): string | undefined => report(of).instances[0]?.reason

describe('health()', () => {
  it('while all is well gives no reason', () => {
    const { instances, ...rest } = report({})
    expect(rest).toEqual({ status: 'ok', age: 0 })
    expect(instances[0]).not.toHaveProperty('reason')
    expect(instances[0]?.journal).toEqual({ entries: 0, bytes: 0 })
  })

  it('tells what goes on behind an instance that serves', () => {
    expect(reasonIn({ progress: () => ({ step: 'repairing', done: 120, total: 0 }) })).toBe(
      'in the background: repairing, 120 entries compared',
    )
    expect(reasonIn({ progress: () => ({ step: 'replaying', done: 2, total: 9 }) })).toBe(
      'in the background: replaying, 2 of 9',
    )
    const healthOf = (): StoreHealth => ({ ...up, state: 'catching-up', readable: false })
    expect(reasonIn({ healthOf, progress: () => ({ step: 'fencing', done: 0, total: 0 }) })).toBe(
      'catching up: fencing',
    )
  })

  it('tells of kept data that is missing, of writes that were set aside, and of processes that route otherwise', () => {
    expect(reasonIn({ behind: true })).toMatch(/without all of its kept data/)
    expect(report({ aside: 3 }).instances[0]?.journal).toEqual({ entries: 0, bytes: 0, aside: 3 })
    expect(report({ otherRouting: () => ['1a2b3c4d'] }).otherRouting).toEqual(['1a2b3c4d'])
  })
})
