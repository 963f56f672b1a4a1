import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { isCacheError } from '../../../src/errors.ts'
import { type CallPlace, type ChannelPort, createChannel } from '../../../src/motia/step/channel.ts'
import { type CallMessage, REPLY } from '../../../src/motia/step/protocol.ts'
import { until } from '../../support/until.ts'

const reading: CallPlace = { category: 'menu', operation: 'get', writes: false }
const writing: CallPlace = { category: undefined, operation: 'set', writes: true }
const waits: CallPlace = { category: 'menu', operation: 'getOrSet', writes: false, waits: true }

const setup = (limit = 5_000) => {
  const sent: CallMessage[] = []
  const failing = { with: undefined as Error | undefined, throws: false }
  const port = Object.assign(new EventEmitter(), {
    connected: true,
    send(message: CallMessage, done: (error: Error | null) => void): void {
      if (failing.throws) throw new Error('channel closed')
      sent.push(message)
      queueMicrotask(() => done(failing.with ?? null))
    },
  })
  const listeners = (): number => port.listenerCount('message') + port.listenerCount('disconnect')
  const reply = (id: number, outcome: object): boolean => port.emit('message', { type: REPLY, id, ...outcome })
  return { port, sent, failing, listeners, reply, channel: createChannel(port as unknown as ChannelPort, limit) }
}

const caught = async (call: Promise<unknown>): Promise<unknown> => {
  try {
    await call
  } catch (error) {
    return error
  }
  throw new Error('it did not reject')
}

describe('the channel', () => {
  it('listens only while calls are under way', async () => {
    const { channel, listeners, reply, sent } = setup()
    expect(listeners()).toBe(0)
    const first = channel.call('get', [1], reading)
    const second = channel.call('get', [2], reading)
    expect(listeners()).toBe(2)
    reply(sent[1]?.id ?? 0, { value: 'b' })
    expect(await second).toBe('b')
    expect(listeners()).toBe(2)
    reply(sent[0]?.id ?? 0, {})
    expect(await first).toBeUndefined()
    expect(listeners()).toBe(0)
  })

  it('ignores what is not an answer to a call under way', async () => {
    const { channel, reply, port, sent } = setup()
    const call = channel.call('get', [], reading)
    for (const message of [null, 7, 'x', {}, { type: 'rpc_response', id: 1, result: 5 }]) port.emit('message', message)
    reply(4711, { value: 'nobody waits for this' })
    const id = sent[0]?.id ?? 0
    reply(id, { value: 'mine' })
    reply(id, { value: 'again' })
    expect(await call).toBe('mine')
  })

  it('rebuilds a CacheError, with a stack that names the caller', async () => {
    const { channel, reply, sent } = setup()
    const theCaller = async (): Promise<unknown> => {
      try {
        return await channel.call('get', [], reading)
      } catch (error) {
        return error
      }
    }
    const call = theCaller()
    const said = { code: 'CACHE_INVALID_KEY', message: 'too long', category: 'menu', operation: 'get', applied: 'no' }
    reply(sent[0]?.id ?? 0, { error: { kind: 'cache', ...said } })
    const error = await call
    expect(isCacheError(error)).toBe(true)
    expect(error).toMatchObject({ ...said, name: 'CacheError' })
    expect((error as Error).stack).toContain('theCaller')
  })

  it('ends a call without an answer as CACHE_TIMEOUT, unknown if it writes', async () => {
    const { channel, listeners } = setup(60)
    expect(await caught(channel.call('get', [], reading))).toMatchObject({
      code: 'CACHE_TIMEOUT',
      applied: 'no',
      category: 'menu',
      operation: 'get',
    })
    expect(await caught(channel.call('set', [], writing))).toMatchObject({
      code: 'CACHE_TIMEOUT',
      applied: 'unknown',
      category: 'cache',
      operation: 'set',
    })
    expect(listeners()).toBe(0)
  })

  it('takes no late timer for a late answer', async () => {
    const { channel, reply, sent } = setup(60)
    const call = channel.call('get', [], reading)
    // The answer is there before the loop gets to its timers.
    setImmediate(() => reply(sent[0]?.id ?? 0, { value: 'in time' }))
    const stalledUntil = performance.now() + 200
    while (performance.now() < stalledUntil);
    expect(await call).toBe('in time')
  })

  it('lets a call wait for a computation as long as the server shows signs of life', async () => {
    const { channel, reply, sent } = setup(100)
    let settled = false
    const call = channel.call('acquire', [], waits).finally(() => {
      settled = true
    })
    const answerPings = setInterval(() => {
      for (const { op, id } of sent) if (op === 'ping') reply(id, {})
    }, 10)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(settled).toBe(false)
    clearInterval(answerPings)
    expect(await caught(call)).toMatchObject({ code: 'CACHE_TIMEOUT', operation: 'getOrSet', applied: 'no' })
    expect(sent.filter(({ op }) => op === 'ping').length).toBeGreaterThan(1)
  })

  it('rejects what is under way when the server is gone, and every later call at once', async () => {
    const { channel, port, listeners, sent } = setup()
    const read = caught(channel.call('get', [], reading))
    const write = caught(channel.call('set', [], writing))
    port.connected = false
    port.emit('disconnect')
    expect(await read).toMatchObject({ code: 'CACHE_UNAVAILABLE', applied: 'no' })
    expect(await write).toMatchObject({ code: 'CACHE_UNAVAILABLE', applied: 'unknown' })
    expect(await caught(channel.call('set', [], writing))).toMatchObject({ code: 'CACHE_UNAVAILABLE', applied: 'no' })
    expect(sent).toHaveLength(2)
    expect(listeners()).toBe(0)
  })

  it('rejects when sending fails, now or later', async () => {
    const { channel, failing, listeners } = setup()
    failing.with = new Error('EPIPE')
    expect(await caught(channel.call('get', [], reading))).toMatchObject({ code: 'CACHE_UNAVAILABLE' })
    failing.throws = true
    expect(await caught(channel.call('get', [], reading))).toMatchObject({ code: 'CACHE_UNAVAILABLE' })
    expect(listeners()).toBe(0)
  })

  it('does not keep the process alive by its timer', async () => {
    const { channel, reply, sent } = setup()
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const call = channel.call('get', [], reading)
    const during = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    expect(during).toBe(before)
    await until('it was sent', () => sent.length === 1)
    reply(sent[0]?.id ?? 0, {})
    await call
  })
})
