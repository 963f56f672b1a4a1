import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { cacheError } from '../../../src/errors.ts'
import type { StepChild } from '../../../src/motia/plugin/session.ts'
import { createStepHost } from '../../../src/motia/plugin/step-host.ts'
import { CALL } from '../../../src/motia/step/protocol.ts'
import { until } from '../../support/until.ts'
import { createMemoryEngine } from './memory-engine.ts'

type Reply = { id: number; value?: unknown; error?: { kind: string; code?: string; message?: string } }

const setup = (open?: () => Promise<never>) => {
  const memory = createMemoryEngine()
  const warnings: string[] = []
  const report = { info: () => undefined, warn: (line: string) => void warnings.push(line), error: () => undefined }
  const host = createStepHost({ engine: open ?? (async () => memory.engine), report })
  return { memory, warnings, host }
}

const fakeChild = (pid = 1) => {
  const replies: Reply[] = []
  const state = { pid, connected: true, exitCode: null as number | null, signalCode: null, sends: 0 }
  const child = Object.assign(new EventEmitter(), state, {
    send(message: object, done: (error: Error | null) => void): boolean {
      child.sends += 1
      replies.push(JSON.parse(JSON.stringify(message)) as Reply)
      queueMicrotask(() => done(null))
      return true
    },
  })
  let id = 1_000_000 // far from those that tests choose
  return {
    child,
    asStep: child as unknown as StepChild,
    replies,
    say: (message: unknown) => child.emit('message', message),
    ask: async (op: unknown, ...args: unknown[]): Promise<Reply> => {
      id += 1
      const asked = id
      child.emit('message', { type: CALL, id: asked, op, args })
      return until(`a reply to ${String(op)}`, () => replies.find((reply) => reply.id === asked))
    },
    exit: () => {
      child.connected = false
      child.exitCode = 0
      child.emit('exit', 0, null)
    },
    listeners: () => child.eventNames().reduce((total, name) => total + child.listenerCount(name), 0),
  }
}

const at = { category: 'menu', key: 'a' }

describe('the host answers', () => {
  it('calls, with undefined as no value', async () => {
    const { host } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    expect(await step.ask('get', at)).not.toHaveProperty('value')
    await step.ask('set', at, { json: '{"n":1}' }, {})
    expect((await step.ask('get', at)).value).toEqual({ json: '{"n":1}' })
  })

  it('nothing but our own messages', async () => {
    const { host } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    for (const message of [null, undefined, 'text', 5, {}, { type: 'rpc_request', id: 'x', method: 'state.get' }, []]) {
      step.say(message)
    }
    await step.ask('ping')
    expect(step.replies).toHaveLength(1)
    expect(host.stats().refused).toBe(0)
  })

  it('a child it knows already only once', async () => {
    const { host } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    host.attach(step.asStep)
    await step.ask('ping')
    expect(step.replies).toHaveLength(1)
  })
})

describe('a malformed message', () => {
  const wrong: [what: string, op: unknown, args: unknown][] = [
    ['an unknown operation', 'explode', []],
    ['an operation of Object.prototype', 'constructor', [{}]],
    ['no operation', undefined, []],
    ['arguments that are no list', 'get', { 0: at }],
    ['2 MiB of arguments', 'get', ['x'.repeat(2 * 1024 * 1024)]],
    ['a key that is no text', 'get', [{ category: 'menu', key: 5 }]],
    ['a category that is no text', 'get', [{ category: {}, key: 'a' }]],
    ['no place', 'get', []],
    ['keys that are no list', 'getMany', [{ category: 'menu', keys: 'abc' }]],
    ['a value that is not encoded', 'set', [at, 5, {}]],
    ['metadata that is no object', 'set', [at, { json: '1', meta: 'x' }, {}]],
    ['no options', 'set', [at, { json: '1' }]],
    ['an option that is an object', 'set', [at, { json: '1' }, { ttl: { a: 1 } }]],
    ['an entry that is no pair', 'setMany', [{ entries: [5] }, {}]],
    ['tags that are no texts', 'invalidateTags', [{ tags: [1] }]],
    ['a lease that is no number', 'fill', ['x', {}, {}]],
    ['an unknown lease', 'fill', [77, {}, {}]],
    ['an unknown lease to release', 'release', [77]],
  ]
  it.each(wrong)('%s gets a typed error', async (_what, op, args) => {
    const { host, warnings, memory } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    step.say({ type: CALL, id: 1, op, args })
    const reply = await until('a reply', () => step.replies[0])
    expect(reply.error).toMatchObject({ kind: 'cache', code: 'CACHE_INVALID_OPTION' })
    expect(host.stats().refused).toBe(1)
    expect(warnings).toHaveLength(1)
    expect(memory.calls).toEqual([])
    expect((await step.ask('ping')).error).toBeUndefined()
  })

  it('without an id is counted', () => {
    const { host } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    for (const id of [undefined, null, 'x', {}]) step.say({ type: CALL, id, op: 'get', args: [at] })
    expect(host.stats().refused).toBe(4)
    expect(step.replies).toEqual([])
  })

  it('is said once, then only counted', async () => {
    const { host, warnings } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    for (let i = 0; i < 5; i++) await step.ask('nope')
    expect(host.stats().refused).toBe(5)
    expect(warnings).toHaveLength(1)
  })
})

