import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RedisStore } from '../../../src/instances/redis-store.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { onServing, openRedisStore } from '../../support/redis-store.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'

expectNothingUnhandled()

const password = 'secret-password'
const soon = (): number => Date.now() + 60_000
const put = (key: string, text = 'secret-value') => [{ key, text, endsAt: soon() }]
const ends: (() => Promise<unknown> | undefined)[] = []
const changes: string[] = []

const open = (url: string): RedisStore => {
  const store = openRedisStore(url, {
    onState: onServing(({ state, writable }) => changes.push(state === 'up' && !writable ? 'up unwritable' : state)),
  })
  ends.push(() => store.close())
  return store
}
/** redis-cli's place: an administrator's connection. */
const admin = (redis: TestRedis, options: { password?: string } = {}): Redis => {
  const client = new Redis(redis.port, options)
  client.on('error', () => undefined) // servers are broken on purpose here
  ends.push(async () => client.disconnect())
  return client
}
const as = (redis: TestRedis, user: string): string => `redis://${user}@127.0.0.1:${redis.port}`
afterEach(async () => {
  changes.length = 0
  await Promise.all(ends.splice(0).map((end) => end()))
})

const failure = async (call: Promise<unknown>): Promise<unknown> => {
  const error = await call.then(
    () => 'no error',
    (reason) => reason,
  )
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret|redis:\/\/|127\.0\.0\.1/)
  return error
}

const failures = (calls: Promise<unknown>[]): Promise<unknown[]> => Promise.all(calls.map(failure))

describe('passwords', () => {
  it.each([
    ['a wrong one', `:${password}x`, /wrong user or password/],
    ['none', '', /wants a password/],
  ])('%s: a configuration fault, said once, asked about seldom', async (_, login, reason) => {
    const redis = await startTestRedis({ args: ['--requirepass', password] })
    const store = open(`redis://${login === '' ? '' : `${login}@`}127.0.0.1:${redis.port}`)
    expect(await failure(store.read('a'))).toMatchObject({ kind: 'configuration', applied: 'no' })
    expect(await failure(store.write(put('a')))).toMatchObject({ kind: 'configuration', applied: 'no' })
    expect(store.health()).toMatchObject({ state: 'down', reason: expect.stringMatching(reason) })
    expect(changes).toEqual(['down'])
    const stats = await admin(redis, { password }).info('stats')
    expect(Number(/total_connections_received:(\d+)/.exec(stats)?.[1])).toBeLessThan(6)
  })

  it('a right one', async () => {
    const redis = await startTestRedis({ args: ['--requirepass', password] })
    await open(as(redis, `:${password}`)).write(put('a'))
  })

  it('changed while connected: the open connection goes on, the next is refused', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    const cli = admin(redis)
    await store.write(put('a'))
    await cli.config('SET', 'requirepass', password)
    expect(await store.read('a')).toBe('secret-value')
    await cli.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await until('the instance is down', () => failure(store.read('a')).then(() => store.health().state === 'down'))
    expect(await failure(store.read('a'))).toMatchObject({ kind: 'configuration', applied: 'no' })
    await cli.config('SET', 'requirepass', '')
    await until('it is back', () => store.read('a').then(() => true))
  })
})

