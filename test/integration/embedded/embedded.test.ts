import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../src/embedded/database.ts'
import {
  createEmbeddedStore,
  type EmbeddedStore,
  type EmbeddedStoreOptions,
} from '../../../src/embedded/embedded-store.ts'
import { createEntries } from '../../../src/embedded/entries.ts'
import { createGroupPages } from '../../../src/embedded/group-pages.ts'
import { layoutOf } from '../../../src/instances/layout.ts'
import { type Store, StoreError, type StoreHealth } from '../../../src/instances/store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

let dir: string
const ends: (() => unknown)[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'motia-redis-embedded-'))
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  rmSync(dir, { recursive: true, force: true })
})

const soon = (): number => Date.now() + 60_000
const open = (options: Partial<EmbeddedStoreOptions> = {}): EmbeddedStore => {
  const store = createEmbeddedStore({ name: 'primary', dir, namespace: '', ...options })
  ends.push(() => store.close())
  return store
}
const module = new URL('../../../src/embedded/embedded-store.ts', import.meta.url).href
/** A process of its own that writes keys w0, w1, … and says each number once it was acknowledged. */
const writer = (count: number): { child: ChildProcess; said: () => number[] } => {
  const script = `
    import { createEmbeddedStore } from ${JSON.stringify(module)}
    const store = createEmbeddedStore({ name: 'primary', dir: ${JSON.stringify(dir)}, namespace: '' })
    for (let i = 0; i < ${count}; i++) {
      await store.write([{ key: 'w' + i, text: 'text ' + i, endsAt: Date.now() + 60_000 }])
      await store.increment('sum', 1, Date.now() + 60_000)
      process.stdout.write(i + '\\n')
    }
    await store.close()`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  ends.push(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  return { child, said: () => output.split('\n').slice(0, -1).map(Number) }
}
/** A process of its own holds the lock that writes take, until it is told to end. */
const holdLock = async (): Promise<() => void> => {
  const script = `
    import { open } from 'lmdb'
    const path = ${JSON.stringify(join(dir, 'primary'))}
    const root = open({ path, maxDbs: 8, keyEncoding: 'binary', overlappingSync: false, noSubdir: false })
    root.transactionSync(() => {
      console.log('held')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  ends.push(() => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return () => child.kill('SIGKILL')
}
const ended = (child: ChildProcess): Promise<unknown> =>
  child.exitCode === null && child.signalCode === null
    ? new Promise((resolve) => child.once('exit', resolve))
    : Promise.resolve()

const fill = async (store: Store): Promise<void> => {
  await store.write([{ key: 'first', text: 'x', endsAt: soon() }])
  await store.write(Array.from({ length: 3_000 }, (_, i) => ({ key: `k${i}`, text: 'x', endsAt: soon() })))
  await Promise.all(Array.from({ length: 2_500 }, (_, i) => store.groupSet('g', `f${i}`, 'x', false, 10_000)))
}
/** One call of each kind, some of which take several turns of the event loop. */
const everyCall = (store: Store, i: number): Promise<PromiseSettledResult<unknown>[]> =>
  Promise.allSettled<unknown>([
    store.read(`k${i}`),
    store.readMany([`k${i}`, 'k0']),
    store.write([{ key: `w${i}`, text: 'y', endsAt: soon() }]),
    store.remove([`k${i}`]),
    store.swap(`k${i}`, 'x', { text: 'z', endsAt: soon() }),
    store.life(`k${i}`),
    store.increment('n', 1, soon()),
    store.scan('k', undefined, 100),
    store.clear('k1'),
    store.groupGet('g', `f${i}`),
    store.groupSet('g', `more${i}`, 'x', false, 10_000),
    store.groupDelete('g', `f${i}`),
    store.groupAll('g'),
    store.groupFields('g'),
    store.groupClear('other'),
    store.groups(),
  ])

describe('the embedded store', () => {
  it('keeps its data over close and open, and nobody else may read the files', async () => {
    const first = open()
    await first.write([{ key: 'a', text: 'x', endsAt: soon() }])
    await first.groupSet('g', 'f', 'y', false, 9)
    await first.close()
    const second = open()
    expect(await second.read('a')).toBe('x')
    expect(await second.groupAll('g')).toEqual([['f', 'y']])
    expect(statSync(join(dir, 'primary')).mode & 0o077).toBe(0)
  })

  it('is shared by processes: each sees what the other was told is written', async () => {
    const store = open()
    const { child, said } = writer(50)
    for (let i = 0; i < 50; i++) await store.increment('sum', 1, soon())
    await ended(child)
    expect(said()).toHaveLength(50)
    expect(await store.readMany(said().map((i) => `w${i}`))).toEqual(said().map((i) => `text ${i}`))
    expect(await store.increment('sum', 0, soon())).toBe(100)
  })

  it('a change that did not begin in its time never happens, and says so', async () => {
    const store = open()
    await store.write([{ key: 'there', text: '1', endsAt: soon() }])
    const free = await holdLock()
    const given = { timeout: 30 }
    const late = [
      store.write([{ key: 'late', text: '1', endsAt: soon() }], given),
      store.remove(['there'], given),
      store.swap('there', '1', { text: '2', endsAt: soon() }, given),
      store.increment('n', 1, soon(), given),
    ]
    const outcomes = await Promise.allSettled(late)
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { kind: 'timeout', applied: 'no' } })
    free()
    await store.write([{ key: 'last', text: '1', endsAt: soon() }])
    expect(await store.readMany(['there', 'late', 'n', 'last'])).toEqual(['1', undefined, undefined, '1'])
  })

  it('loses no acknowledged write of a process that is killed, and goes on', async () => {
    const store = open()
    const { child, said } = writer(100_000)
    await until('it writes', () => said().length > 20)
    child.kill('SIGKILL')
    await ended(child)
    const acknowledged = said()
    expect(await store.readMany(acknowledged.map((i) => `w${i}`))).toEqual(acknowledged.map((i) => `text ${i}`))
    expect(await store.increment('sum', 0, soon())).toBeGreaterThanOrEqual(acknowledged.length)
  })

  it('decodes the texts of a page, not those it looks past', async () => {
    const store = open()
    await fill(store)
    const database = openDatabase('primary', join(dir, 'primary'))
    ends.push(() => database.close())
    let texts = 0
    const items = new Proxy(database.tables.items, {
      get: (table, name) => {
        const part = Reflect.get(table, name)
        if (typeof part !== 'function') return part
        return (...asked: unknown[]) => {
          if (name === 'get') texts++
          // All that it comes to.
          if (name === 'getRange') texts += 2_500
          return Reflect.apply(part, table, asked)
        }
      },
    })
    const live = (_: unknown, name: Buffer) => database.tables.groups.get(name)
    const pages = createGroupPages(
      () => ({ ...database, tables: { ...database.tables, items } }),
      layoutOf('').groupPrefix,
      live,
    )
    const rare = await pages.itemPage('g', { search: 'f249', cursor: undefined, limit: 50 })
    expect(rare.items).toHaveLength(11)
    expect(texts).toBe(11)
    expect((await pages.itemPage('g', { search: '', cursor: undefined, limit: 50 })).items).toHaveLength(50)
    expect(texts).toBe(61)
  })

  it('removes what has ended, and the items of dropped groups', async () => {
    const store = open({ sweepEvery: 20 })
    await store.write([
      { key: 'a', text: 'x', endsAt: Date.now() + 20 },
      { key: 'b', text: 'x', endsAt: soon() },
    ])
    for (const group of ['ended', 'cleared', 'kept']) {
      await store.groupSet(group, 'f', 'x', group === 'ended' ? 20 : false, 9)
    }
    await store.groupClear('cleared')
    const looker = openDatabase('primary', join(dir, 'primary'))
    ends.push(() => looker.close())
    const counts = (): number[] => Object.values(looker.tables).map((table) => table.getStats().entryCount)
    await until('only what lives is left', () => counts().join() === '1,1,1,0')
    expect(await store.groups()).toEqual(['kept'])
  })

  it('takes keys of full length, and says so where one is too long', async () => {
    const store = open()
    const key = 'k'.repeat(1_978)
    await store.write([{ key, text: 'x', endsAt: soon() }])
    expect(await store.read(key)).toBe('x')
    // Leases on them as well, whose names are longer.
    const lease = { key, token: 'a', scope: 'k' }
    expect(await store.grant(lease, { ms: 1_000 })).toMatchObject({ granted: true })
    expect(await store.remove([key])).toEqual([true])
    expect(await store.fill(lease, { text: 'y', endsAt: soon() })).toBe(false)
    await store.groupSet('g'.repeat(512), 'f'.repeat(512), 'x', false, 9)
    const field = 'f'.repeat(1_971)
    await store.groupSet('g', field.slice(1), 'x', false, 9)
    expect(await store.groupGet('g', field.slice(1))).toBe('x')
    for (const call of [
      store.groupSet('g', field, 'x', false, 9),
      store.groupGet('g', field),
      store.groupDelete('g', field),
    ]) {
      await expect(call).rejects.toMatchObject({ kind: 'refused', applied: 'no' })
    }
    await expect(store.read(`${key}k`)).rejects.toMatchObject({ kind: 'refused', applied: 'no' })
    await expect(store.write([{ key: `${key}k`, text: 'x', endsAt: soon() }])).rejects.toMatchObject({
      kind: 'refused',
    })
  })

  it('is full at its limit, and takes writes again when cleared', async () => {
    // In memory files grow by large pages.
    const database = openDatabase('small', join(dir, 'small'), 4_000_000)
    ends.push(() => database.close())
    const entries = createEntries(() => database, layoutOf(''))
    // How full it is is asked now and then: half of so small a store is filled in between.
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 400; i++) await entries.write([{ key: `k${i}`, text: 'x'.repeat(200_000), endsAt: soon() }])
    }
    await expect(fill()).rejects.toMatchObject({ kind: 'full', applied: 'no' })
    expect(await entries.clear('k')).toBeGreaterThan(5)
    await entries.write([{ key: 'k', text: 'x'.repeat(200_000), endsAt: soon() }])
  })

  it('a folder that cannot be written is a configuration fault of every call, and a later one helps', async () => {
    const file = join(dir, 'file')
    writeFileSync(file, '')
    const store = open({ dir: file })
    for (const call of [
      () => store.read('a'),
      () => store.write([{ key: 'a', text: 'x', endsAt: soon() }]),
      () => store.groups(),
    ]) {
      const error: unknown = await call().catch((reason) => reason)
      expect(error).toMatchObject({ name: 'StoreError', kind: 'configuration', applied: 'no' })
      expect(String(error)).toMatch(/MOTIA_REDIS_DIR/)
    }
    expect(store.health()).toMatchObject({ state: 'down', readable: false, writable: false })
    rmSync(file)
    await store.write([{ key: 'a', text: 'x', endsAt: soon() }])
    expect(store.health()).toMatchObject({ state: 'up', writable: true })
  })

  it('connect opens it now and tells of up and down once each, however many calls fail', async () => {
    const file = join(dir, 'file')
    writeFileSync(file, '')
    const told: StoreHealth[] = []
    const store = open({ dir: file, onState: (health) => told.push(health) })
    await store.connect()
    await store.connect()
    await expect(store.read('a')).rejects.toMatchObject({ kind: 'configuration' })
    expect(told).toEqual([expect.objectContaining({ state: 'down', readable: false, writable: false })])
    expect(told[0]?.reason).toMatch(/MOTIA_REDIS_DIR/)

    rmSync(file)
    await store.connect()
    await store.write([{ key: 'a', text: 'x', endsAt: soon() }])
    expect(told.map(({ state }) => state)).toEqual(['down', 'up'])
    expect(statSync(join(file, 'primary')).isDirectory()).toBe(true)
    await store.close()
    await store.connect()
    expect(told).toHaveLength(2)
  })

  it('closed in the middle of everything, each call ends with its value or as closed, and later ones as closed', async () => {
    const answered = { values: 0, closed: 0 }
    for (let round = 0; round < 8; round++) {
      const store = open({ dir: join(dir, `round${round}`), sweepEvery: 1 })
      await fill(store)
      const outcomes = Array.from({ length: 30 }, (_, i) => everyCall(store, i))
      for (let turn = 0; turn < round; turn++) await new Promise(setImmediate)
      const closing = store.close()
      outcomes.push(everyCall(store, 99))
      await Promise.all([closing, store.close()])
      for (const outcome of (await Promise.all(outcomes)).flat()) {
        if (outcome.status === 'fulfilled') answered.values++
        else {
          expect(outcome.reason).toBeInstanceOf(StoreError)
          expect(outcome.reason).toMatchObject({ kind: 'closed', store: 'primary' })
          answered.closed++
        }
      }
      for (const late of await everyCall(store, 0)) {
        expect(late).toMatchObject({
          status: 'rejected',
          reason: { name: 'StoreError', kind: 'closed', applied: 'no' },
        })
      }
      // What it acknowledged is there, and the files are in order.
      const again = open({ dir: join(dir, `round${round}`) })
      expect(await again.read('first')).toBe('x')
    }
    expect(answered.values).toBeGreaterThan(0)
    expect(answered.closed).toBeGreaterThan(0)
  })

  it('closed between two batches of a clear, it says that some may be gone', async () => {
    const database = openDatabase('primary', join(dir, 'primary'))
    ends.push(() => database.close())
    let batches = Number.POSITIVE_INFINITY
    const entries = createEntries((applied = 'no') => {
      if (batches-- <= 0) throw new StoreError('closed', 'primary', 'primary: closed', applied)
      return database
    }, layoutOf(''))
    await entries.write(Array.from({ length: 2_500 }, (_, i) => ({ key: `k${i}`, text: 'x', endsAt: soon() })))
    batches = 1
    await expect(entries.clear('k')).rejects.toMatchObject({ kind: 'closed', applied: 'no' })
    batches = 2
    await expect(entries.clear('k')).rejects.toMatchObject({ kind: 'closed', applied: 'unknown' })
    batches = Number.POSITIVE_INFINITY
    expect(await entries.clear('k')).toBe(1_500)
  })

  it('can be opened again in the same process, whatever is being written, without freezing it', async () => {
    const script = `
      import { createEmbeddedStore } from ${JSON.stringify(module)}
      const one = () => createEmbeddedStore({ name: 'primary', dir: ${JSON.stringify(dir)}, namespace: '' })
      const count = (store) => store.increment('sum', 1, Date.now() + 60_000)
      const first = one()
      const counted = []
      for (let round = 0; round < 100; round++) {
        for (let n = 0; n < 5; n++) counted.push(count(first))
        for (let turn = 0; turn < round % 7; turn++) await new Promise(setImmediate)
        const second = one()
        await second.connect()
        counted.push(count(second))
        const closed = second.close()
        if (round % 2 === 0) await closed
      }
      await Promise.all(counted)
      await first.close()
      const last = one()
      process.stdout.write(String(await last.increment('sum', 0, Date.now() + 60_000)))
      await last.close()`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    ends.push(() => child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    await ended(child)
    expect(said).toBe('600')
  })

  it('opens nothing before the first call', async () => {
    const store = open({ dir: join(dir, 'later') })
    store.health()
    await store.close()
    expect(() => statSync(join(dir, 'later'))).toThrow(/ENOENT/)
  })
})
