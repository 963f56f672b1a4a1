import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StateAdapter } from 'motia'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redisTiers } from '../../../src/tiers.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { until } from '../../support/until.ts'

describe('cache entries in the last resort, seen through state', () => {
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-fallback-'))
  let tiers: ReturnType<typeof redisTiers>
  let state: StateAdapter
  let revive: () => Promise<void>

  beforeAll(async () => {
    const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
    const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url, MOTIA_REDIS_DIR: dir }
    tiers = redisTiers({ env })
    state = tiers.state
    await state.set('order-1', 'total', 12)
    await Promise.all([primary.crash(), secondary.crash()])
    await until('both are down', () => tiers.health().status === 'outage')
    await tiers.cache.set('soup', { price: 4 }, { category: 'menu' })
    await tiers.cache.set('cake', [1, 2], { category: 'menu' })
    await tiers.cache.set('42', 'ann', { category: 'user' })
    revive = async () => {
      await Promise.all([primary.restart(), secondary.restart()])
    }
  })
  afterAll(async () => {
    await tiers.close()
    rmSync(dir, { recursive: true, force: true })
  })

  it('are items of a group per category, except sensitive ones', async () => {
    expect(await state.items({ groupId: '~cache/menu' })).toEqual(
      expect.arrayContaining([
        { groupId: '~cache/menu', key: 'soup', type: 'object', value: { price: 4 } },
        { groupId: '~cache/menu', key: 'cake', type: 'array', value: [1, 2] },
      ]),
    )
    expect((await state.keys('~cache/menu')).sort()).toEqual(['cake', 'soup'])
    expect(await state.get('~cache/menu', 'soup')).toEqual({ price: 4 })
    expect(await state.getGroup('~cache/user')).toEqual([])
  })

  it('can be deleted, and not written', async () => {
    expect(await state.delete('~cache/menu', 'cake')).toEqual([1, 2])
    expect(await tiers.cache.get('cake', { category: 'menu' })).toBeUndefined()
    await expect(state.set('~cache/menu', 'cake', 1)).rejects.toThrow("groups that begin with '~cache/'")
    expect(await tiers.cache.get('soup', { category: 'menu' })).toEqual({ price: 4 })
  })

  it('are gone once their home is back', async () => {
    await revive()
    await until('both are up', () => tiers.health().status === 'ok')
    await until('it is empty', async () => (await state.getGroup('~cache/menu')).length === 0)
    expect(await state.traceIds()).not.toContain('~cache/menu')
  })
})
