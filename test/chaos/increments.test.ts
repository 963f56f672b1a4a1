import { cpSync } from 'node:fs'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { isCacheError } from '../../src/errors.ts'
import { testFolder } from '../support/folder.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
import { openTestTiers } from '../support/tiers.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'

/*
 * Increments of four servers while their instance is killed, comes back, freezes and goes on. It keeps an append-only
 * file, so that nothing is missing but what was never there.
 */
expectNothingUnhandled()

const WRITERS = 4
const EACH = 250
const KEPT = { category: 'orders' } as const
const CACHED = { category: 'analytics' } as const

interface Tally {
  acknowledged: number
  unknown: number
  /** Errors that an increment may not meet. */
  readonly others: unknown[]
}

describe('1,000 increments of 4 servers across kill, freeze and return', () => {
  it('all that were acknowledged are there, and at most those of unknown outcome besides', async () => {
    const [primary, secondary] = await Promise.all([
      startTestRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'no'] }),
      startTestRedis(),
    ])
    const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url }
    const folder = testFolder()
    const servers = Array.from(
      { length: WRITERS },
      (_, i) => openTestTiers(i === 0 ? { ...env, MOTIA_REDIS_DIR: folder } : env).tiers,
    )
    const tallies = { kept: tally(), cached: tally() }
    let done = 0

    const count = async (of: Tally, increment: () => Promise<unknown>): Promise<void> => {
      try {
        await increment()
        of.acknowledged++
      } catch (error) {
        if (isCacheError(error) && error.code === 'CACHE_TIMEOUT' && error.applied === 'unknown') of.unknown++
        else of.others.push(error)
      }
    }
    const writers = servers.map(async ({ cache }) => {
      for (let i = 0; i < EACH; i++) {
        await Promise.all([
          count(tallies.kept, () => cache.increment('n', KEPT)),
          count(tallies.cached, () => cache.increment('n', CACHED)),
        ])
        done++
        // There are enough left for each fault.
        while (done > allowed) await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })

    const total = WRITERS * EACH
    let allowed = total * 0.2
    const reached = (share: number, limit?: number) =>
      until(`${share * 100} % are done`, () => done >= Math.min(total, total * share - WRITERS), limit)
    const known = (state: string) =>
      until(
        `all know that it is ${state}`,
        () => servers.every((each) => each.health().instances[0]?.state === state),
        30_000,
      )
    await reached(0.2)
    allowed = total * 0.4
    await primary.crash()
    await reached(0.4, 20_000)
    await known('down')
    await primary.restart()
    allowed = total * 0.6
    await reached(0.6, 20_000)
    await known('up')
    primary.freeze()
    allowed = total * 0.8
    await reached(0.8, 20_000)
    await known('down')
    // What waits at one of them, as a backup of its folder would have it.
    const [waiting] = servers[0]?.health().instances ?? []
    expect(waiting?.journal.entries).toBeGreaterThan(2)
    const backups = [testFolder(), testFolder()]
    for (const backup of backups) cpSync(folder, backup, { recursive: true })
    primary.thaw()
    allowed = total
    await Promise.all(writers)
    await until('all is well', () => servers.every(isWell), 60_000)

    for (const { acknowledged, unknown, others } of Object.values(tallies)) {
      expect(others).toEqual([])
      expect(acknowledged + unknown).toBe(total)
      // Those that were under way when it went away, of each server a few at most.
      expect(unknown).toBeLessThan(total / 10)
    }
    for (const [name, { category }] of Object.entries({ kept: KEPT, cached: CACHED })) {
      const { acknowledged, unknown } = tallies[name as keyof typeof tallies]
      const numbers = await Promise.all(servers.map(({ cache }) => cache.get('n', { category })))
      expect(new Set(numbers).size).toBe(1)
      expect(numbers[0]).toBeGreaterThanOrEqual(acknowledged)
      expect(numbers[0]).toBeLessThanOrEqual(acknowledged + unknown)
    }
    expect(await copyOn(secondary)).toBe(String(await servers[0]?.cache.get('n', KEPT)))

    // Replayed once more, each is known by its id. Control: without the ids they are counted twice.
    const numbers = () => Promise.all([KEPT, CACHED].map((of) => servers[0]?.cache.get('n', of)))
    const before = await numbers()
    await replayed(backups[0], env)
    expect(await numbers()).toEqual(before)
    await redisOf(primary, (redis) => redis.del('~mr:deltas'))
    await replayed(backups[1], env)
    for (const [i, number] of (await numbers()).entries()) expect(Number(number)).toBeGreaterThan(Number(before[i]))
  }, 180_000)
})

const tally = (): Tally => ({ acknowledged: 0, unknown: 0, others: [] })

const isWell = (tiers: ReturnType<typeof openTestTiers>['tiers']): boolean => {
  const { status, instances } = tiers.health()
  return status === 'ok' && instances.every(({ state, journal }) => state === 'up' && journal.entries === 0)
}

/** By a server that finds the folder. */
const replayed = async (folder: string | undefined, env: Readonly<Record<string, string>>): Promise<void> => {
  const { tiers } = openTestTiers({ ...env, ...(folder !== undefined && { MOTIA_REDIS_DIR: folder }) })
  await tiers.cache.get('n', CACHED)
  await until('it has replayed everything', () => isWell(tiers), 30_000)
}

/** The mirror's copy of the counter. */
const copyOn = (server: TestRedis): Promise<string | null> =>
  redisOf(server, async (redis) => {
    const [key = ''] = await redis.keys('*mirror*orders:n')
    return redis.get(key)
  })

const redisOf = async <T>({ url }: TestRedis, work: (redis: Redis) => Promise<T>): Promise<T> => {
  const redis = new Redis(url)
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}
