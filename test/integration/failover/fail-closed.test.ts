import { describe, expect, it } from 'vitest'
import { fromWire, toWire } from '../../../src/motia/step/wire-error.ts'
import { redisTiers } from '../../../src/tiers.ts'
import type { CacheError } from '../../../types/index.ts'
import { testFolder } from '../../support/folder.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

describe('a category that fails closed', () => {
  it('is answered by its home or not at all; getMany says what the others had', async () => {
    const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
    const tiers = redisTiers({
      env: { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url, MOTIA_REDIS_DIR: testFolder() },
      categories: { vault: { instance: 'primary', onOutage: 'fail-closed' }, menu: {} },
      inferCategory: { 'vault:': 'vault', 'menu:': 'menu' },
    })
    try {
      const keys = ['vault:a', 'menu:b']
      const born = new Date(0)
      await tiers.cache.set('vault:a', 1)
      await tiers.cache.set('menu:b', born)
      await primary.crash()
      await until('it is down', () => tiers.health().status === 'degraded')

      for (const call of [tiers.cache.get('vault:a'), tiers.cache.set('vault:a', 2), tiers.cache.delete('vault:a')])
        await expect(call).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE', category: 'vault', applied: 'no' })
      const error = await tiers.cache.getMany(keys).then(
        () => expect.unreachable(),
        (thrown: CacheError) => thrown,
      )
      expect(error).toMatchObject({ code: 'CACHE_UNAVAILABLE', category: 'vault' })
      expect(error.found).toEqual(new Map([['menu:b', born]]))

      await primary.restart()
      await until('it is back', () => tiers.health().status === 'ok')
      // Nobody kept the write that failed, and the crash took the value.
      expect(await tiers.cache.get('vault:a')).toBeUndefined()
    } finally {
      await tiers.close()
    }
  })

  it('what was found crosses the channel as well', () => {
    const hits = [['menu:b', { json: '1' }]]
    const error = Object.assign(new Error('away'), {
      name: 'CacheError',
      code: 'CACHE_UNAVAILABLE',
      category: 'vault',
      operation: 'getMany',
      applied: 'no',
      hits,
    })
    expect(fromWire(JSON.parse(JSON.stringify(toWire(error))))).toMatchObject({ code: 'CACHE_UNAVAILABLE', hits })
  })
})
