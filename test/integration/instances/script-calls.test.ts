import { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Instance, isOutage, type ScriptCall } from '../../../src/instances/instance.ts'
import { readingScript, script } from '../../../src/instances/scripts.ts'
import { StoreError } from '../../../src/instances/store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const append = script(`return redis.call('APPEND', KEYS[1], ARGV[1])`)
const get = script(`return redis.call('GET', KEYS[1])`)
const reading = readingScript(`return redis.call('GET', KEYS[1])`)
const call = (of: typeof append, key: string, ...args: (string | number)[]): ScriptCall => ({
  script: of,
  keys: [key],
  args,
})

const ends: (() => Promise<unknown>)[] = []
let redis: TestRedis
let cli: Redis
beforeAll(async () => {
  redis = await startTestRedis()
})
beforeEach(async () => {
  cli = admin(redis)
  await cli.flushall()
  await cli.script('FLUSH')
})
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()))
})
const admin = (of: TestRedis): Redis => {
  const client = new Redis(of.port)
  client.on('error', () => undefined)
  ends.push(async () => client.disconnect())
  return client
}
const open = async (url: string): Promise<Instance> => {
  const store = openRedisStore(url)
  ends.push(() => store.close())
  await store.connect()
  return store
}

describe('one script', () => {
  it('runs, also on a server that does not know it any more', async () => {
    const store = await open(redis.url)
    expect(await store.script(call(append, 'a', 'xyz'), 'write')).toBe(3)
    await cli.script('FLUSH')
    expect(await store.script(call(append, 'a', 12), 'write')).toBe(5)
    expect(await store.script(call(get, 'a'), 'read')).toBe('xyz12')
  })

  it.each<[string, (store: Instance, key: string) => Promise<unknown>]>([
    ['alone', (store, key) => store.script(call(reading, key), 'read')],
    ['in a pipeline', async (store, key) => (await store.scripts([call(reading, key), call(reading, key)], 'read'))[1]],
  ])('that only reads runs while writes are held back (%s)', async (_, read) => {
    const store = await open(redis.url)
    await store.write([{ key: 'a', text: 'x', endsAt: Date.now() + 60_000 }])
    await cli.call('CLIENT', 'PAUSE', '60000', 'WRITE')
    expect(await read(store, 'a')).toBe('x')
    expect(await store.read('a')).toBe('x')
    await cli.call('CLIENT', 'UNPAUSE')
  })

  it.each<[string, string[]]>([
    [
      'of a server that does not know how',
      ['--rename-command', 'EVALSHA_RO', 'X1', '--rename-command', 'EVAL_RO', 'X2'],
    ],
    ['of a user who may not', ['--user', 'default', 'on', 'nopass', '~*', '&*', '+@all', '-evalsha_ro', '-eval_ro']],
  ])('that only reads runs at the hands %s', async (_, args) => {
    const old = await startTestRedis({ args })
    const store = await open(old.url)
    await store.write([{ key: 'a', text: 'x', endsAt: Date.now() + 60_000 }])
    expect(await store.scripts([call(reading, 'a'), call(append, 'a', 'y')], 'change')).toEqual(['x', 2])
    const [one, two] = [store.script(call(reading, 'a'), 'read'), store.script(call(reading, 'a'), 'read')]
    expect([await one, await two]).toEqual(['xy', 'xy'])
    const lists = admin(old)
    await lists.lpush('list', 'x')
    await expect(store.script(call(reading, 'list'), 'read')).rejects.toMatchObject({ kind: 'refused' })
  })

  it('with a large text travels on the connection for those', async () => {
    const store = await open(redis.url)
    expect(await store.script(call(append, 'a', 'x'.repeat(70_000)), 'write')).toBe(70_000)
    expect(String(await cli.call('CLIENT', 'LIST'))).toMatch(/name=motia-redis:test:large /)
  })

  it('fails with the errors of this folder', async () => {
    const store = await open(redis.url)
    await cli.lpush('list', 'x')
    await expect(store.script(call(get, 'list'), 'read')).rejects.toMatchObject({
      kind: 'refused',
      instanceFault: false,
    })
    redis.freeze()
    await expect(store.script(call(append, 'a', 'x'), 'write', { timeout: 50 })).rejects.toMatchObject({
      kind: 'timeout',
      message: 'primary: no answer in 50 ms',
      applied: 'unknown',
    })
    redis.thaw()
  })
})

