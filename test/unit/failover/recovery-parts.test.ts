import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tagsIn } from '../../../src/codec/envelope.ts'
import { versionIn } from '../../../src/failover/recovery/recovery-texts.ts'
import { createThrottle } from '../../../src/failover/recovery/recovery-throttle.ts'
import { readMarker } from '../../../src/failover/recovery/repair-marker-copy.ts'
import { clearMarker, keyMarker, tagMarker } from '../../../src/failover/versions/markers.ts'

const category = fc.stringMatching(/^[a-z][a-z0-9_-]{0,5}$/)
const text = fc.string({ unit: fc.constantFrom('a', ':', '\n', 'é', '*', ' ') })

describe('parts of recovery', () => {
  it('a marker is taken apart as it was put together', () => {
    fc.assert(
      fc.property(category, text, (name, key) => {
        expect(readMarker(keyMarker(name, key))).toEqual({ of: 'key', category: name, key })
        expect(readMarker(clearMarker(name))).toEqual({ of: 'category', category: name })
        expect(readMarker(tagMarker(name, key))).toEqual({ of: 'tag', category: name, tag: key })
      }),
    )
    for (const field of ['', 'k', 'k:orders', 'x:a:b', 'c:a:b']) expect(readMarker(field)).toBe(undefined)
  })

  it('the version and the tags of a text are read off it', () => {
    const version = `${'0'.repeat(22)}a1`
    const horizon = `${'0'.repeat(21)}fff`
    const tagged = `{"ver":"${version}","value":1,"meta":{"t":["red","blue"]}}`
    expect(versionIn(tagged, horizon)).toBe(version)
    expect(versionIn(tagged, '0'.repeat(24))).toBe(undefined)
    for (const other of ['', '5', '{"value":1}', `{"ver":"${'A'.repeat(24)}"}`, ` ${tagged}`]) {
      expect(versionIn(other, horizon)).toBe(undefined)
    }
    expect(tagsIn(tagged)).toEqual(['red', 'blue'])
    expect(tagsIn('{"value":1}')).toEqual([])
    expect(tagsIn('{"value":{"t":["red"]}}')).toEqual([])
    expect(tagsIn('{"t":["cut off')).toEqual([])
  })

  it('the pace lets through so many a second and no more, and ends with its signal', async () => {
    const ending = new AbortController()
    const pace = createThrottle(1_000, ending.signal)
    const began = performance.now()
    for (let i = 0; i < 10; i++) await pace(10)
    expect(performance.now() - began).toBeGreaterThanOrEqual(95)
    const waiting = pace(1_000_000)
    ending.abort()
    await expect(waiting).rejects.toThrow()
    await expect(createThrottle(Number.POSITIVE_INFINITY, ending.signal)(1)).rejects.toThrow()
  })
})
