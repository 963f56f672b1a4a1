import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireLease } from '../../../src/cache/leases/acquire-lease.ts'
import type { LeaseAnswer, Shelf, ShelfLease } from '../../../src/failover/shelf.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { entry, openProcess, type Process } from './cached-setup.ts'
import { type Ground, name as keptName, openGround } from './kept-ground.ts'
import { valueIn, writeOf } from './lease-ground.ts'

expectNothingUnhandled()

const ms = 5_000
const granted = (answer: LeaseAnswer): ShelfLease => {
  if (!('lease' in answer)) throw new Error(`not granted: ${JSON.stringify(answer)}`)
  return answer.lease
}
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe('a cached category', () => {
  let primary: TestRedis
  let secondary: TestRedis
  let here: Process
  let there: Process
  beforeEach(async () => {
    primary = await startTestRedis()
    secondary = await startTestRedis()
    const urls = { primary: primary.url, secondary: secondary.url }
    here = await openProcess({ urls })
    there = await openProcess({ urls })
    ends.push(() => Promise.all([here.close(), there.close()]))
  })
  const name = entry('a')
  const lease = async ({ shelf }: Process): Promise<ShelfLease> => granted(await shelf.lease(name, { ms }))
  const read = async ({ shelf }: Process): Promise<unknown> => valueIn(await shelf.read(name))

  it.each(['crash', 'freeze'] as const)('computes once more where home is lost: %s', async (how) => {
    const first = await lease(here)
    if (how === 'crash') await primary.crash()
    else primary.freeze()
    const second = await lease(there)
    expect(second.shared).toBe(true)
    // Nobody else gets one meanwhile.
    expect(await here.shelf.lease(name, { ms })).toEqual({ held: true })
    expect(await first.fill(writeOf(name, 'first'))).toBe('overtaken')
    expect(await second.renew(ms)).toBe(true)
    expect(await second.fill(writeOf(name, 'second'))).toBe('stored')
    expect(await read(there)).toBe('second')
    expect(await read(here)).toBe('second')
    if (how === 'crash') await primary.restart()
    else primary.thaw()
    await Promise.all([here.recover(), there.recover()])
    for (const each of [here, there]) expect([undefined, 'second']).toContain(await read(each))
  })

  it('brings nothing old back after home has returned', async () => {
    const [first, other] = [await lease(here), granted(await here.shelf.lease(entry('b'), { ms }))]
    primary.freeze()
    await there.shelf.write([writeOf(name, 'new')])
    await there.shelf.clear()
    await there.shelf.write([writeOf(name, 'newer')])
    primary.thaw()
    await until('home is seen again', () => here.home.readable() || here.home.catchingUp())
    await Promise.all([there.recover(), here.recover()])
    expect(await first.fill(writeOf(name, 'old'))).toBe('overtaken')
    expect(await other.fill(writeOf(entry('b'), 'old'))).toBe('overtaken')
    for (const { shelf } of [here, there]) {
      expect([undefined, 'newer']).toContain(valueIn(await shelf.read(name)))
      expect(await shelf.read(entry('b'))).toBeUndefined()
    }
  })

  it('what was granted on a stand-in is not filled after home has returned', async () => {
    await primary.crash()
    const first = await lease(here)
    expect(first.shared).toBe(true)
    await primary.restart()
    await Promise.all([here.recover(), there.recover()])
    await there.shelf.write([writeOf(name, 'new')])
    const raw = new Redis(secondary.url)
    ends.push(() => raw.disconnect())
    const leases = async () => (await raw.keys('*')).filter((key) => key.includes(':lease:'))
    expect(await leases()).toHaveLength(1)
    expect(await first.fill(writeOf(name, 'old'))).toBe('overtaken')
    for (const each of [here, there]) expect(await read(each)).toBe('new')
    // Nor does it stay there, should home be lost again.
    expect(await leases()).toEqual([])
  })

  it('is leased by each process for itself where no instance is left', async () => {
    await Promise.all([primary.crash(), secondary.crash()])
    const first = await lease(here)
    expect(first).toMatchObject({ shared: false, noted: false })
    expect(await first.renew(ms)).toBe(true)
    expect(await first.fill(writeOf(name, 'own'))).toBe('stored')
    expect(await read(here)).toBe('own')
    const late = await lease(here)
    await primary.restart()
    await here.recover()
    await there.recover()
    await there.shelf.write([writeOf(name, 'new')])
    expect(await late.fill(writeOf(name, 'old'))).toBe('overtaken')
    for (const each of [here, there]) expect(await read(each)).toBe('new')
  })

  it('has no lease to offer where its data may be dropped and home is away', async () => {
    const urls = { primary: primary.url, secondary: secondary.url }
    const dropping = await openProcess({ urls, policy: { onOutage: 'drop' } })
    ends.push(() => dropping.close())
    await primary.crash()
    const own = await lease(dropping)
    expect(own.shared).toBe(false)
    expect(await own.fill(writeOf(name, 'dropped'))).toBe('overtaken')
    expect(await read(dropping)).toBeUndefined()
  })

  it('is computed at most once more for each instance that is lost while all want it', async () => {
    let computing = 0
    let together = 0
    let computed = 0
    const want = async ({ shelf }: Process): Promise<unknown> => {
      for (;;) {
        const text = await shelf.read(name)
        if (text !== undefined) return valueIn(text)
        const leased = await acquireLease(shelf, name, { seen: { text }, patience: 10_000 }, { lease: 1_000, poll: 10 })
        if ('found' in leased) return valueIn(leased.found)
        if (!('lease' in leased)) continue
        computed++
        computing++
        together = Math.max(together, computing)
        await new Promise((resolve) => setTimeout(resolve, 400))
        computing--
        await leased.lease.fill(writeOf(name, computed))
        return computed
      }
    }
    const all = [here, there, here, there].map(want)
    await until('somebody computes', () => computing > 0)
    await primary.crash()
    await Promise.all(all)
    expect(computed).toBeLessThanOrEqual(2)
    // Those who lost their lease go on; there is one more on the instance that is left.
    expect(together).toBeLessThanOrEqual(2)
    expect(await read(here)).toBe(computed)
  })
})

