import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealedKeys } from '../../../src/sight/sealed-keys.ts'

const sealed = createSealedKeys()
const keys = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }).filter((key) => key.isWellFormed())

describe('what stands for a key', () => {
  it('leads back to it, is the same each time, and tells nothing of it', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const handle = sealed.seal('user', key)
        expect(handle).toMatch(/^~sealed-[\w-]+$/)
        expect(sealed.open('user', handle)).toBe(key)
        expect(sealed.seal('user', key)).toBe(handle)
      }),
    )
  })

  it('fits into a question for the longest key', () => {
    expect(sealed.seal('user', 'k'.repeat(512)).length).toBeLessThanOrEqual(1_024)
    expect(sealed.seal('user', 'k'.repeat(512))).not.toContain('kkk')
  })

  it('is nothing in another category, in another process, or when a letter of it is another one', () => {
    const handle = sealed.seal('user', 'session-1')
    expect(sealed.seal('auth', 'session-1').slice(0, 16)).not.toBe(handle.slice(0, 16))
    expect(sealed.open('auth', handle)).toBeUndefined()
    expect(createSealedKeys().open('user', handle)).toBeUndefined()
    for (let i = 0; i < handle.length - 1; i++) {
      const other = `${handle.slice(0, i)}${handle[i] === 'A' ? 'B' : 'A'}${handle.slice(i + 1)}`
      expect(sealed.open('user', other)).toBeUndefined()
    }
    for (const key of ['', 'ada', 'session:1', 'x'.repeat(500)]) expect(sealed.open('user', key)).toBeUndefined()
  })

  it('is told from keys, whichever process made it', () => {
    expect(sealed.isSealed(createSealedKeys().seal('user', 'session-1'))).toBe(true)
    for (const key of ['', 'ada', 'session:1', 'sealed-1']) expect(sealed.isSealed(key)).toBe(false)
  })
})

describe('what is shown for a key', () => {
  it('is its length and a mark that tells it from others, and nothing of it', () => {
    const key = 's3cr3t-and-as-long-as-the-id-of-a-session'
    const label = sealed.label('auth', key)
    expect(label).toMatch(/^41 characters #[\w-]{8}$/)
    expect(sealed.label('auth', key)).toBe(label)
    expect(sealed.label('auth', `${key.slice(0, -1)}o`)).not.toBe(label)
    expect(sealed.label('user', 'ada@example.com')).toMatch(/^15 characters #/)
    expect(sealed.label('user', '😀'.repeat(12))).toMatch(/^24 characters #/)
  })
})
