import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { within } from '../../../src/embedded/database.ts'
import { createExpiry } from '../../../src/instances/expiry.ts'
import { createLargeKeys, isLarge } from '../../../src/instances/large.ts'
import { chunks } from '../../../src/instances/pipeline.ts'
import { prefixPattern } from '../../../src/instances/scan.ts'
import { parseInfo } from '../../../src/instances/server-facts.ts'

describe('prefixPattern', () => {
  it('leaves no character its meaning', () => {
    expect(prefixPattern('a*b?c[d]e\\f')).toBe('a\\*b\\?c\\[d\\]e\\\\f*')
    expect(prefixPattern('')).toBe('*')
  })
})

describe('isLarge', () => {
  it('counts bytes', () => {
    expect(isLarge('x'.repeat(65_536))).toBe(false)
    expect(isLarge('x'.repeat(65_537))).toBe(true)
    expect(isLarge('é'.repeat(32_768))).toBe(false)
    expect(isLarge('é'.repeat(32_769))).toBe(true)
    expect(isLarge('😀'.repeat(16_385))).toBe(true)
  })

  it('is remembered for a bounded number of keys, the latest', () => {
    const keys = createLargeKeys()
    const big = 'x'.repeat(70_000)
    for (let i = 0; i < 1_100; i++) {
      keys.seen(String(i), big)
      keys.seen('0', big)
    }
    expect([keys.has('0'), keys.has('1'), keys.has('1099')]).toEqual([true, false, true])
    keys.seen('0', 'small')
    expect(keys.has('0')).toBe(false)
  })
})

describe('chunks', () => {
  it('keep order and size', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 9 }), (items, size) => {
        const pieces = chunks(items, size)
        expect(pieces.flat()).toEqual(items)
        expect(pieces.every((piece) => piece.length > 0 && piece.length <= size)).toBe(true)
      }),
    )
  })
})

describe('within', () => {
  it('bounds exactly the keys with the prefix, in byte order', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 4 }).map((array) => Buffer.from(array))
    fc.assert(
      fc.property(bytes, bytes, (prefix, key) => {
        const { start, end } = within(prefix)
        const inside = Buffer.compare(key, start) >= 0 && (end === undefined || Buffer.compare(key, end) < 0)
        expect(inside).toBe(key.subarray(0, prefix.length).equals(prefix))
      }),
      {
        examples: [
          [Buffer.of(0xff), Buffer.of(0xff, 0xff)],
          [Buffer.of(1, 0xff), Buffer.of(2)],
        ],
      },
    )
  })
})

describe('parseInfo', () => {
  it('takes what is there', () => {
    const info =
      '# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\n# Memory\r\nused_memory:5\r\nmaxmemory:9\r\nmaxmemory_policy:noeviction\r\n# Replication\r\nrole:master\r\n'
    expect(parseInfo(info)).toEqual({
      server: { version: '7.0.15', runId: 'abc', role: 'master' },
      memory: { used: 5, max: 9, policy: 'noeviction' },
    })
    expect(parseInfo(`valkey_version:8.1.0\r\n${info}`).server?.version).toBe('8.1.0')
    expect(parseInfo('')).toEqual({})
  })
})

describe('expiry', () => {
  it('ends each call at its time, in any order of their deadlines', async () => {
    const expiry = createExpiry()
    const startedAt = performance.now()
    const ended = await Promise.all(
      [60, 20, 40].map(
        (ms) =>
          new Promise<number>((resolve) => {
            const alive = setTimeout(() => undefined, 1_000) // the expiry's own timer keeps nothing alive
            const expire = (): void => {
              clearTimeout(alive)
              resolve(performance.now() - startedAt - ms)
            }
            expiry.add({ endsAt: startedAt + ms, expire })
          }),
      ),
    )
    for (const late of ended) expect(late).toBeGreaterThanOrEqual(-1.1)
  })

  it('gives a call more time when the event loop stood still', async () => {
    const expiry = createExpiry()
    const startedAt = performance.now()
    const ended = new Promise<number>((resolve) => {
      expiry.add({ endsAt: startedAt + 30, expire: () => resolve(performance.now() - startedAt) })
      setTimeout(() => undefined, 1_000).unref()
    })
    const alive = setInterval(() => undefined, 1_000)
    while (performance.now() - startedAt < 200);
    expect(await ended).toBeGreaterThan(245)
    clearInterval(alive)
  })

  it('forgets a call that has ended', async () => {
    const expiry = createExpiry()
    let expired = false
    const call = { endsAt: performance.now() + 10, expire: () => (expired = true) }
    expiry.add(call)
    expiry.remove(call)
    await new Promise<void>((resolve) => {
      expiry.add({ endsAt: performance.now() + 30, expire: resolve })
      setTimeout(() => undefined, 500)
    })
    expect(expired).toBe(false)
  })
})
