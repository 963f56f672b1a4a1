import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import type { RedisStore } from '../../../src/instances/redis-store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'

/** What a failed call says about its effects. */
expectNothingUnhandled()

const soon = (): number => Date.now() + 60_000
const put = (key: string, text = 'x') => ({ key, text, endsAt: soon() })
const ends: (() => Promise<unknown> | undefined)[] = []

const open = (url: string): RedisStore => {
  const store = openRedisStore(url)
  ends.push(() => store.close())
  return store
}
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe('nothing was sent', () => {
  it('a server that ends each connection before it can be used: not applied', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined) // it is reset on purpose
      socket.resetAndDestroy()
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    ends.push(async () => server.close())
    const store = open(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const calls = [() => store.write([put('a')]), () => store.remove(['a']), () => store.increment('n', 1, soon())]
    // While the first connection is opened, and after it failed.
    await Promise.all(calls.map((call) => expect(call()).rejects.toMatchObject({ kind: 'unavailable', applied: 'no' })))
    for (const call of calls) await expect(call()).rejects.toMatchObject({ kind: 'unavailable', applied: 'no' })
  })
})

describe('one part of a call works and another fails: the outcome is unknown', () => {
  const admin = (redis: TestRedis): Redis => {
    const client = new Redis(redis.port)
    ends.push(async () => client.disconnect())
    return client
  }
  /** A store that may touch only the keys that begin with 'cache:'. */
  const openNarrow = async (): Promise<RedisStore> => {
    const redis = await startTestRedis()
    await admin(redis).acl('SETUSER', 'app', 'on', '>pass', '~cache:*', '+@all')
    return open(`redis://app:pass@127.0.0.1:${redis.port}`)
  }
  const thousand = Array.from({ length: 1_000 }, (_, i) => `cache:${i}`)
  const big = 'x'.repeat(100_000)

  it('small and large values of one write', async () => {
    const store = await openNarrow()
    const refused = { kind: 'refused', applied: 'unknown' }
    await expect(store.write([put('cache:a'), put('other', big)])).rejects.toMatchObject(refused)
    await expect(store.write([put('cache:b', big), put('other')])).rejects.toMatchObject(refused)
    expect(await store.readMany(['cache:a', 'cache:b'])).toEqual(['x', big])
    await expect(store.write([put('others', big), put('other')])).rejects.toMatchObject({ applied: 'no' })
    await expect(store.write([put('others'), put('other')])).rejects.toMatchObject({ applied: 'no' })
  })

  it('later batches of one write or remove', async () => {
    const store = await openNarrow()
    const refused = { kind: 'refused', applied: 'unknown' }
    await expect(store.write([...thousand, 'other'].map((key) => put(key)))).rejects.toMatchObject(refused)
    await expect(store.remove([...thousand, 'other'])).rejects.toMatchObject(refused)
    await expect(store.remove(['other', 'others'])).rejects.toMatchObject({ applied: 'no' })
  })

  it('a clear that has removed something when it can look no further', async () => {
    const redis = await startTestRedis()
    await admin(redis).mset(Object.fromEntries([...thousand, ...thousand.map((key) => `${key}x`)].map((k) => [k, 'x'])))
    let removing = false
    const wire = createServer((client) => {
      const upstream = createConnection({ host: '127.0.0.1', port: redis.port })
      for (const socket of [client, upstream]) socket.on('error', () => undefined) // it is reset on purpose
      client.on('close', () => upstream.destroy())
      upstream.on('data', (reply) => client.write(reply))
      client.on('data', (request) => {
        if (request.includes('unlink')) removing = true
        else if (removing && request.includes('scan')) client.resetAndDestroy()
        upstream.write(request)
      })
    })
    await once(wire.listen(0, '127.0.0.1'), 'listening')
    ends.push(async () => wire.close())
    const store = open(`redis://127.0.0.1:${(wire.address() as AddressInfo).port}`)
    await expect(store.clear('cache:')).rejects.toMatchObject({ kind: 'unavailable', applied: 'unknown' })
    expect(await admin(redis).dbsize()).toBeLessThan(2_000)
    // A look that fails first has changed nothing.
    await expect(store.clear('none:')).rejects.toMatchObject({ applied: 'no' })
  })
})
