import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createLink, type Link, type LinkOptions, type Tracking } from '../../../src/invalidation/link.ts'
import { parseRedisUrl } from '../../../src/settings/redis-url.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { foreigner, openGround } from './ground.ts'

expectNothingUnhandled()

let redis: TestRedis
beforeAll(async () => {
  redis = await startTestRedis()
})

/** What may be served when nothing is heard any more. */
const GAP = 2_000

interface OpenLink {
  readonly link: Link
  readonly heard: (string | undefined)[]
  readonly states: Tracking[]
  hears(): boolean
}

const openLink = (url: string, options: Partial<LinkOptions> = {}): OpenLink => {
  const parsed = parseRedisUrl(url)
  if ('problem' in parsed) throw new Error(parsed.problem)
  const heard: (string | undefined)[] = []
  const states: Tracking[] = []
  const link = createLink({
    url: parsed,
    clientName: 'motia-redis:test:tracking',
    prefixes: ['menu:', 'orders:'],
    heard: (key) => void heard.push(key),
    onTracking: (tracking) => void states.push(tracking),
    instead: () => Promise.resolve(),
    ...options,
  })
  onTestFinished(() => link.close())
  link.open()
  return { link, heard, states, hears: () => link.hears(performance.now()) }
}

const proxied = async (): Promise<TcpProxy> => {
  const proxy = await startTcpProxy(redis.port)
  onTestFinished(() => proxy.close())
  return proxy
}

describe('the connection on which an instance tells what changes', () => {
  it('hears of the keys that begin with its prefixes and of no others', async () => {
    const { heard, hears } = openLink(redis.url)
    await until('it hears', hears)
    const foreign = foreigner(redis.url)
    await foreign.mset('menu:a', '1', 'menus', '1', 'other:a', '1')
    await foreign.set('orders:x, y\r\n{z} ü', '1')
    await until('the last was heard', () => heard.at(-1) === 'orders:x, y\r\n{z} ü')
    expect(heard.filter((key) => key !== undefined)).toEqual(['menu:a', 'orders:x, y\r\n{z} ü'])
  })

  it('hears that anything may have changed at FLUSHALL', async () => {
    const { heard, hears } = openLink(redis.url)
    await until('it hears', hears)
    const before = heard.length
    await foreigner(redis.url).flushall()
    await until('it was heard', () => heard.length > before)
    expect(heard.at(-1)).toBeUndefined()
  })

  it.each([
    ['cut', (proxy: TcpProxy) => proxy.resetAll()],
    ['ended by the server', () => foreigner(redis.url).call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')],
    ['mixed up', (proxy: TcpProxy) => proxy.mode('garbage')],
  ] as const)('is in doubt at once when it is %s, and hears again on another', async (_, harm) => {
    const proxy = await proxied()
    const { heard, hears, states } = openLink(proxy.url)
    await until('it hears', hears)
    const before = heard.length
    await harm(proxy)
    await until('all is in doubt', () => heard.length > before)
    expect(heard[before]).toBeUndefined()
    expect(states.slice(0, 2)).toEqual(['on', 'off'])
    proxy.mode('pass')
    await until('it hears again', hears)
    await foreigner(redis.url).set('menu:later', '1')
    await until('that was heard', () => heard.includes('menu:later'))
  })

  it('is in doubt two seconds after nothing arrives any more, and says so before it is given up', async () => {
    const proxy = await proxied()
    const { heard, hears, states } = openLink(proxy.url)
    await until('it hears', hears)
    proxy.mode('cut')
    const began = performance.now()
    await foreigner(redis.url).set('menu:unheard', '1')
    await until('it is in doubt', () => !hears())
    expect(performance.now() - began).toBeLessThan(GAP + 200)
    await until('it is given up', () => states.at(-1) === 'off')
    expect(heard.at(-1)).toBeUndefined()
    proxy.mode('pass')
    await until('it hears again', hears)
  })

  it('would not notice that without asking', async () => {
    const proxy = await proxied()
    const { heard, hears } = openLink(proxy.url, { weakened: { heartbeat: false } })
    await until('it hears', hears)
    proxy.mode('cut')
    const before = heard.length
    await foreigner(redis.url).set('menu:unheard', '1')
    await new Promise((resolve) => setTimeout(resolve, GAP + 500))
    expect(hears()).toBe(true)
    expect(heard.length).toBe(before)
  })

  it('hears late answers in their order, however late: what is asked is answered after what was told', async () => {
    const proxy = await proxied()
    const { heard, hears } = openLink(proxy.url)
    await until('it hears', hears)
    proxy.mode('hold')
    await foreigner(redis.url).set('menu:held-back', '1')
    await until('it is in doubt', () => !hears())
    proxy.mode('pass')
    await until('it hears', hears)
    // On this connection, or because a new one puts all in doubt.
    expect(heard.includes('menu:held-back') || heard.at(-1) === undefined).toBe(true)
  })

  it('is found again where a frozen server thaws', async () => {
    const own = await startTestRedis()
    const { hears, states } = openLink(own.url)
    await until('it hears', hears)
    own.freeze()
    await until('it is given up', () => states.at(-1) === 'off')
    own.thaw()
    await until('it hears again', hears)
  })

  it('is closed in any phase, and leaves no connection behind', async () => {
    const proxy = await proxied()
    for (const mode of ['pass', 'cut', 'drop'] as const) {
      proxy.mode(mode)
      for (let n = 0; n < 6; n++) {
        const { link, states } = openLink(proxy.url)
        if (n % 2 === 0) await new Promise((resolve) => setTimeout(resolve, n * 5))
        else if (mode === 'pass') await until('it hears', () => states.includes('on'))
        link.close()
        expect(link.tracking()).toBe('off')
      }
    }
    proxy.mode('pass')
    await until('none is left', () => proxy.connections() === 0)
  })
})

describe('a server of which nothing arrives any more', () => {
  it('has nothing answered for it from memory after two seconds at most', async () => {
    const proxy = await startTcpProxy(redis.port)
    onTestFinished(() => proxy.close())
    const { cache, held, tracking } = openGround({
      primary: proxy.url,
      categories: { menu: { l1: '1h' } },
    })
    await cache.set('a', 'old', { category: 'menu' })
    await held('a', 'menu')
    // What is sent to the server passes; its answers don't, on any connection.
    proxy.mode('hold')
    await foreigner(redis.url).set('menu:a', JSON.stringify({ value: 'new' }))
    const changed = performance.now()
    await until('the old is not answered any more', async () => {
      const value = await cache.get('a', { category: 'menu' }).catch(() => undefined)
      return value !== 'old'
    })
    expect(performance.now() - changed).toBeLessThan(GAP + 500)
    proxy.mode('pass')
    await until('the new is read', async () => (await cache.get('a', { category: 'menu' })) === 'new')
    await until('it is told again', () => tracking('primary') === 'on')
  })
})
