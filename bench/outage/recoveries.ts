import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openRedis, type TestRedis } from '../../test/support/redis-process.ts'
import { until } from '../../test/support/until.ts'
import type { InstanceHealth, RedisTiers, redisTiers } from '../../types/index.ts'
import { judged } from '../measure.ts'

/** A row of the table: what was asked for, and what was seen. */
export interface Recovery {
  readonly what: string
  readonly goal: string
  readonly seen: string
  readonly verdict: 'met' | 'MISSED'
}

type Tiers = typeof redisTiers

const WRITES = 20_000
const AT_ONCE = 200
const MINUTE = 60_000
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface Ground {
  readonly primary: TestRedis
  readonly env: Readonly<Record<string, string>>
}

const onGround = async <T>(use: (ground: Ground) => Promise<T>): Promise<T> => {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'no']
  const [primary, secondary] = await Promise.all([openRedis({ args: durable }), openRedis({ args: durable })])
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
  try {
    const env = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url, MOTIA_REDIS_DIR: dir }
    return await use({ primary, env })
  } finally {
    await Promise.all([primary.remove(), secondary.remove()])
    rmSync(dir, { recursive: true, force: true })
  }
}

const healthOf = ({ health }: RedisTiers): InstanceHealth | undefined =>
  health().instances.find(({ name }) => name === 'primary')
const isBack = (tiers: RedisTiers): boolean => {
  const primary = healthOf(tiers)
  return primary?.state === 'up' && primary.journal.entries === 0
}
const isDown = (tiers: RedisTiers): boolean => healthOf(tiers)?.state === 'down'

const recovery = (what: string, goal: number, seen: number, unit = ''): Recovery => {
  const shown = (figure: number): string => `${Math.round(figure).toLocaleString('en')}${unit}`
  return { what, goal: shown(goal), seen: shown(seen), verdict: judged(seen <= goal) }
}

/** Another server process dies with entries of its own; the one that stays brings the instance back. */
export const afterKill = (built: string): Promise<Recovery> =>
  onGround(async ({ primary, env }) => {
    const { redisTiers } = (await import(built)) as { redisTiers: Tiers }
    const tiers = redisTiers({ env })
    const file = fileURLToPath(new URL('doomed.ts', import.meta.url))
    const other = spawn(process.execPath, ['--import', 'tsx', file, built, JSON.stringify(env)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise((resolve) => other.once('close', resolve))
    try {
      await tiers.cache.set('k', 'v', { category: 'orders' })
      await new Promise((resolve) => other.stdout.once('data', resolve))
      await primary.crash()
      await until('it is away', () => isDown(tiers))
      await tiers.cache.set('k', 'meanwhile', { category: 'orders' })
      await new Promise((resolve) => other.stdout.once('data', resolve))
      other.kill('SIGKILL')
      await ended
      await primary.restart()
      const since = performance.now()
      await until('it is back', () => isBack(tiers), 30_000)
      const what = 'up again, after a server process with entries was killed'
      return recovery(what, 4_000, performance.now() - since, ' ms')
    } finally {
      other.kill('SIGKILL')
      await tiers.close()
    }
  })

/** Each kind of entry: a value of its own for every key. */
export const withManyEntries = (redisTiers: Tiers): Promise<Recovery> =>
  onGround(async ({ primary, env }) => {
    const tiers = redisTiers({ env })
    try {
      await tiers.cache.set('k', 'v', { category: 'orders' })
      await primary.crash()
      await until('it is away', () => isDown(tiers))
      for (let i = 0; i < WRITES; i += AT_ONCE) {
        const keys = Array.from({ length: AT_ONCE }, (_, j) => `k${i + j}`)
        await Promise.all(keys.map((key) => tiers.cache.set(key, 'meanwhile', { category: 'orders', ttl: '1h' })))
      }
      const entries = healthOf(tiers)?.journal.entries ?? 0
      await primary.restart()
      const since = performance.now()
      await until('it is back', () => isBack(tiers), 60_000)
      const goal = 2_000 + (entries / 20_000) * 1_000
      const what = `up again, with ${entries.toLocaleString('en')} journalled writes`
      return recovery(what, goal, performance.now() - since, ' ms')
    } finally {
      await tiers.close()
    }
  })

/** Frozen and thawed every 300 ms. */
export const whileFlapping = (redisTiers: Tiers): Promise<Recovery> =>
  onGround(async ({ primary, env }) => {
    const tiers = redisTiers({ env })
    let going = true
    try {
      let failovers = 0
      tiers.on('failover', ({ category }) => {
        if (category === 'orders') failovers += 1
      })
      const caller = async (): Promise<void> => {
        for (let i = 0; going; i++) {
          await tiers.cache.set(`k${i % 100}`, 'v', { category: 'orders' }).catch(() => undefined)
          await pause(5)
        }
      }
      const callers = Promise.all([caller(), caller(), caller(), caller()])
      for (const end = performance.now() + MINUTE; performance.now() < end; ) {
        primary.freeze()
        await pause(300)
        primary.thaw()
        await pause(300)
      }
      going = false
      await callers
      return recovery('failovers in a minute of flapping', 4, failovers)
    } finally {
      going = false
      await tiers.close()
    }
  })