describe('many scripts', () => {
  it('none', async () => {
    const store = await open(redis.url)
    expect(await store.scripts([], 'write')).toEqual([])
  })

  it('known and unknown ones, in the order asked, each run once', async () => {
    const store = await open(redis.url)
    await store.script(call(get, 'a'), 'read')
    await cli.config('RESETSTAT')
    const calls = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? call(get, 'a') : call(append, `k${i}`, 'ab')))
    expect(await store.scripts(calls, 'write')).toEqual(calls.map((_, i) => (i % 3 === 0 ? null : 2)))
    expect(await store.scripts(calls, 'write')).toEqual(calls.map((_, i) => (i % 3 === 0 ? null : 4)))
    // The text of a script goes over once, however many calls there are of it.
    expect(await cli.info('commandstats')).toMatch(/cmdstat_eval:calls=1,/)
  })

  it('each has its own outcome', async () => {
    const store = await open(redis.url)
    await cli.lpush('list', 'x')
    const outcomes = await store.scripts(
      [call(append, 'a', 'x'), call(append, 'list', 'x'), call(append, 'b', 'x')],
      'write',
    )
    expect(outcomes).toEqual([1, expect.any(StoreError), 1])
    expect(outcomes[1]).toMatchObject({ kind: 'refused', store: 'primary', applied: 'no', instanceFault: false })
  })

  it('what the instance refuses of some of them is told, and heeded', async () => {
    const full = await startTestRedis({ args: ['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction'] })
    const store = await open(full.url)
    const outcomes = await store.scripts([call(get, 'a'), call(append, 'a', 'x')], 'change')
    expect(outcomes).toEqual([null, expect.any(StoreError)])
    expect(outcomes[1]).toMatchObject({ kind: 'full', applied: 'no', instanceFault: true })
    expect(store.writable()).toBe(false)
    // Of all of them: it is the outcome of the whole.
    await expect(store.scripts([call(append, 'a', 'x'), call(append, 'b', 'x')], 'change')).rejects.toMatchObject({
      kind: 'full',
      applied: 'no',
    })
  })

  it('a missing right is a fault of the configuration, not of the instance', async () => {
    await cli.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', '~*', '+@all', '-evalsha', '-eval')
    const store = await open(`redis://app:secret@127.0.0.1:${redis.port}`)
    const [error] = await store.scripts([call(get, 'a')], 'read')
    expect(error).toMatchObject({ kind: 'configuration', message: expect.stringMatching(/\+@scripting/) })
    expect(error instanceof StoreError && isOutage(error)).toBe(false)
    expect(store.readable()).toBe(true)
  })

  it('what was answered counts, and what was not may have run', async () => {
    const proxy = await startTcpProxy(redis.port)
    ends.push(() => proxy.close())
    const store = await open(proxy.url)
    await store.script(call(append, 'known', 'x'), 'write')
    // Half of what is answered, then the end.
    proxy.mode('truncate')
    const calls = Array.from({ length: 10 }, (_, i) => call(append, `k${i}`, 'x'))
    const outcomes = await store.scripts(calls, 'write', { timeout: 5_000 })
    expect(outcomes[0]).toBe(1)
    expect(outcomes[9]).toMatchObject({ kind: 'unavailable', applied: 'unknown', instanceFault: true })
    expect(await cli.get('k9')).toBe('x')
    proxy.mode('reset')
    await expect(store.scripts(calls, 'write', { timeout: 5_000 })).rejects.toMatchObject({ kind: 'unavailable' })
  })

  it('a text that the server would not take is refused by itself, without being sent', async () => {
    const narrow = await startTestRedis({ args: ['--proto-max-bulk-len', '1mb'] })
    const store = await open(narrow.url)
    await until('its limit is known', () => store.health().server)
    const large = call(append, 'b', 'x'.repeat(1_100_000))
    const refused = { kind: 'too-large', applied: 'no' }
    expect(await store.scripts([large, call(append, 'a', 'x'), large], 'write')).toMatchObject([refused, 1, refused])
    expect(await store.scripts([large], 'write')).toMatchObject([refused])
    await expect(store.script(large, 'write')).rejects.toMatchObject(refused)
    expect(await admin(narrow).dbsize()).toBe(1)
  })
})

describe('identity', () => {
  it('tells who it is, and what was planted there', async () => {
    const store = await open(redis.url)
    const first = await store.identity()
    expect(first).toMatchObject({ appendOnly: false, sentinel: undefined, formerReplication: undefined })
    expect(first.runId).toMatch(/^[0-9a-f]{40}$/)
    expect(first.replication).toMatch(/^[0-9a-f]{40}$/)
    await store.plant('abc')
    expect(await store.identity()).toMatchObject({ runId: first.runId, sentinel: 'abc' })
    expect(await cli.pttl('~mr:sentinel')).toBe(-1)
  })

  it('of another one at the same address', async () => {
    const server = await startTestRedis()
    const store = await open(server.url)
    await store.plant('abc')
    const before = await store.identity()
    await server.restart(['--appendonly', 'yes'])
    const after = await until('it is back', () => store.identity())
    expect(after.runId).not.toBe(before.runId)
    expect(after).toMatchObject({ appendOnly: true, sentinel: undefined })
  })

  it('of a promoted replica', async () => {
    const replica = await startTestRedis()
    const store = await open(redis.url)
    await store.plant('abc')
    const other = admin(replica)
    await other.replicaof('127.0.0.1', redis.port)
    await until('it follows', async () => (await other.get('~mr:sentinel')) === 'abc')
    // A server takes a new replication id when its first replica comes.
    const before = await store.identity()
    await other.replicaof('NO', 'ONE')
    const promoted = await open(replica.url)
    expect(await promoted.identity()).toMatchObject({ formerReplication: before.replication, sentinel: 'abc' })
  })

  it('where INFO is hidden, or something else lies at the sentinel', async () => {
    await cli.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', '~*', '+@all', '-info')
    await cli.lpush('~mr:sentinel', 'x')
    const store = await open(`redis://app:secret@127.0.0.1:${redis.port}`)
    const { uptime: _, ...known } = await store.identity()
    expect(known).toEqual({
      runId: undefined,
      replication: undefined,
      formerReplication: undefined,
      appendOnly: false,
      sentinel: undefined,
    })
  })
})