describe('a step that ends', () => {
  it('leaves no child, listener, call, waiter or lease behind', async () => {
    const { host, memory } = setup()
    const holder = fakeChild(11)
    const waiter = fakeChild(12)
    host.attach(holder.asStep)
    host.attach(waiter.asStep)
    await holder.ask('acquire', at, {})
    waiter.say({ type: CALL, id: 99, op: 'acquire', args: [at, {}] })
    await until('a waiter', () => host.stats().waiters === 1)
    expect(host.stats()).toMatchObject({ children: [11, 12], leases: 1 })

    waiter.exit()
    expect(host.stats()).toMatchObject({ children: [11], waiters: 0 })
    holder.exit()
    expect(host.stats()).toEqual({ children: [], calls: 0, waiters: 0, leases: 0, refused: 0 })
    expect(holder.listeners() + waiter.listeners()).toBe(0)
    await until('nobody at the key', () => memory.busyKeys() === 0)
  })

  it('frees its lease for the next one who waits', async () => {
    const { host } = setup()
    const holder = fakeChild(1)
    const next = fakeChild(2)
    host.attach(holder.asStep)
    host.attach(next.asStep)
    await holder.ask('acquire', at, {})
    const waiting = next.ask('acquire', at, {})
    await until('a waiter', () => host.stats().waiters === 1)
    holder.exit()
    expect((await waiting).value).toMatchObject({ lease: { category: 'menu', hardTimeout: 10_000 } })
  })

  it('is seen although all listeners were removed from it', async () => {
    const { host } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    await step.ask('acquire', at, {})
    step.child.removeAllListeners()
    step.child.removeAllListeners()
    await until('the watch is back', () => step.child.listenerCount('exit') === 1)
    step.child.removeAllListeners()
    await until('the watch is back again', () => step.child.listenerCount('exit') === 1)
    step.exit()
    expect(host.stats()).toMatchObject({ children: [], leases: 0 })
    expect(step.listeners()).toBe(0)
  })

  it('gets no reply', async () => {
    const { host, memory } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    const go = memory.hold('get')
    step.say({ type: CALL, id: 1, op: 'get', args: [at] })
    await until('the call runs', () => memory.calls.length === 1)
    step.exit()
    go()
    await new Promise((resolve) => setImmediate(resolve))
    expect(step.child.sends).toBe(0)
  })

  it('does not keep a lease that is granted after its end', async () => {
    const { host, memory } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    const go = memory.hold('acquire')
    step.say({ type: CALL, id: 1, op: 'acquire', args: [at, {}] })
    await until('the call runs', () => memory.calls.length === 1)
    step.exit()
    go()
    await until('nobody at the key', () => memory.busyKeys() === 0)
    expect(host.stats().leases).toBe(0)
  })
})