describe('a server that refuses writes', () => {
  const expectUnwritable = async (store: RedisStore, kind: string): Promise<void> => {
    for (const error of await failures([
      store.write(put('b')),
      store.write([...put('b'), ...put('c')]),
      store.increment('n', 1, soon()),
      store.groupSet('g', 'f', 'secret-value', false, 9),
    ])) {
      expect(error).toMatchObject({ kind, applied: 'no' })
    }
    expect(await store.read('a')).toBe('secret-value')
    expect(await store.groupGet('g', 'f')).toBeUndefined()
    expect(await store.groups()).toEqual([])
    expect(store.health()).toMatchObject({ state: 'up', readable: true, writable: false })
    expect(changes).toEqual(['up', 'up unwritable'])
  }
  const expectHealed = async (store: RedisStore): Promise<void> => {
    await until('writes are taken again', () => store.write(put('b')).then(() => true))
    expect(store.health()).toMatchObject({ state: 'up', writable: true })
    expect(changes).toEqual(['up', 'up unwritable', 'up'])
  }

  it('out of memory: reads and deletes stay', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    const cli = admin(redis)
    await store.write([...put('a'), ...put('old')])
    await cli.config('SET', 'maxmemory', '100kb')
    await expectUnwritable(store, 'full')
    expect(await store.remove(['old'])).toEqual([true])
    expect(await store.clear('old')).toBe(0)
    expect(store.health().writable).toBe(false)
    await cli.config('SET', 'maxmemory', '0')
    await expectHealed(store)
  })

  it('a read-only replica', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    const cli = admin(redis)
    await store.write(put('a'))
    await cli.replicaof('127.0.0.1', 1)
    await expectUnwritable(store, 'read-only')
    expect(await failure(store.remove(['a']))).toMatchObject({ kind: 'read-only', applied: 'no' })
    await cli.replicaof('NO', 'ONE')
    await expectHealed(store)
  })

  it('too few replicas', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    const cli = admin(redis)
    await store.write(put('a'))
    await cli.config('SET', 'min-replicas-to-write', '1')
    await expectUnwritable(store, 'read-only')
    await cli.config('SET', 'min-replicas-to-write', '0')
    await expectHealed(store)
  })
})

describe('a server that cannot serve now', () => {
  it('a replica that lost its primary', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    const cli = admin(redis)
    await store.write(put('a'))
    await cli.config('SET', 'replica-serve-stale-data', 'no')
    await cli.replicaof('127.0.0.1', 1)
    expect(await failure(store.read('a'))).toMatchObject({ kind: 'unavailable', applied: 'no' })
    expect(store.health().state).toBe('down')
    await cli.replicaof('NO', 'ONE')
    await until('it is back', async () => (await store.read('a')) === 'secret-value')
    expect(changes).toEqual(['up', 'down', 'up'])
  })

  it('busy with a script', async () => {
    const redis = await startTestRedis({ args: ['--busy-reply-threshold', '50'] })
    const store = open(redis.url)
    const cli = admin(redis)
    await store.write(put('a'))
    const second = admin(redis)
    await second.ping()
    const script = cli.eval('while true do end', 0).catch(() => undefined)
    const busy = await until('it says so', async () => {
      const error = await failure(store.write(put('a'), { timeout: 1_000 }))
      return error !== 'no error' ? error : undefined
    })
    expect(busy).toMatchObject({ kind: 'unavailable', applied: 'no' })
    await second.script('KILL')
    await script
    await until('it is back', () => store.read('a').then(() => true))
  })

  it('still loading: down until it has loaded, then back by itself', async () => {
    const redis = await startTestRedis({ args: ['--save', '3600 1'] })
    const cli = admin(redis)
    await cli.eval("for i = 1, 20000 do redis.call('SET', 'k' .. i, i) end", 0)
    await cli.save()
    const slow = ['--key-load-delay', '150', '--loading-process-events-interval-bytes', '1024']
    const store = open(redis.url)
    await store.write(put('a'))
    await redis.crash()
    await redis.restart(['--save', '', ...slow])
    const error = await until('it says so', async () => {
      const refused = await failure(store.read('k1'))
      return String(refused).includes('loading') ? refused : undefined
    })
    expect(error).toMatchObject({ kind: 'unavailable', applied: 'no' })
    expect(store.health()).toMatchObject({ state: 'down', reason: 'still loading its data' })
    await until('it has loaded', async () => (await store.read('k1')) === '1')
    expect(changes).toEqual(['up', 'down', 'up'])
  })

  it('no free connection', async () => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    await cli.ping()
    await cli.config('SET', 'maxclients', '1')
    const store = open(redis.url)
    expect(await failure(store.write(put('a')))).toMatchObject({ kind: 'unavailable' })
    expect(store.health().state).toBe('down')
    await cli.config('SET', 'maxclients', '100')
    await until('it is back', () => store.write(put('a')).then(() => true))
  })
})

