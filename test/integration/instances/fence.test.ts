import { connect, createServer, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Instance } from '../../../src/instances/instance.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const ROUNDS = 25
const ends: (() => Promise<unknown>)[] = []
let redis: TestRedis
let cli: Redis
beforeAll(async () => {
  redis = await startTestRedis()
})
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()))
})

const admin = (): Redis => {
  cli = new Redis(redis.port)
  ends.push(async () => cli.disconnect())
  return cli
}
const open = async (url: string, processId: string): Promise<Instance> => {
  const store = openRedisStore(url, { supervised: true, processId, deadlines: { read: 150, write: 150 } })
  ends.push(() => store.close())
  await store.connect()
  return store
}
const put = (key: string, text: string) => [{ key, text, endsAt: Date.now() + 60_000 }]
/** Of writes that must arrive, on a machine that runs many rounds at once: how long they take is of no interest here. */
const patient = { timeout: 5_000 }

/**
 * A network in which, after a break, what was on its way arrives later than what is sent anew: as TCP, which repeats a
 * lost packet less and less often. `stall` holds back what the connections of now send, and their end.
 */
const startRelay = async () => {
  const open = new Set<Socket>()
  let flows: { stalled: boolean; held: (() => void)[]; upstream: Socket; waiting: boolean }[] = []
  const server = createServer((client) => {
    const upstream = connect(redis.port, '127.0.0.1')
    const flow = { stalled: false, held: [] as (() => void)[], upstream, waiting: false }
    const pass = (action: () => void): void => {
      if (flow.stalled) flow.held.push(action)
      else action()
    }
    flows.push(flow)
    open.add(client).add(upstream)
    for (const socket of [client, upstream]) socket.on('error', () => undefined) // both sides are broken on purpose
    client.on('data', (bytes) => pass(() => upstream.write(bytes)))
    client.on('close', () => pass(() => upstream.end()))
    upstream.on('data', (bytes) => {
      flow.waiting = false
      pass(() => client.write(bytes))
    })
    upstream.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no port')
  let stalled: typeof flows = []
  ends.push(async () => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return {
    url: `redis://127.0.0.1:${address.port}`,
    stall: () => {
      stalled = flows
      flows = []
      for (const flow of stalled) flow.stalled = true
    },
    /** It arrives after all. Waits until the server has answered it, or has ended the connection. */
    release: async () => {
      for (const flow of stalled) {
        flow.stalled = false
        flow.waiting = flow.held.length > 0
        for (const action of flow.held.splice(0)) action()
      }
      await until('all has arrived', () => stalled.every(({ upstream, waiting }) => upstream.closed || !waiting))
    },
  }
}

/** Rounds run at once, each of a process of its own. */
const inRounds = (round: (id: string) => Promise<string | null>): Promise<(string | null)[]> =>
  Promise.all(Array.from({ length: ROUNDS }, (_, i) => round(`p${i}`)))

/** A write that nobody waits for any more arrives when the instance has long come back, and got a newer value. */
const ownZombie = async (id: string, fenced: boolean): Promise<string | null> => {
  const relay = await startRelay()
  const store = await open(relay.url, id)
  await store.write(put(id, 'first'), patient)
  relay.stall()
  const old = await store.write(put(id, 'old')).then(
    () => 'written',
    ({ kind, applied }) => `${kind} ${applied}`,
  )
  expect(old).toMatch(/^(timeout|unavailable) unknown$/)
  await until('it is back', () => store.catchingUp())
  if (fenced) expect(await store.fence(() => true)).toBe('fenced')
  await store.write(put(id, 'new'), patient)
  await relay.release()
  return cli.get(id)
}

/** The same of a process that is gone: another one takes care of it. */
const vanishedZombie = async (id: string, rescuer: Instance, fenced: boolean): Promise<string | null> => {
  const relay = await startRelay()
  const store = await open(relay.url, id)
  await store.write(put(id, 'first'), patient)
  relay.stall()
  await expect(store.write(put(id, 'old'))).rejects.toMatchObject({ applied: 'unknown' })
  await store.close()
  if (fenced) expect(await rescuer.fence((process) => process !== id)).toBe('fenced')
  await rescuer.write(put(id, 'new'), patient)
  await relay.release()
  return cli.get(id)
}

describe('what was sent before an outage', () => {
  it('does not run after the fence', async () => {
    admin()
    expect(await inRounds((id) => ownZombie(id, true))).toEqual(Array(ROUNDS).fill('new'))
  })

  it('control: without it, it does', async () => {
    admin()
    expect(await inRounds((id) => ownZombie(id, false))).toContain('old')
  })

  it('by a process that is gone: neither', async () => {
    admin()
    const rescuer = await open(redis.url, 'rescuer')
    expect(await inRounds((id) => vanishedZombie(id, rescuer, true))).toEqual(Array(ROUNDS).fill('new'))
  })

  it('control: by a process that is gone, without it', async () => {
    admin()
    const rescuer = await open(redis.url, 'rescuer')
    expect(await inRounds((id) => vanishedZombie(id, rescuer, false))).toContain('old')
  })
})

describe('the fence', () => {
  const of = async (processId: string): Promise<string[]> =>
    [
      ...String(await cli.call('CLIENT', 'LIST')).matchAll(
        new RegExp(`id=(\\d+).* name=motia-redis:${processId}:`, 'g'),
      ),
    ]
      .map(([, id = '']) => id)
      .sort()

  it('spares our connections of now, live processes, other databases and everybody else', async () => {
    admin()
    const other = new Redis(redis.port, { connectionName: 'motia-redis:elsewhere:data', db: 1 })
    const stranger = new Redis(redis.port, { connectionName: 'app:gone:data' })
    ends.push(async () => {
      other.disconnect()
      stranger.disconnect()
    })
    const [ours, live, gone] = [
      await open(redis.url, 'ours'),
      await open(redis.url, 'live'),
      await open(redis.url, 'gone'),
    ]
    const large = 'x'.repeat(100_000)
    for (const store of [ours, live, gone]) await store.write(put('large', large), patient)
    await Promise.all([other.ping(), stranger.ping()])
    await until('all have three connections', async () => (await of('\\w+')).length === 10)
    const before = await Promise.all([of('ours'), of('live'), of('elsewhere')])
    const ids = await of('gone')
    expect(await ours.fence((id) => id === 'live')).toBe('fenced')
    expect(await Promise.all([of('ours'), of('live'), of('elsewhere')])).toEqual(before)
    // Its prober's, by which nothing is written.
    expect((await of('gone')).filter((id) => ids.includes(id))).toHaveLength(1)
    expect(stranger.status).toBe('ready')
    // It was alive after all: it goes on.
    await until('it is connected again', () => gone.read('large', patient).then((text) => text === large))
  })

  it.each([['-client|list'], ['-client|kill'], ['-client']])('says where it may not (%s)', async (denied) => {
    admin()
    await cli.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', '~*', '&*', '+@all', denied)
    const store = await open(`redis://app:secret@127.0.0.1:${redis.port}`, 'poor')
    const zombie = new Redis(redis.port, { connectionName: 'motia-redis:vanished:data' })
    ends.push(async () => zombie.disconnect())
    await zombie.ping()
    expect(await store.fence(() => false)).toBe('denied')
    expect(store.health().state).toBe('up')
  })

  it('fails like any call where the server is away', async () => {
    const server = await startTestRedis()
    const store = await open(server.url, 'ours')
    server.freeze()
    await expect(store.fence(() => true)).rejects.toMatchObject({ kind: expect.stringMatching(/timeout|unavailable/) })
  })
})
