import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { CacheEngine } from '../../../src/cache/engine.ts'
import { type ChannelPort, createChannel } from '../../../src/motia/step/channel.ts'
import { createChannelEngine } from '../../../src/motia/step/channel-engine.ts'
import { type CallMessage, REPLY } from '../../../src/motia/step/protocol.ts'

/** ms. Above what this process may stand still on a busy machine, which would look like a silent server. */
const LIMIT = 300

/** A server that shows that it lives, and takes its time for everything else. */
const setup = () => {
  const sent: CallMessage[] = []
  const port = Object.assign(new EventEmitter(), {
    connected: true,
    send(message: CallMessage, done: (error: Error | null) => void): void {
      sent.push(message)
      queueMicrotask(() => done(null))
      if (message.op === 'ping') setImmediate(() => port.emit('message', { type: REPLY, id: message.id }))
    },
  })
  const channel = createChannel(port as unknown as ChannelPort, LIMIT)
  return {
    engine: createChannelEngine(channel, () => undefined),
    answer: async (op: string, value?: unknown) => {
      const id = sent.find((message) => message.op === op)?.id
      port.emit('message', { type: REPLY, id, value })
    },
  }
}

const at = { category: 'menu', key: 'a' }
const many = { category: 'menu', keys: ['a'] }
const value = { json: '1' }

const slow: [op: string, call: (engine: CacheEngine) => Promise<unknown>][] = [
  ['get', (engine) => engine.get(at)],
  ['getMany', (engine) => engine.getMany(many)],
  ['getEntry', (engine) => engine.getEntry(at)],
  ['has', (engine) => engine.has(at)],
  ['set', (engine) => engine.set(at, value, {})],
  ['setMany', (engine) => engine.setMany('menu', [['a', value]], {})],
  ['deleteMany', (engine) => engine.deleteMany(many)],
  ['touch', (engine) => engine.touch(at, undefined)],
  ['increment', (engine) => engine.increment(at, {})],
  ['clear', (engine) => engine.clear('menu')],
]
/** Longer than any call gets that isn't known to take long. */
const long = () => new Promise((resolve) => setTimeout(resolve, LIMIT * 8))

describe('what may take long in the server', () => {
  it.concurrent.each(slow)('%s ends when it is answered, while the server lives', async (op, call) => {
    const { engine, answer } = setup()
    let ended = false
    const called = call(engine).finally(() => {
      ended = true
    })
    await long()
    expect(ended).toBe(false)
    await answer(op)
    await called
  })

  it.concurrent('storing what was computed too', async () => {
    const { engine, answer } = setup()
    const acquiring = engine.acquire(at, {})
    await answer('acquire', { lease: { id: 1, category: 'menu', hardTimeout: 10 } })
    const acquired = await acquiring
    if (acquired.outcome !== 'lease') throw new Error('expected the lease')
    let ended = false
    const filled = acquired.lease.fill(value, {}).finally(() => {
      ended = true
    })
    await long()
    expect(ended).toBe(false)
    await answer('fill', value)
    expect(await filled).toEqual(value)
  })

  it.concurrent('a single command has its limit', async () => {
    const { engine } = setup()
    const late = { code: 'CACHE_TIMEOUT', applied: 'unknown' }
    await expect(engine.delete(at)).rejects.toMatchObject({ ...late, operation: 'delete' })
    await expect(engine.expire(at)).rejects.toMatchObject({ ...late, operation: 'expire' })
  })
})

describe('a page of keys', () => {
  it.each([[{ keys: ['a'], cursor: 'c', partial: true }], [{ keys: ['a'], cursor: undefined }]] as const)(
    'arrives as the server has it: %j',
    async (page) => {
      const { engine, answer } = setup()
      const asked = engine.keys('menu', {})
      await answer('keys', JSON.parse(JSON.stringify(page)))
      expect(await asked).toStrictEqual(page)
    },
  )
})