describe('a user with few rights', () => {
  const withUser = async (...rights: string[]): Promise<{ store: RedisStore; cli: Redis }> => {
    const redis = await startTestRedis()
    const cli = admin(redis)
    await cli.acl('SETUSER', 'app', 'on', `>${password}`, ...rights)
    return { store: open(as(redis, `app:${password}`)), cli }
  }

  it('no scripts: entries work, and the error names the right', async () => {
    const { store } = await withUser('~*', '+@all', '-@scripting')
    await store.write(put('a', '1'))
    for (const error of await failures([
      store.increment('a', 1, soon()),
      store.swap('a', '1', { text: '2', endsAt: soon() }),
      store.groupSet('g', 'f', 'secret-value', false, 9),
      store.groups(),
    ])) {
      expect(error).toMatchObject({ kind: 'configuration', applied: 'no' })
      expect(String(error)).toMatch(/\+@scripting/)
    }
    expect(store.health().state).toBe('up')
    expect(await store.read('a')).toBe('1')
  })

  it('a command inside a script is denied', async () => {
    const { store } = await withUser('~*', '+@all', '-incrby', '-hset')
    await store.write(put('a', '1'))
    expect(await failure(store.increment('a', 1, soon()))).toMatchObject({ kind: 'configuration', applied: 'no' })
    expect(await failure(store.groupSet('g', 'f', 'x', false, 9))).toMatchObject({ kind: 'configuration' })
    expect(store.health()).toMatchObject({ state: 'up', writable: true })
  })

  it('some keys only: the caller is refused, the instance stays up', async () => {
    const { store } = await withUser('~cache:*', '+@all')
    await store.write(put('cache:a'))
    for (const error of await failures([
      store.write(put('other')),
      store.read('other'),
      store.remove(['other']),
      store.increment('other', 1, soon()),
    ])) {
      expect(error).toMatchObject({ kind: 'refused', applied: 'no' })
    }
    expect(await failure(store.write([...put('cache:b'), ...put('other')]))).toMatchObject({
      kind: 'refused',
      applied: 'unknown',
    })
    expect(changes).toEqual(['up'])
  })

  it('no INFO and no CONFIG: it serves, and its facts stay unknown', async () => {
    const { store, cli } = await withUser('~*', '+@all', '-@dangerous')
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    ends.push(async () => warn.mockRestore())
    await store.connect()
    await store.write(put('a'))
    expect(await store.read('a')).toBe('secret-value')
    expect(store.health()).toMatchObject({ state: 'up' })
    expect(store.health().server).toBeUndefined()
    expect(store.health().memory).toBeUndefined()
    // ioredis says so itself, but not at each connect.
    expect(warn).toHaveBeenCalledTimes(1)
    for (let n = 0; n < 2; n++) {
      await cli.call('CLIENT', 'KILL', 'USER', 'app')
      await until('it is back', async () => (await store.read('a').catch(() => undefined)) === 'secret-value')
    }
    expect(warn).toHaveBeenCalledTimes(1)
  })
})

