import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCachedShelf } from '../../../src/failover/cached/cached-shelf.ts'
import { type EntryStore, StoreError } from '../../../src/instances/store.ts'
import type { CategorySettings } from '../../../src/settings/settings.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { entry, openProcess, type Process, type ProcessOptions, put, text } from './cached-setup.ts'
import { openRedis } from './kept-model.ts'

expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
beforeAll(async () => {
  primary = await startTestRedis()
  secondary = await startTestRedis()
})

const ends: (() => unknown)[] = []
let atHome: Redis
let atStandIn: Redis
beforeEach(async () => {
  await Promise.all([primary.restart(), secondary.restart()])
  atHome = openRedis(primary.url).on('error', () => undefined)
  atStandIn = openRedis(secondary.url).on('error', () => undefined)
  ends.push(
    () => atHome.disconnect(),
    () => atStandIn.disconnect(),
  )
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const open = async (options: Partial<ProcessOptions> = {}): Promise<Process> => {
  const opened = await openProcess({ urls: { primary: primary.url, secondary: secondary.url }, ...options })
  ends.push(opened.close)
  return opened
}
const isDown = ({ home }: Process): Promise<boolean> =>
  until('home is down', () => !home.readable() && !home.catchingUp())

/** Ways in which home stops taking writes, and the way back. */
const faults: Record<string, () => Promise<() => Promise<void>>> = {
  killed: async () => {
    await primary.crash()
    return () => primary.restart()
  },
  frozen: async () => {
    primary.freeze()
    return async () => primary.thaw()
  },
  full: async () => {
    await atHome.config('SET', 'maxmemory', '100kb')
    return async () => {
      await atHome.config('SET', 'maxmemory', '30mb')
    }
  },
  'read-only': async () => {
    await atHome.replicaof('127.0.0.1', 1)
    return async () => {
      await atHome.replicaof('NO', 'ONE')
    }
  },
}

describe.each(Object.keys(faults))('home is %s', (name) => {
  const fault = faults[name] as () => Promise<() => Promise<void>>

  it('every call goes on, and a process reads its own writes, before, while and after', async () => {
    const { shelf, ...process } = await open()
    await shelf.write([put('kept', 'old'), put('changed', 'old'), put('gone', 'old')])
    const heal = await fault()

    await shelf.write([put('changed', 'new')])
    expect(await shelf.read(entry('changed'))).toBe(text('new'))
    await shelf.remove([entry('gone')])
    expect(await shelf.read(entry('gone'))).toBeUndefined()
    await shelf.write([put('a', '1'), put('b', '2')])
    expect(await shelf.readMany([entry('a'), entry('gone'), entry('b')])).toEqual([text('1'), undefined, text('2')])
    expect(await shelf.locate(entry('a'))).toEqual({
      text: text('1'),
      source: 'secondary',
      degraded: true,
    })
    expect(await shelf.increment(entry('n'), 2, Date.now() + 60_000)).toBe(2)
    expect(await shelf.increment(entry('n'), 3, Date.now() + 60_000)).toBe(5)
    expect(await shelf.read(entry('n'))).toBe('5')
    expect(await shelf.swap(entry('a'), text('1'), { ...put('a', '1b') })).toBe(true)
    expect(await shelf.swap(entry('a'), text('1'), { ...put('a', '1c') })).toBe(false)
    expect(await shelf.read(entry('a'))).toBe(text('1b'))
    expect(await shelf.life(entry('a'))).toBeGreaterThan(50_000)
    expect(await shelf.life(entry('gone'))).toBeUndefined()
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await shelf.scan('', cursor, 100)
      seen.push(...page.keys)
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(seen).toEqual(expect.arrayContaining(['menu:a', 'menu:b', 'menu:changed', 'menu:n']))
    expect(seen).not.toContain('menu:gone')

    await heal()
    await process.recover()
    expect([undefined, text('old')]).toContain(await shelf.read(entry('kept')))
    expect(await shelf.read(entry('changed'))).toBeUndefined()
    expect(await shelf.read(entry('gone'))).toBeUndefined()
    expect(await shelf.read(entry('n'))).toBe('5')
    await shelf.write([put('changed', 'newest')])
    expect(await shelf.locate(entry('changed'))).toEqual({ text: text('newest'), source: 'primary', degraded: false })
    expect(await atStandIn.keys('*standin*')).toEqual([])
    expect(await atStandIn.keys('*outage*')).toEqual([])
  })
})

describe('calls in an outage', () => {
  it('a clear takes what was there before and during, and nothing comes back', async () => {
    const { shelf, ...process } = await open()
    await shelf.write([put('a', 'old'), put('b', 'old')])
    await primary.crash()
    await shelf.write([put('a', 'new')])
    await shelf.clear()
    expect(await shelf.readMany([entry('a'), entry('b')])).toEqual([undefined, undefined])
    await shelf.write([put('b', 'newer')])
    expect(await shelf.read(entry('b'))).toBe(text('newer'))
    await primary.restart()
    await atHome.set('menu:a', text('came back'))
    await process.recover()
    expect(await shelf.read(entry('a'))).toBeUndefined()
  })

  it('a write without connection is not sent again: one whose reply was lost is journalled, and replayed as a delete', async () => {
    const proxy = await startTcpProxy(primary.port)
    ends.push(() => proxy.close())
    const { shelf, journal, ...process } = await open({ urls: { primary: proxy.url, secondary: secondary.url } })
    await shelf.write([put('a', 'old')])
    proxy.mode('reset')
    await shelf.write([put('a', 'new')])
    expect(await shelf.read(entry('a'))).toBe(text('new'))
    proxy.mode('pass')
    await process.recover()
    expect(await shelf.read(entry('a'))).toBeUndefined()
    expect(await atHome.get('menu:a')).toBeNull()
    expect(journal?.stats('primary').entries).toBe(0)
  })

  it('what timed out at a home that lives on is read from its copy, and written to both from then on', async () => {
    const proxy = await startTcpProxy(primary.port)
    ends.push(() => proxy.close())
    const { shelf, ...process } = await open({ urls: { primary: proxy.url, secondary: secondary.url } })
    proxy.mode('drop')
    await shelf.write([put('a', '1')])
    proxy.mode('pass')
    proxy.resetAll()
    expect(await shelf.locate(entry('a'))).toMatchObject({ text: text('1'), source: 'secondary', degraded: true })
    await until('home takes writes again', async () => {
      await shelf.write([put('a', '2'), put('b', '2')])
      return (await atHome.get('menu:a')) === text('2')
    })
    expect(await shelf.locate(entry('a'))).toMatchObject({ text: text('2'), source: 'secondary', degraded: true })
    expect(await shelf.remove([entry('b')])).toEqual([true])
    expect(await shelf.read(entry('b'))).toBeUndefined()
    await process.recover()
    expect(await shelf.read(entry('a'))).toBeUndefined()
  })

  it('while home catches up it gets every write, and is not read', async () => {
    const { shelf, home, landscape, ...process } = await open()
    await shelf.write([put('stays', 'old')])
    await primary.crash()
    await shelf.write([put('a', '1')])
    await primary.restart()
    await until('home catches up', () => home.catchingUp())
    await atHome.set('menu:others', text('of before'))
    expect(await shelf.read(entry('others'))).toBeUndefined()
    await shelf.write([put('b', '2')])
    expect(await atHome.get('menu:b')).toBe(text('2'))
    expect(await shelf.locate(entry('b'))).toMatchObject({ source: 'secondary' })
    expect(await shelf.increment(entry('n'), 4, Date.now() + 60_000)).toBe(4)
    expect(await atHome.get('menu:n')).toBe('4')
    expect(await shelf.read(entry('n'))).toBe('4')
    expect(await shelf.remove([entry('b')])).toEqual([true])
    expect(await shelf.read(entry('b'))).toBeUndefined()
    await process.recover()
    expect(landscape.calm('primary')).toBe(true)
    expect(await shelf.read(entry('n'))).toBe('4')
    expect(await shelf.read(entry('b'))).toBeUndefined()
  })

  it('an increment whose outcome is unknown is the one call that fails', async () => {
    const proxy = await startTcpProxy(primary.port)
    ends.push(() => proxy.close())
    const { shelf, home, journal } = await open({ urls: { primary: proxy.url, secondary: secondary.url } })
    proxy.mode('drop')
    const end = Date.now() + 60_000
    await expect(shelf.increment(entry('n'), 1, end)).rejects.toMatchObject({ kind: 'timeout', applied: 'unknown' })
    expect(journal?.stats('primary').entries).toBe(0)
    await isDown({ home } as Process)
    expect(await shelf.increment(entry('n'), 1, end)).toBe(1)
    await expect(shelf.increment(entry('n'), Number.MAX_SAFE_INTEGER, end)).rejects.toMatchObject({
      kind: 'out-of-range',
    })
    expect(journal?.stats('primary').entries).toBe(1)
  })

  it("the caller's own errors and a missing right stay what they are", async () => {
    const { shelf, journal } = await open()
    await shelf.write([put('a', 'no number')])
    await expect(shelf.increment(entry('a'), 1, Date.now() + 60_000)).rejects.toMatchObject({ kind: 'not-a-number' })
    await atHome.hset('menu:hash', 'f', 'v')
    await expect(shelf.increment(entry('hash'), 1, Date.now() + 60_000)).rejects.toMatchObject({ kind: 'not-a-number' })
    expect(journal?.stats('primary').entries).toBe(0)
    expect(await atStandIn.keys('*')).toEqual([])
  })

  it('all attempts at a new life share one deadline, where no instance answers', async () => {
    const wires = await Promise.all([startTcpProxy(primary.port), startTcpProxy(secondary.port)])
    ends.push(() => Promise.all(wires.map((wire) => wire.close())))
    const [home, other] = wires
    const deadline = { write: 1_200 }
    const { shelf } = await open({ urls: { primary: home.url, secondary: other.url }, policy: { deadline } })
    await shelf.write([put('a', '1')])
    for (const wire of wires) wire.mode('hold')
    const asked = performance.now()
    expect(await shelf.swap(entry('a'), text('1'), put('a', '1'))).toBe(false)
    // With one of its own, the second took as long as the first: 1.6 s together.
    expect(performance.now() - asked).toBeLessThan(1.2 * deadline.write)
    for (const wire of wires) wire.mode('pass')
  })

  it('a full server loses its old value at once, and the new one lies elsewhere', async () => {
    const { shelf } = await open()
    await shelf.write([put('a', 'old')])
    await atHome.config('SET', 'maxmemory', '100kb')
    await shelf.write([put('a', 'new')])
    expect(await shelf.read(entry('a'))).toBe(text('new'))
    await until('the old value is gone', async () => (await atHome.get('menu:a')) === null)
    expect(await shelf.remove([entry('a')])).toEqual([true])
    expect(await shelf.read(entry('a'))).toBeUndefined()
  })

  it('what bears an invalidated tag at home is a miss, as long as that waits in the journal', async () => {
    const { shelf, journal } = await open()
    const tagged = (key: string, tag: string) => ({ ...put(key, ''), text: `{"value":1,"meta":{"t":["${tag}"]}}` })
    await shelf.write([tagged('a', 'red'), tagged('b', 'blue'), { ...put('c', ''), text: 'no JSON, but "t":[' }])
    await journal?.append('primary', [{ kind: 'invalid-tag', scope: 'c:menu', tag: 'red' }])
    expect(await shelf.readMany(['a', 'b', 'c'].map(entry))).toEqual([
      undefined,
      tagged('b', 'blue').text,
      'no JSON, but "t":[',
    ])
    expect(await shelf.read(entry('a'))).toBeUndefined()
    expect([...(await shelf.scan('', undefined, 10)).keys].sort()).toEqual(['menu:b', 'menu:c'])
  })

  it('a number at home that lacks increments is told with them, to readers and to who counts on', async () => {
    const { shelf, home, recover } = await open()
    const end = Date.now() + 60_000
    const count = (by: number): Promise<number> => shelf.increment(entry('n'), by, end)
    const number = async (): Promise<number> => Number(await shelf.read(entry('n')))
    expect(await count(10)).toBe(10)
    home.drill(60_000)
    // What home had isn't known here.
    expect([await count(1), await count(2), await number()]).toEqual([1, 3, 3])
    expect(await shelf.increment(entry('new'), 5, end)).toBe(5)
    home.drill(0)
    await until('it catches up', () => home.catchingUp())
    // As long as the number is read elsewhere, that is the one that is told.
    expect([await count(4), await number()]).toEqual([7, 7])
    home.readmit()
    expect([await number(), await count(8), await number()]).toEqual([17, 25, 25])
    expect([await shelf.read(entry('new')), await shelf.increment(entry('other'), 1, end)]).toEqual(['5', 1])
    expect((await shelf.life(entry('new'))) ?? 0).toBeGreaterThan(30_000)
    await recover()
    expect([await number(), await count(1), await number()]).toEqual([25, 26, 26])
    expect(await atHome.get(entry('n').redisKey)).toBe('26')
    expect(await atHome.get(entry('new').redisKey)).toBe('5')
  })

  it('copies live no longer than standInTtl says', async () => {
    const { shelf } = await open({ policy: { standInTtl: 5_000 } })
    await primary.crash()
    await shelf.write([put('a', '1')])
    expect(await shelf.life(entry('a'))).toBeLessThanOrEqual(5_000)
    expect(await shelf.increment(entry('n'), 1, Date.now() + 60_000)).toBe(1)
    expect(await shelf.life(entry('n'))).toBeLessThanOrEqual(5_000)
  })
})

describe('with no instance left', () => {
  it('the last resort serves, and what it holds is superseded once an instance stands in again', async () => {
    const { shelf, home, standIn, ...process } = await open()
    await shelf.write([put('a', 'at home')])
    await Promise.all([primary.crash(), secondary.crash()])
    await shelf.write([put('a', '1'), put('b', '1'), put('c', '1')])
    expect(await shelf.locate(entry('a'))).toEqual({ text: text('1'), source: 'embedded', degraded: true })
    expect(await shelf.increment(entry('n'), 2, Date.now() + 60_000)).toBe(2)
    expect(await Promise.all([1, 2, 3].map((by) => shelf.increment(entry('n'), by, Date.now() + 60_000)))).toEqual([
      3, 5, 8,
    ])
    expect(await shelf.swap(entry('b'), text('1'), put('b', '1b'))).toBe(true)
    expect(await shelf.remove([entry('c')])).toEqual([true])
    expect(await shelf.life(entry('a'))).toBeGreaterThan(50_000)

    await secondary.restart()
    await until('the stand-in is back', () => standIn.catchingUp())
    standIn.readmit()
    await shelf.write([put('a', '2')])
    expect(await shelf.locate(entry('a'))).toEqual({ text: text('2'), source: 'secondary', degraded: true })
    expect(await shelf.read(entry('b'))).toBe(text('1b'))
    await shelf.remove([entry('b')])
    await secondary.crash()
    await until('it is gone', () => !standIn.readable())
    expect(await shelf.readMany([entry('a'), entry('b'), entry('c'), entry('n')])).toEqual([
      undefined,
      undefined,
      undefined,
      '8',
    ])

    await Promise.all([primary.restart(), secondary.restart()])
    await process.recover()
    expect(await shelf.readMany([entry('a'), entry('b')])).toEqual([undefined, undefined])
    await primary.crash()
    await until('home is down', () => !home.readable())
    expect(await shelf.readMany([entry('a'), entry('n')])).toEqual([undefined, undefined])
  })

  it('what its disk may write too late is not read, once its writer was told that it failed', async () => {
    const { shelf, lastResort } = await open()
    await Promise.all([primary.crash(), secondary.crash()])
    await shelf.write([put('a', 'before')])
    const write = lastResort?.write
    let late: (() => Promise<void> | undefined) | undefined
    vi.spyOn(lastResort as object as Pick<EntryStore, 'write'>, 'write').mockImplementationOnce(async (entries) => {
      late = () => write?.(entries)
      throw new StoreError('timeout', 'fallback', 'fallback: the disk took longer', 'unknown')
    })
    await expect(shelf.write([put('a', 'late')])).rejects.toMatchObject({ applied: 'unknown' })
    await shelf.remove([entry('a')])
    await late?.()
    expect(await shelf.read(entry('a'))).toBeUndefined()
    await shelf.write([put('a', 'after')])
    expect(await shelf.read(entry('a'))).toBe(text('after'))
  })

  it('a write that the stand-in did not answer may lie there, so nobody knows whether it was made', async () => {
    const process = await open({ lastResort: false })
    const { shelf } = process
    await primary.crash()
    await isDown(process)
    await shelf.write([put('a', 'first')])
    secondary.freeze()
    try {
      await expect(shelf.write([put('a', 'second')])).rejects.toMatchObject({ kind: 'unavailable', applied: 'unknown' })
    } finally {
      secondary.thaw()
    }
  })

  it('without a folder nothing can remember: writes move only from a home that is down', async () => {
    const process = await open({ journal: false, lastResort: false })
    const { shelf } = process
    await shelf.write([put('a', 'old')])
    await atHome.replicaof('127.0.0.1', 1)
    await expect(shelf.write([put('a', 'new')])).rejects.toMatchObject({ kind: 'read-only', applied: 'no' })
    await expect(shelf.remove([entry('a')])).rejects.toMatchObject({ kind: 'read-only' })
    await expect(shelf.clear()).rejects.toMatchObject({ kind: 'read-only' })
    await expect(shelf.increment(entry('n'), 1, Date.now() + 9_000)).rejects.toMatchObject({ kind: 'read-only' })
    expect(await shelf.read(entry('a'))).toBe(text('old'))
    await atHome.replicaof('NO', 'ONE')
    await primary.crash()
    await isDown(process)
    await shelf.write([put('a', 'new')])
    expect(await shelf.read(entry('a'))).toBe(text('new'))
    await secondary.crash()
    await expect(shelf.write([put('a', 'new')])).rejects.toMatchObject({ kind: 'unavailable', store: 'primary' })
    expect(await shelf.read(entry('a'))).toBeUndefined()
  })

  it('a journal that takes nothing refuses what needs it', async () => {
    const { shelf, journal } = await open()
    await journal?.close()
    await primary.crash()
    await expect(shelf.write([put('a', '1')])).rejects.toMatchObject({ kind: 'closed', store: 'primary' })
    await expect(shelf.remove([entry('a')])).rejects.toMatchObject({ kind: 'closed' })
    await expect(shelf.clear()).rejects.toMatchObject({ kind: 'closed' })
  })
})

describe("policy 'drop'", () => {
  const policy: Partial<CategorySettings> = { onOutage: 'drop' }

  it('values written away from home are dropped, and what they replaced is not read again', async () => {
    const { shelf, ...process } = await open({ policy })
    await shelf.write([put('a', 'old'), put('b', 'old')])
    await primary.crash()
    await shelf.write([put('a', 'new')])
    expect(await shelf.remove([entry('b')])).toEqual([false])
    expect(await shelf.readMany([entry('a'), entry('b')])).toEqual([undefined, undefined])
    expect(await shelf.increment(entry('n'), 3, Date.now() + 60_000)).toBe(3)
    expect(await shelf.swap(entry('a'), text('new'), put('a', 'x'))).toBe(false)
    expect(await shelf.life(entry('a'))).toBeUndefined()
    expect(await shelf.scan('', undefined, 10)).toEqual({ keys: [], cursor: undefined, partial: true })
    await shelf.clear()
    expect(await atStandIn.keys('*standin*')).toEqual([])
    await primary.restart()
    await Promise.all(['a', 'b', 'n'].map((key) => atHome.set(`menu:${key}`, text('old'))))
    await process.recover()
    expect(await shelf.readMany([entry('a'), entry('b'), entry('n')])).toEqual([undefined, undefined, undefined])
    await shelf.write([put('a', 'now')])
    expect(await shelf.read(entry('a'))).toBe(text('now'))
  })
})

describe('keys', () => {
  const all = async ({ shelf }: Process, prefix = ''): Promise<{ keys: string[]; partial: boolean }> => {
    const keys = new Set<string>()
    let partial = false
    let cursor: string | undefined
    do {
      const page = await shelf.scan(prefix, cursor, 7)
      for (const key of page.keys) keys.add(key)
      partial ||= page.partial === true
      cursor = page.cursor
    } while (cursor !== undefined)
    return { keys: [...keys].sort(), partial }
  }
  const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `k${from + i}`)
  const sorted = (keys: string[]): string[] => keys.map((key) => `menu:${key}`).sort()

  it('are listed from all places that can be asked, page by page, and the rest is said to be missing', async () => {
    const process = await open()
    const { shelf } = process
    await shelf.write(names(0, 30).map((key) => put(key, '1')))
    await atHome.set('other:k1', 'x')
    expect(await all(process)).toEqual({ keys: sorted(names(0, 30)), partial: false })

    // What would give keys away for room has none of them left.
    await atHome.config('SET', 'maxmemory-policy', 'noeviction')
    await atHome.config('SET', 'maxmemory', '100kb')
    await shelf.write(names(20, 40).map((key) => put(key, '2')))
    await shelf.remove([entry('k0'), entry('k20')])
    expect(await all(process)).toEqual({
      keys: sorted([...names(1, 20), ...names(21, 40)]),
      partial: false,
    })
    expect((await all(process, 'k3')).keys).toEqual(sorted(['k3', ...names(30, 40)]))

    await primary.crash()
    await isDown(process)
    expect(await all(process)).toEqual({ keys: sorted(names(21, 40)), partial: true })
    await secondary.crash()
    await shelf.write([put('last', '3')])
    expect(await all(process)).toEqual({ keys: ['menu:last'], partial: true })
  })

  it('of what somebody else put there are listed too, so that it can be found and deleted', async () => {
    const process = await open()
    const { shelf } = process
    await shelf.write([put('ours', '1')])
    await atHome.hset('menu:hash', 'f', 'v')
    expect(await shelf.read(entry('hash'))).toBeUndefined()
    expect(await all(process)).toEqual({ keys: sorted(['hash', 'ours']), partial: false })
    expect(await shelf.remove([entry('hash')])).toEqual([true])
    expect(await all(process)).toEqual({ keys: sorted(['ours']), partial: false })
  })
})

describe('categories of one home', () => {
  it("what is dropped of one doesn't cost the others their copies", async () => {
    const { shelf, outages, landscape, home } = await open()
    const drops = createCachedShelf(
      { ...landscape.categoryOf('ml'), instance: 'primary', onOutage: 'drop', mirror: false },
      home,
      { landscape, outages, now: Date.now },
    )
    const dropped = { key: 'm', redisKey: 'ml:m', text: text('m'), endsAt: Date.now() + 60_000 }
    await primary.crash()
    await shelf.write([put('a', '1')])
    await drops.write([dropped])
    await drops.remove([dropped])
    await drops.clear()
    expect(await shelf.read(entry('a'))).toBe(text('1'))
    expect(await drops.read(dropped)).toBeUndefined()
  })

  it('a clear is of one category only', async () => {
    const { shelf, outages, landscape, home } = await open()
    const user = createCachedShelf({ ...landscape.categoryOf('user'), instance: 'primary' }, home, {
      landscape,
      outages,
      now: Date.now,
    })
    const name = { key: 'u', redisKey: 'user:u' }
    await primary.crash()
    await Promise.all([
      shelf.write([put('a', '1')]),
      user.write([{ ...name, text: text('u'), endsAt: Date.now() + 60_000 }]),
    ])
    await shelf.clear()
    expect(await shelf.read(entry('a'))).toBeUndefined()
    expect(await user.read(name)).toBe(text('u'))
    expect((await user.scan('', undefined, 10)).partial).toBe(true)
  })
})
