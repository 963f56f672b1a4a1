import { afterEach, describe, expect, it } from 'vitest'
import type { Shelf } from '../../../src/failover/shelf.ts'
import { startTestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { entry, openProcess } from './cached-setup.ts'
import { name, openGround } from './kept-ground.ts'

/** Counters that are counted thousands of times while their home is away. */
expectNothingUnhandled()

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Work per call that grows with the calls before would take longer than a test may. */
const CALLS = 5_000
const AT_ONCE = 50
/** ms; a machine that stands still for a moment is not what is looked at here. */
const deadline = { read: 5_000, write: 5_000 }

const countUp = async (shelf: Shelf, key: Parameters<Shelf['increment']>[0]): Promise<void> => {
  const endsAt = Date.now() + 600_000
  for (let done = 0; done < CALLS; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => shelf.increment(key, 1, endsAt)))
  }
}

describe('a counter in a long outage', () => {
  it('cached: each increment is acknowledged, the number here is theirs, and home gets all of them', async () => {
    const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
    const urls = { primary: primary.url, secondary: secondary.url }
    const { shelf, home, journal, recover, close } = await openProcess({ urls, policy: { deadline } })
    ends.push(close)
    await primary.crash()
    await until('home is down', () => !home.readable() && !home.catchingUp())
    await countUp(shelf, entry('n'))
    expect(await shelf.read(entry('n'))).toBe(String(CALLS))
    expect(journal?.find('primary', 'c:menu', 'n')?.added).toEqual({ all: CALLS, live: CALLS })
    await primary.restart()
    await recover()
    expect(await home.read('menu:n')).toBe(String(CALLS))
    expect(await shelf.read(entry('n'))).toBe(String(CALLS))
  })

  it('kept: the same, on top of what was known before', async () => {
    const ground = await openGround()
    ends.push(ground.close)
    const shelf = ground.shelf({ deadline })
    expect(await shelf.increment(name('n'), 7, Date.now() + 600_000)).toBe(7)
    await ground.a.crash()
    await until('home is down', () => !ground.home.readable() && !ground.home.catchingUp())
    await countUp(shelf, name('n'))
    await countUp(shelf, name('fresh'))
    expect(await shelf.readMany([name('n'), name('fresh')])).toEqual([String(CALLS + 7), String(CALLS)])
    await ground.a.restart()
    await ground.recover(ground.home)
    expect(await ground.home.read(name('fresh').redisKey)).toBe(String(CALLS))
    expect(await shelf.read(name('fresh'))).toBe(String(CALLS))
  })
})
