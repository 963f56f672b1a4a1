import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { RedisStore } from '../../../src/instances/redis-store.ts'
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
