import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { entry, layout, openProcess, type Process, type ProcessOptions, put, text } from './cached-setup.ts'
import { openRedis } from './kept-model.ts'

/** Interleavings that once showed an old value, each beside a run without what prevents it. */
expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
beforeAll(async () => {
  primary = await startTestRedis()
  secondary = await startTestRedis()
})

const ends: (() => unknown)[] = []
let atStandIn: Redis
beforeEach(async () => {
  await Promise.all([primary.restart(), secondary.restart()])
  atStandIn = openRedis(secondary.url).on('error', () => undefined)
  ends.push(() => atStandIn.disconnect())
  // One test leaves a snapshot.
  await atStandIn.flushall()
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const open = async (options: Partial<ProcessOptions> = {}): Promise<Process> => {
  const opened = await openProcess({ urls: { primary: primary.url, secondary: secondary.url }, ...options })
  ends.push(opened.close)
  return opened
}
/** A process with a wire of its own to home. */
const openApart = async (options: Partial<ProcessOptions> = {}): Promise<Process & { readonly wire: TcpProxy }> => {
  const wire = await startTcpProxy(primary.port)
  ends.push(() => wire.close())
  return { ...(await open({ urls: { primary: wire.url, secondary: secondary.url }, ...options })), wire }
}
const isDown = ({ home }: Process): Promise<boolean> => until('home is down', () => !home.readable())
const idOf = async (): Promise<string | undefined> =>
  (await atStandIn.hget(layout.outage('primary'), 'id'))?.split(' ')[0]

describe('what home still holds of before', () => {
  const run = async (overlay: boolean): Promise<string | undefined> => {
    const { shelf, home, wire } = await openApart({ weakened: { overlay } })
    await shelf.write([put('a', 'old')])
    wire.mode('drop')
    await shelf.write([put('a', 'new')])
    // What was lost may not even have been sent: home has the old value again, and is read as soon as it answers.
    const direct = openRedis(primary.url)
    ends.push(() => direct.disconnect())
    await direct.set('menu:a', text('old'))
    wire.mode('pass')
    wire.resetAll()
    await until('home answers', async () => {
      if (home.catchingUp()) home.readmit()
      return (await home.read('menu:a')) === text('old')
    })
    return shelf.read(entry('a'))
  }

  it('is not read while the journal says that it was replaced', async () => {
    expect(await run(true)).toBe(text('new'))
  })
  it('control: without a look into the journal it is', async () => {
    expect(await run(false)).toBe(text('old'))
  })
})

describe('a copy that another process made before this one wrote at home', () => {
  const run = async (anyAge: boolean): Promise<string | undefined> => {
    const first = await openApart()
    const second = await open({ weakened: { anyAge } })
    first.wire.mode('drop')
    await first.shelf.write([put('a', 'of first')])
    await second.shelf.write([put('a', 'of second')])
    await primary.crash()
    await isDown(second)
    return second.shelf.read(entry('a'))
  }

  it('is not read by it when home goes away for it, too', async () => {
    expect(await run(false)).toBeUndefined()
  })
  it('control: with ids that count for ever it is', async () => {
    expect(await run(true)).toBe(text('of first'))
  })

  it('goes with a new id for all as soon as it writes', async () => {
    const first = await openApart()
    const second = await open()
    first.wire.mode('drop')
    await first.shelf.write([put('a', 'of first'), put('b', 'of first')])
    const id = await idOf()
    await second.shelf.write([put('a', 'of second')])
    await primary.crash()
    await isDown(second)
    await second.shelf.write([put('c', 'of second')])
    expect(await idOf()).not.toBe(id)
    // Each sees what is written from now on, and nothing of the first id hides it.
    await first.shelf.write([put('b', 'newer')])
    expect(await second.shelf.readMany(['a', 'b', 'c'].map(entry))).toEqual([
      undefined,
      text('newer'),
      text('of second'),
    ])
    expect(await first.shelf.readMany(['a', 'b', 'c'].map(entry))).toEqual([
      undefined,
      text('newer'),
      text('of second'),
    ])
  })
})

describe('home is gone again before its outage was left', () => {
  const run = async (anyAge: boolean): Promise<string | undefined> => {
    const process = await open({ weakened: { anyAge } })
    const { shelf, home, journal, landscape } = process
    await primary.crash()
    await shelf.write([put('a', 'copied')])
    await primary.restart()
    await until('home catches up', () => home.catchingUp())
    for await (const batch of journal?.batches('primary', 100) ?? []) await journal?.remove('primary', batch)
    home.readmit()
    await until('all is well', () => landscape.calm('primary'))
    await shelf.write([put('a', 'at home')])
    await primary.crash()
    await isDown(process)
    return shelf.read(entry('a'))
  }

  it('what was written there meanwhile is not hidden by the copy of before', async () => {
    expect(await run(false)).toBeUndefined()
  })
  it('control: with ids that count for ever it is', async () => {
    expect(await run(true)).toBe(text('copied'))
  })
})

describe('the stand-in was away itself', () => {
  const run = async (anyAge: boolean): Promise<string | undefined> => {
    const process = await open({ weakened: { anyAge } })
    const { shelf, standIn } = process
    await primary.crash()
    await shelf.write([put('a', '1')])
    const id = await idOf()
    await atStandIn.config('SET', 'save', '3600 100000')
    await atStandIn.save()
    await shelf.write([put('a', '2')])
    await secondary.crash()
    await until('it is gone', () => !standIn.readable())
    // From the older snapshot.
    await secondary.restart(['--save', '3600 100000'])
    ends.push(() => secondary.restart(['--save', '']))
    await until('it is back', () => standIn.catchingUp())
    standIn.readmit()
    expect(await atStandIn.get(`${layout.standIn('primary', id ?? '')}menu:a`)).toBe(text('1'))
    const seen = await shelf.read(entry('a'))
    await shelf.write([put('b', '1')])
    expect((await idOf()) === id).toBe(anyAge)
    return seen
  }

  it('its copies are of the past, and a new id is made', async () => {
    expect(await run(false)).toBeUndefined()
  })
  it('control: with ids that count for ever they are read', async () => {
    expect(await run(true)).toBe(text('1'))
  })
})

describe('a copy that was given up, and arrives all the same', () => {
  const run = async (anyTime: boolean): Promise<string | undefined> => {
    const wire = await startTcpProxy(secondary.port)
    ends.push(() => wire.close())
    const first = await open({ urls: { primary: primary.url, secondary: wire.url }, weakened: { anyTime } })
    const second = await open()
    await primary.crash()
    await first.shelf.write([put('a', 'of before')])
    wire.mode('cut')
    await first.shelf.write([put('a', 'of first')])
    expect(await first.shelf.locate(entry('a'))).toMatchObject({ text: text('of first'), source: 'embedded' })
    await isDown(second)
    await second.shelf.write([put('a', 'of second')])
    const changes = async (): Promise<string> =>
      (await atStandIn.info('commandstats')).match(/evalsha:calls=\d+/)?.[0] ?? ''
    const before = await changes()
    wire.mode('pass')
    await until('it arrives', async () => (await changes()) !== before)
    await until('and all that was held back', () => first.standIn.readable() || first.standIn.catchingUp())
    return second.shelf.read(entry('a'))
  }

  it("doesn't replace what another process wrote since", async () => {
    expect(await run(false)).toBe(text('of second'))
  })
  it('control: without a look at the clock it does', async () => {
    expect(await run(true)).toBe(text('of first'))
  })
})

describe('two processes in one outage', () => {
  it('share an id: each sees what the other writes, counts and removes', async () => {
    const first = await open()
    const second = await open()
    await primary.crash()
    await Promise.all([first.shelf.write([put('a', '1')]), second.shelf.write([put('b', '1')])])
    const id = await idOf()
    expect([...first.outages.known('primary')]).toEqual([['secondary', id]])
    expect([...second.outages.known('primary')]).toEqual([['secondary', id]])
    expect(await first.shelf.read(entry('b'))).toBe(text('1'))
    expect(await second.shelf.read(entry('a'))).toBe(text('1'))
    expect(await first.shelf.increment(entry('n'), 1, Date.now() + 60_000)).toBe(1)
    expect(await second.shelf.increment(entry('n'), 1, Date.now() + 60_000)).toBe(2)
    expect(await second.shelf.remove([entry('a')])).toEqual([true])
    expect(await first.shelf.read(entry('a'))).toBeUndefined()
  })

  it('a removal by one that has written nothing yet reaches what the other copied', async () => {
    const first = await open()
    const second = await open()
    await primary.crash()
    await first.shelf.write([put('a', '1')])
    await isDown(second)
    expect(await second.shelf.read(entry('a'))).toBe(text('1'))
    expect([...second.outages.known('primary')]).toEqual([])
    await second.shelf.remove([entry('a')])
    expect(await first.shelf.read(entry('a'))).toBeUndefined()
  })

  it('the one that is back first leaves the copies to the other', async () => {
    const first = await openApart()
    const second = await openApart()
    for (const { wire } of [first, second]) wire.mode('reset')
    await first.shelf.write([put('a', 'of first')])
    await second.shelf.write([put('b', 'of second')])
    first.wire.mode('pass')
    await first.recover()
    expect(await second.shelf.read(entry('b'))).toBe(text('of second'))
    second.wire.mode('pass')
    await second.recover()
    expect(await atStandIn.keys('*~mr:*')).toEqual([])
  })

  it('a process that was killed and started again finds its copies', async () => {
    const first = await open()
    await primary.crash()
    await first.shelf.write([put('a', '1')])
    await first.outages.close()
    const again = await open()
    await isDown(again)
    expect(await again.shelf.read(entry('a'))).toBe(text('1'))
    await again.shelf.write([put('b', '1')])
    expect(await again.shelf.read(entry('a'))).toBe(text('1'))
  })
})