describe('foreign data and other limits', () => {
  it('other types at our keys read as nothing; writes replace them, counters and groups refuse', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    const cli = admin(redis)
    await cli.hset('h', 'f', 'v')
    await cli.set('~mr:state:g', 'text')
    expect(await store.read('h')).toBeUndefined()
    expect(await Promise.all([store.read('h'), store.read('x')])).toEqual([undefined, undefined])
    expect(await store.readMany(['h', 'x'])).toEqual([undefined, undefined])
    expect(await store.read('h', { timeout: 1_000 })).toBeUndefined()
    expect(await store.swap('h', 'v', { text: 'x', endsAt: soon() })).toBe(false)
    expect(await failure(store.increment('h', 1, soon()))).toMatchObject({ kind: 'not-a-number', applied: 'no' })
    expect(await failure(store.groupSet('g', 'f', 'x', false, 9))).toMatchObject({ kind: 'refused', applied: 'no' })
    await store.write(put('h', 'ours'))
    expect(await store.read('h')).toBe('ours')
    await cli.set('forever', 'x')
    expect(await store.life('forever')).toBe(Number.POSITIVE_INFINITY)
    expect(changes).toEqual(['up'])
  })

  it('a value the server would not take is refused before it is sent, and others go on', async () => {
    const redis = await startTestRedis({ args: ['--proto-max-bulk-len', '1mb'] })
    const store = open(redis.url)
    await store.connect()
    await until('its facts are known', () => store.health().server)
    const poison = 'x'.repeat(1_100_000)
    for (const error of await failures([
      store.write([...put('a'), ...put('b', poison)]),
      store.groupSet('g', 'f', poison, false, 9),
      store.swap('a', 'x', { text: poison, endsAt: soon() }),
    ])) {
      expect(error).toMatchObject({ kind: 'too-large', applied: 'no' })
      expect(String(error)).toMatch(/larger than this server accepts/)
    }
    await store.write(put('a', 'y'.repeat(1_000_000)))
    expect(await store.read('a')).toHaveLength(1_000_000)
    expect(await store.read('b')).toBeUndefined()
  })

  it('scripts that the server forgot are sent again', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    const cli = admin(redis)
    for (let i = 1; i <= 3; i++) {
      expect(await store.increment('n', 1, soon())).toBe(i)
      await cli.script('FLUSH')
    }
  })

  it('a database number it does not have: never another database', async () => {
    const redis = await startTestRedis({ args: ['--databases', '2'] })
    const store = open(`${redis.url}/7`)
    expect(await failure(store.write(put('a')))).toMatchObject({ kind: 'configuration', applied: 'no' })
    expect(await admin(redis).exists('a')).toBe(0)
    await open(`${redis.url}/1`).write(put('a'))
    expect(await admin(redis).exists('a')).toBe(0)
  })

  it('groups whose names lie in the index but are gone leave it', async () => {
    const redis = await startTestRedis()
    const store = open(redis.url)
    const cli = admin(redis)
    await store.groupSet('gone', 'f', 'x', false, 9)
    await store.groupSet('there', 'f', 'x', false, 9)
    await cli.del('~mr:state:gone')
    expect(await store.groups()).toEqual(['there'])
    expect(await cli.zrange('~mr:groups', '0', '-1')).toEqual(['there'])
  })
})

describe('TLS', () => {
  const certificate = (dir: string): string[] => {
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-newkey', 'rsa:2048', '-nodes']
    execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no']
  }

  it('a certificate nobody vouches for is a configuration fault: verification stays on', async () => {
    const redis = await startTestRedis()
    const tls = certificate(redis.dir)
    const cli = admin(redis)
    for (let i = 0; i < tls.length; i += 2) await cli.config('SET', (tls[i] ?? '').slice(2), tls[i + 1] ?? '')
    const tlsPort = await startTestRedis() // only to learn a free port
    await tlsPort.stop()
    await cli.config('SET', 'tls-port', String(tlsPort.port))
    const store = open(`rediss://localhost:${tlsPort.port}`)
    const error = await failure(store.write(put('a')))
    expect(error).toMatchObject({ kind: 'configuration', applied: 'no' })
    expect(String(error)).toMatch(/TLS certificate/)
  })

  it('rediss on a plain port', async () => {
    const redis = await startTestRedis()
    const store = open(`rediss://localhost:${redis.port}`)
    const error = await failure(store.read('a'))
    expect(error).toMatchObject({ kind: expect.stringMatching(/configuration|unavailable/), applied: 'no' })
  })
})
