import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValue } from '../../../src/codec/decode.ts'
import { plainValue } from '../../../src/codec/plain-value.ts'

const READS = 6

/** Changes whatever can be changed. */
const spoil = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return
  for (const part of Object.values(value)) spoil(part)
  if (Array.isArray(value)) value.push('spoilt')
  else for (const name of Object.keys(value)) Reflect.set(value, name, 'spoilt')
}

describe('a text for any number of readers', () => {
  it('gives each a value of its own, whatever the others do to theirs', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes('__proto__')),
        (value) => {
          const json = JSON.stringify(value)
          const values = plainValue(json, () => undefined)
          // Texts that begin with a colon are stored with one more.
          const read = JSON.stringify(decodeValue({ json }))
          for (let times = 0; times < READS; times++) {
            const encoded = values()
            expect(encoded.json).toBe(json)
            const decoded = decodeValue(encoded)
            expect(JSON.stringify(decoded)).toBe(read)
            expect(decodeValue(encoded)).toEqual(decoded)
            spoil(decoded)
          }
        },
      ),
    )
  })

  const weighed = (value: unknown): number[] => {
    const weights: number[] = []
    const values = plainValue(JSON.stringify(value), (bytes) => void weights.push(bytes))
    for (let read = 0; read < READS; read++) values().parsed
    return weights
  }

  it('says once what a value takes that is read again and again', () => {
    const menu = { dishes: Array.from({ length: 50 }, (_, n) => ({ id: `dish-${n}`, cents: n, tags: ['vegan'] })) }
    const [weight, ...more] = weighed(menu)
    expect(weight).toBeGreaterThan(JSON.stringify(menu).length)
    expect(more).toEqual([])
  })

  it.each([
    ['is no object', 'x'.repeat(100)],
    ['is long', ['x'.repeat(70_000)]],
    ['weighs far more than its text', Array.from({ length: 100 }, () => ({}))],
  ])('is parsed each time where it %s', (_, value) => {
    expect(weighed(value)).toEqual([])
  })

  it('is parsed each time where it is nested too deep to be copied', () => {
    const json = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const values = plainValue(json, () => expect.fail('it was kept'))
    for (let read = 0; read < READS; read++) expect(values().parsed).toHaveLength(1)
  })

  it('is undone of Keyv’s escapes by whoever decodes it', () => {
    const values = plainValue('["::colon"]', () => expect.fail('it was kept'))
    for (let read = 0; read < READS; read++) expect(decodeValue(values())).toEqual([':colon'])
  })
})