describe('a connection that ends at the wrong moment', () => {
  const scene = async () => {
    const primary = await startTestRedis()
    const secondary = await startTestRedis()
    const wire = await startTcpProxy(primary.port)
    const here = await openProcess({ urls: { primary: wire.url, secondary: secondary.url } })
    const raw = new Redis(primary.url)
    ends.push(() => Promise.all([here.close(), wire.close(), raw.quit()]))
    const left = (): Promise<number> => raw.pttl(`~mr:lease:${name.redisKey}`)
    // The server has the script now: it is granted in one round trip.
    await granted(await here.shelf.lease(entry('first'), { ms })).release()
    /** ms that it still had, about. */
    const gone = async (): Promise<number> => {
      let last = 0
      await until('it is gone', async () => {
        const now = await left()
        if (now > 0) last = now
        return now === -2
      })
      return last
    }
    return { here, wire, left, gone }
  }
  const name = entry('a')

  it('leaves no lease behind that nobody knows of', async () => {
    const { here, wire, left, gone } = await scene()
    wire.mode('hold')
    const asked = here.shelf.lease(name, { ms })
    await until('it is granted, and nobody hears of it', async () => (await left()) > 0)
    wire.resetAll()
    wire.mode('pass')
    await granted(await asked).release()
    expect(await gone()).toBeGreaterThan(1_000)
  })

  it.each(['fill', 'release'] as const)('gives back a lease whose %s did not arrive', async (how) => {
    const { here, wire, left, gone } = await scene()
    const lease = granted(await here.shelf.lease(name, { ms }))
    wire.mode('reset')
    expect(await (how === 'fill' ? lease.fill(writeOf(name, 'x')) : lease.release())).toBe(
      how === 'fill' ? 'overtaken' : undefined,
    )
    expect(await left()).toBeGreaterThan(0)
    wire.mode('pass')
    expect(await gone()).toBeGreaterThan(1_000)
    expect(valueIn(await here.shelf.read(name))).toBeUndefined()
  })
})

describe('a mirrored category', () => {
  let first: Ground
  let second: Ground
  let here: Shelf
  let there: Shelf
  const name = keptName('a')
  beforeEach(async () => {
    first = await openGround()
    second = await openGround({ servers: [first.a, first.b] })
    here = first.shelf()
    there = second.shelf()
    ends.push(() => Promise.all([first.close(), second.close()]))
  })
  const lease = async (shelf: Shelf): Promise<ShelfLease> => granted(await shelf.lease(name, { ms }))

  it('lies on both instances once it is filled', async () => {
    const holder = await lease(here)
    expect(await holder.fill(writeOf(name, 'both'))).toBe('stored')
    await first.a.crash()
    expect(valueIn(await there.read(name))).toBe('both')
    expect(valueIn(await here.read(name))).toBe('both')
  })

  it('is leased on the mirror while home is away, and home has it afterwards', async () => {
    const before = await lease(here)
    await first.a.crash()
    const holder = await lease(there)
    expect(holder.shared).toBe(true)
    expect(await before.fill(writeOf(name, 'old'))).toBe('overtaken')
    expect(await holder.fill(writeOf(name, 'new'))).toBe('stored')
    for (const shelf of [here, there]) expect(valueIn(await shelf.read(name))).toBe('new')
    await first.a.restart()
    await Promise.all([second.recover(second.home), first.recover(first.home)])
    for (const shelf of [here, there]) expect(valueIn(await shelf.read(name))).toBe('new')
  })

  it('what was removed in between stays removed after home has returned', async () => {
    const holder = await lease(here)
    first.a.freeze()
    await there.write([writeOf(name, 'new')])
    await there.remove([name])
    first.a.thaw()
    await Promise.all([second.recover(second.home), first.recover(first.home)])
    expect(await holder.fill(writeOf(name, 'old'))).toBe('overtaken')
    for (const shelf of [here, there]) expect(await shelf.read(name)).toBeUndefined()
  })

  it('goes to the journal where both are away, after whatever is later there', async () => {
    await Promise.all([first.a.crash(), first.b.crash()])
    const own = await lease(here)
    expect(own.shared).toBe(false)
    expect(await own.fill(writeOf(name, 'kept'))).toBe('stored')
    expect(valueIn(await here.read(name))).toBe('kept')
    const late = await lease(here)
    await Promise.all([first.a.restart(), first.b.restart()])
    await Promise.all([first.recover(first.home), first.recover(first.mirror)])
    await Promise.all([second.recover(second.home), second.recover(second.mirror)])
    expect(await late.fill(writeOf(name, 'old'))).toBe('overtaken')
    for (const shelf of [here, there]) expect(valueIn(await shelf.read(name))).toBe('kept')
  })
})
