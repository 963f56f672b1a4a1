import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import {
  entry,
  openProcess,
  type Process,
  type ProcessOptions,
  put,
  putTagged,
  taggedText,
  text,
} from './cached-setup.ts'
import { openRedis } from './kept-model.ts'

// Tags of a cached category while its home can't do all.

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

/** Ways in which home stops taking writes, and the way back. All but the first keep what lies there. */
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
    await atHome.config('SET', 'maxmemory', '1mb')
    return async () => {
      await atHome.config('SET', 'maxmemory', '0')
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

  it('what bears an invalidated tag is not read, there or elsewhere, then or later', async () => {
    const { shelf, ...process } = await open()
    await shelf.write([putTagged('a', 'old', ['x', 'y']), putTagged('b', 'old', ['y']), put('c', 'old')])
    const heal = await fault()

    await shelf.invalidate(['x'])
    expect(await shelf.read(entry('a'))).toBeUndefined()
    expect(await shelf.locate(entry('a'))).toBeUndefined()

    // What is written since is read, also where it bears the tag; and goes by the next invalidation.
    await shelf.write([putTagged('a', 'new', ['x']), putTagged('d', 'new', ['x', 'z'])])
    expect(await shelf.readMany([entry('a'), entry('d')])).toEqual([
      taggedText('new', ['x']),
      taggedText('new', ['x', 'z']),
    ])
    expect(await shelf.invalidate(['z', 'none'])).toBe(1)
    expect(await shelf.readMany([entry('a'), entry('d')])).toEqual([taggedText('new', ['x']), undefined])

    await heal()
    await process.recover()
    expect([undefined, taggedText('new', ['x'])]).toContain(await shelf.read(entry('a')))
    expect(await shelf.read(entry('d'))).toBeUndefined()
    expect(await atHome.keys('menu:[ad]')).toEqual([])
    if (name !== 'killed') {
      expect(await shelf.readMany([entry('b'), entry('c')])).toEqual([taggedText('old', ['y']), text('old')])
    }
    // Well again: as if nothing had been.
    await shelf.write([putTagged('a', 'last', ['x']), putTagged('b', 'last', ['y'])])
    expect(await shelf.invalidate(['x'])).toBe(1)
    expect(await shelf.readMany([entry('a'), entry('b')])).toEqual([undefined, taggedText('last', ['y'])])
  })
})

it('a tag that waits for a home which is up hides what lies there, and nothing that was written since', async () => {
  const { shelf, ...process } = await open()
  await shelf.write([putTagged('a', 'old', ['x']), putTagged('b', 'old', ['y'])])
  await process.journal?.append('primary', [{ kind: 'invalid-tag', scope: 'c:menu', tag: 'x' }])

  expect(await shelf.readMany([entry('a'), entry('b')])).toEqual([undefined, taggedText('old', ['y'])])
  await shelf.write([putTagged('a', 'new', ['x'])])
  expect(await shelf.read(entry('a'))).toBe(taggedText('new', ['x']))
  const next = { ...putTagged('a', 'newer', ['x']) }
  expect(await shelf.swap(entry('a'), taggedText('new', ['x']), next)).toBe(true)
  expect(await shelf.read(entry('a'))).toBe(taggedText('newer', ['x']))

  await process.recover()
  expect([undefined, taggedText('newer', ['x'])]).toContain(await shelf.read(entry('a')))
  expect(await shelf.read(entry('b'))).toBe(taggedText('old', ['y']))
})

it('control: without the overlay what was invalidated is read', async () => {
  const { shelf } = await open({ weakened: { overlay: false } })
  await shelf.write([putTagged('a', 'old', ['x'])])
  await atHome.replicaof('127.0.0.1', 1)
  await shelf.invalidate(['x'])
  expect(await shelf.read(entry('a'))).toBe(taggedText('old', ['x']))
})

it('reaches the copies of other processes', async () => {
  const first = await open()
  const second = await open()
  await primary.crash()
  await until('both know', () => [first, second].every(({ home }) => !home.readable()))
  await first.shelf.write([putTagged('a', 'new', ['x']), putTagged('b', 'new', ['y']), put('c', 'new')])
  await until('the other reads it', () => second.shelf.read(entry('a')))

  expect(await second.shelf.invalidate(['x'])).toBe(1)
  expect(await first.shelf.read(entry('a'))).toBeUndefined()
  expect(await first.shelf.readMany([entry('b'), entry('c')])).toEqual([taggedText('new', ['y']), text('new')])
  const copies = await atStandIn.keys('~mr:standin:primary:*')
  expect(copies.map((key) => key.slice(-1)).sort()).toEqual(['b', 'c'])
})

it('reaches what lies in files when no instance is left', async () => {
  const { shelf, home, standIn } = await open()
  await Promise.all([primary.crash(), secondary.crash()])
  await until('both are known to be away', () => !home.readable() && !standIn.readable())
  await shelf.write([putTagged('a', 'new', ['x', 'y']), putTagged('b', 'new', ['y'])])
  expect(await shelf.invalidate(['x'])).toBe(1)
  expect(await shelf.readMany([entry('a'), entry('b')])).toEqual([undefined, taggedText('new', ['y'])])
  expect(await shelf.invalidate(['x', 'y'])).toBe(1)
  expect(await shelf.read(entry('b'))).toBeUndefined()
})

it('invalidates also where values are dropped', async () => {
  const { shelf, ...process } = await open({ policy: { onOutage: 'drop' } })
  await shelf.write([putTagged('a', 'old', ['x']), putTagged('b', 'old', ['y'])])
  primary.freeze()
  expect(await shelf.invalidate(['x'])).toBe(0)
  primary.thaw()
  await process.recover()
  expect(await shelf.readMany([entry('a'), entry('b')])).toEqual([undefined, taggedText('old', ['y'])])
})

it('fails where nothing could remember it', async () => {
  const { shelf, home } = await open({ journal: false })
  await shelf.write([putTagged('a', 'old', ['x'])])
  await primary.crash()
  await expect(shelf.invalidate(['x'])).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' })
  await until('it is known to be away', () => !home.readable())
  await expect(shelf.invalidate(['x'])).rejects.toMatchObject({ name: 'StoreError', kind: 'unavailable' })
})

it('an invalidation that was cut off is finished by replay', async () => {
  const { shelf, ...process } = await open()
  const entries = Array.from({ length: 3_000 }, (_, i) => putTagged(`k${i}`, 'old', ['x']))
  await shelf.write(entries)
  const invalidated = shelf.invalidate(['x'])
  await until('a part is gone', async () => (await atHome.dbsize()) < 2_800)
  primary.freeze()
  await invalidated
  expect((await shelf.readMany(entries)).filter((found) => found !== undefined)).toEqual([])
  primary.thaw()
  await process.recover()
  expect((await shelf.readMany(entries)).filter((found) => found !== undefined)).toEqual([])
  expect(await atHome.keys('menu:*')).toEqual([])
})