describe('leases', () => {
  it('end by fill, skip, fail or release, once', async () => {
    const { host, memory } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    const lease = async (key: string): Promise<number> => {
      const { value } = await step.ask('acquire', { category: 'menu', key }, {})
      return (value as { lease: { id: number } }).lease.id
    }
    const one = await lease('one')
    expect((await step.ask('fill', one, { value: { json: '1' } }, { ttl: '1m' })).value).toEqual({ json: '1' })
    expect((await step.ask('fill', one, { value: { json: '2' } }, {})).error?.code).toBe('CACHE_INVALID_OPTION')
    expect((await step.ask('skip', await lease('two'), { value: { json: '2' } })).value).toEqual({ json: '2' })
    await step.ask('release', await lease('three'))
    await step.ask('fail', await lease('four'), { kind: 'error', name: 'TypeError', message: 'no' })
    const [, error] = memory.calls.find(({ op }) => op === 'fail')?.args ?? []
    expect(error).toMatchObject({ name: 'TypeError', message: 'no' })
    expect(host.stats().leases).toBe(0)
    expect(memory.data).toEqual(new Map([['menu:one', { json: '1' }]]))
    expect(memory.busyKeys()).toBe(0)
  })

  it('are freed by an ending that is malformed', async () => {
    const { host, memory } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    for (const [op, ...args] of [
      ['fill', { value: 5 }, {}],
      ['fail', 'x'],
    ] as const) {
      const { value } = await step.ask('acquire', at, {})
      await step.ask(op, (value as { lease: { id: number } }).lease.id, ...args)
      expect(host.stats().leases).toBe(0)
      expect(memory.busyKeys()).toBe(0)
    }
  })
})

describe('back-pressure', () => {
  it('takes up at most 256 calls of a step at a time, in order, and answers all', async () => {
    const { host, memory } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    const go = memory.hold('get')
    for (let id = 1; id <= 10_000; id++) {
      step.say({ type: CALL, id, op: 'get', args: [{ category: 'menu', key: `${id}` }] })
    }
    await until('calls run', () => memory.calls.length === 256)
    expect(host.stats().calls).toBe(10_000)
    // Nor does the sign of life that the waiting is for.
    expect((await step.ask('ping')).error).toBeUndefined()
    // What others may wait for never queues behind.
    const { value } = await step.ask('acquire', at, {})
    await step.ask('release', (value as { lease: { id: number } }).lease.id)
    go()
    await until('all answered', () => step.replies.length === 10_003)
    expect(host.stats().calls).toBe(0)
    const order = memory.calls.filter(({ op }) => op === 'get').map(({ args }) => (args[0] as { key: string }).key)
    expect(order).toEqual(Array.from({ length: 10_000 }, (_, i) => `${i + 1}`))
  })
})

describe('without an engine', () => {
  it('a cache that could not be opened is CACHE_UNAVAILABLE with the reason', async () => {
    const { host } = setup(async () => {
      throw new Error('no such folder')
    })
    const step = fakeChild()
    host.attach(step.asStep)
    const { error } = await step.ask('get', at)
    expect(error).toMatchObject({ code: 'CACHE_UNAVAILABLE', message: expect.stringContaining('no such folder') })
  })

  it('a CacheError of the opening is passed on as it is', async () => {
    const { host } = setup(async () => {
      throw cacheError('CACHE_TIMEOUT', 'slow', { category: 'cache', operation: 'open' })
    })
    const step = fakeChild()
    host.attach(step.asStep)
    expect((await step.ask('get', at)).error).toMatchObject({ code: 'CACHE_TIMEOUT', message: 'slow' })
  })

  it('after close leases are free and calls are refused with CACHE_CLOSED', async () => {
    const { host, memory } = setup()
    const step = fakeChild()
    host.attach(step.asStep)
    const { value } = await step.ask('acquire', at, {})
    host.close()
    expect(host.stats().leases).toBe(0)
    expect(memory.busyKeys()).toBe(0)
    for (const op of ['get', 'acquire']) expect((await step.ask(op, at, {})).error?.code).toBe('CACHE_CLOSED')
    const { lease } = value as { lease: { id: number } }
    expect((await step.ask('fill', lease.id, {}, {})).error?.code).toBe('CACHE_CLOSED')
    expect(host.stats().refused).toBe(0)
    step.exit()
    expect(step.listeners()).toBe(0)
  })
})
