import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createInvalidation, type Invalidation } from '../../../src/invalidation/invalidation.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { CategoryPolicy } from '../../../types/index.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { foreigner } from './ground.ts'

expectNothingUnhandled()

let redis: TestRedis
beforeAll(async () => {
  redis = await startTestRedis()
})

const open = (categories: Record<string, CategoryPolicy>): Invalidation => {
  const settings = readSettings(
    { categories: categories as Record<string, never> },
    { env: { REDIS_PRIMARY_URL: redis.url }, baseDir: redis.dir, production: false },
  )
  const home = openRedisStore(redis.url)
  const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const instances = new Map([['primary', home]])
  const invalidation = createInvalidation({ settings, instances, processId: 'test', report })
  onTestFinished(async () => {
    await invalidation.close()
    await home.close()
  })
  return invalidation
}

describe('whoever waits for a key', () => {
  it('is woken once when it changes, and not by another, nor after he stopped waiting', async () => {
    const changes = open({ menu: { l1: '1s' } }).of('primary')
    if (changes === undefined) throw new Error('nothing is kept')
    changes.open()
    await until('it tracks', () => changes.tracking() === 'on')
    const woken: string[] = []
    changes.onChanged('menu:a', () => woken.push('first'))
    changes.onChanged('menu:a', () => woken.push('second'))
    changes.onChanged('menu:a', () => woken.push('gone'))()
    changes.onChanged('menu:b', () => woken.push('other'))
    const foreign = foreigner(redis.url)
    await foreign.set('menu:a', '1')
    await until('both are awake', () => woken.length === 2)
    await foreign.set('menu:a', '2')
    await foreign.set('menu:b', '1')
    await until('the other is awake', () => woken.includes('other'))
    expect(woken).toEqual(['first', 'second', 'other'])
  })

  it('is woken when anything may have changed', async () => {
    const invalidation = open({ menu: { l1: '1s' } })
    const changes = invalidation.of('primary')
    let woken = 0
    changes?.onChanged('menu:a', () => woken++)
    invalidation.doubt('primary')
    expect(woken).toBe(1)
  })
})

describe('an instance none of whose categories keeps copies', () => {
  it('is not asked to tell anything', async () => {
    const names = ['auth', 'orders', 'notifications', 'analytics', 'user', 'menu', 'ml', 'cache']
    const invalidation = open(Object.fromEntries(names.map((name) => [name, { l1: false }])))
    expect(invalidation.of('primary')).toBeUndefined()
    expect(invalidation.tracking('primary')).toBe('off')
  })
})
