import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Problem } from '../../../src/settings/problem.ts'
import { isLoopback, parseRedisUrl, type RedisUrl } from '../../../src/settings/redis-url.ts'
import { redisSecret } from '../../../src/settings/secret.ts'

const read = (text: string): RedisUrl => {
  const url = parseRedisUrl(text)
  if (Problem.is(url)) throw new Error(url.problem)
  return url
}

const problemOf = (text: string): string => {
  const url = parseRedisUrl(text)
  if (!Problem.is(url)) throw new Error(`accepted as ${url}`)
  return url.problem
}

/** Every way in which a value ends up in a log. */
const printed = (value: object): string =>
  [
    `${value}`,
    JSON.stringify({ value }),
    inspect(value, { showHidden: true, depth: 9 }),
    JSON.stringify({ ...value }),
    inspect({ ...value }),
  ].join('\n')

describe('parseRedisUrl', () => {
  it.each([
    ['redis://host', { host: 'host', port: 6379, db: 0, tls: false, username: undefined }, undefined],
    ['redis://HOST.example:7000/3', { host: 'host.example', port: 7000, db: 3, tls: false }, undefined],
    ['rediss://default:pw@host:1/15', { username: 'default', tls: true, port: 1, db: 15 }, 'pw'],
    ['REDISS://:pw@host/', { username: undefined, tls: true, db: 0 }, 'pw'],
    ['redis://us%40er:p%40s%2Fs%23%25@host', { username: 'us@er', host: 'host' }, 'p@s/s#%'],
    ['redis://:p@ss@host', { host: 'host' }, 'p@ss'],
    ['redis://[::1]:7000', { host: '::1', port: 7000 }, undefined],
    ['redis://127.0.0.1', { host: '127.0.0.1' }, undefined],
    ['redis://my_redis:6379', { host: 'my_redis' }, undefined],
  ])('reads %s', (text, parts, password) => {
    const url = read(text)
    expect(url).toMatchObject(parts)
    expect(url.password?.reveal()).toBe(password)
  })

  it('prints itself without the password, in every way', () => {
    const url = read('rediss://app:hunter2@[::1]:7000/2')
    expect(`${url}`).toBe('rediss://app:***@[::1]:7000/2')
    expect(JSON.stringify({ url })).toBe('{"url":"rediss://app:***@[::1]:7000/2"}')
    expect(inspect({ url })).toBe('{ url: rediss://app:***@[::1]:7000/2 }')
    expect(`${read('redis://:x@host')} ${read('redis://host')}`).toBe('redis://:***@host:6379/0 redis://host:6379/0')
    expect(printed(url)).not.toContain('hunter2')
    expect(Object.keys(url)).not.toContain('password')
    expect(Object.isFrozen(url)).toBe(true)
  })

  it('keeps any user and password through the encoding, and out of what it prints', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.string({ minLength: 1, unit: 'grapheme' }),
        (user, secret) => {
          const password = `${secret}-hidden`
          const url = read(`redis://${encodeURIComponent(user)}:${encodeURIComponent(password)}@host`)
          expect(url.username).toBe(user)
          expect(url.password?.reveal()).toBe(password)
          expect(printed(url)).not.toContain('-hidden')
        },
      ),
    )
  })

  it.each([
    ['', 'must begin with redis://'],
    ['localhost:6379', 'must begin with redis://'],
    ['redis:hunter2@host', 'must begin with redis://'],
    ['https://hunter2@host', 'it is a web address'],
    ['redis://', 'no host'],
    ['redis://:hunter2@', "can't be read"],
    ['redis://hunter2@host', 'redis://:password@host'],
    ['redis://app:hunter2#x@host:6379', "can't be read"],
    ['redis://app:hunter2/x@host:6379', "can't be read"],
    ['redis://:6379/hunter2@host', "can't be read"],
    ['redis://app:12/hunter2@host:6379', 'database number, 0 to 15'],
    ['redis://app:12#hunter2@host', "it has a '#'"],
    ['redis://app:12?hunter2@host', 'none is known'],
    ['redis://app:hunter2%@host', '%25'],
    ['redis://app:hun\tter2@host', "can't be read"],
    ['redis://app:hunter2@host:99999', "can't be read"],
    ['redis://app:hunter2@host:0', 'port 0'],
    ['redis://app:hunter2@host/16', 'database 16 is out of range'],
    ['redis://app:hunter2@host/-1', 'database number'],
    ['redis://app:hunter2@host/1.5', 'database number'],
    ['redis://app:hunter2@host%00', 'no host'],
    ['redis://app:hunter2@host?sentinel=mymaster', 'not supported yet'],
    ['redis://app:hunter2@host?cluster', 'not supported yet'],
    ['redis://app:hunter2@host?family=6', 'none is known'],
    ['redis://app:hunter2@host?', undefined],
  ])('of %s it says what to do and repeats nothing', (text, hint) => {
    if (hint === undefined) {
      expect(read(text).host).toBe('host')
      return
    }
    const problem = problemOf(text)
    expect(problem).toContain(hint)
    expect(problem).not.toContain('hunter2')
  })

  it('never throws, and no problem repeats a part of the input', () => {
    fc.assert(
      fc.property(fc.string(), (junk) => {
        const result = parseRedisUrl(`redis://app:hunter2${junk}@host`)
        if (Problem.is(result)) expect(result.problem).not.toContain('hunter2')
        else expect(printed(result)).not.toContain('hunter2')
      }),
    )
  })
})

describe('isLoopback', () => {
  it('knows this machine', () => {
    expect(['localhost', '127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'].every(isLoopback)).toBe(true)
    expect(['host', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com', '::2'].some(isLoopback)).toBe(false)
  })
})

describe('redisSecret', () => {
  it('gives the text only to reveal()', () => {
    const secret = redisSecret('hunter2')
    expect(secret.reveal()).toBe('hunter2')
    expect(printed(secret)).not.toContain('hunter2')
    expect(inspect({ secret })).toBe('{ secret: *** }')
  })
})
