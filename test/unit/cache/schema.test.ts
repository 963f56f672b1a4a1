import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import * as schemas from '../../../src/cache/schema.ts'
import { decodeValue } from '../../../src/codec/decode.ts'
import { encodeValue } from '../../../src/codec/encode.ts'
import type { Encoded } from '../../../src/codec/payload.ts'

const place = { category: 'menu', operation: 'set' }
const LONG = 10_000
const admit = (schema: Schema, value: Encoded, at = place) => schemas.admit(schema, value, at, LONG)
const view = (schema: Schema, value: Encoded) => schemas.view(schema, value, place, LONG)
const takesNumbers = (schema: Schema, by: number) => schemas.takesNumbers(schema, by, place, LONG)
const encoded = async (value: unknown) => encodeValue(value, (problem) => new Error(problem))

type Schema = Parameters<typeof schemas.admit>[0]
/** What is stored of a value, and what a reader gets of that. */
const round = async (schema: Schema, value: unknown) => {
  const stored = await admit(schema, await encoded(value), place)
  const seen = await view(schema, stored)
  return { stored: await decodeValue(stored), seen: 'encoded' in seen ? await decodeValue(seen.encoded) : seen }
}

const Menu = z.object({ id: z.string(), items: z.array(z.object({ price: z.number() })) })

describe('admit', () => {
  it('stores what matches as it is', async () => {
    const given = await encoded({ id: 'a', items: [{ price: 1 }] })
    expect(await admit(Menu, given, place)).toBe(given)
  })

  it("stores the schema's output, and a reader gets the same", async () => {
    const stripped = await round(Menu, { id: 'a', items: [], more: 1 })
    expect(stripped).toEqual({ stored: { id: 'a', items: [] }, seen: { id: 'a', items: [] } })
    const filled = await round(z.object({ n: z.number().default(5) }), {})
    expect(filled).toEqual({ stored: { n: 5 }, seen: { n: 5 } })
    const date = new Date(1)
    expect(await round(z.object({ at: z.coerce.date() }), { at: date.toISOString() })).toEqual({
      stored: { at: date },
      seen: { at: date },
    })
    expect(await round(z.object({ at: z.date() }), { at: date })).toEqual({ stored: { at: date }, seen: { at: date } })
  })

  it('names the first offending place and never the value', async () => {
    const refused = admit(Menu, await encoded({ id: 'a', items: [{ price: 1 }, { price: 'secret' }] }), place)
    await expect(refused).rejects.toMatchObject({ code: 'CACHE_SCHEMA', ...place, applied: 'no' })
    await expect(refused).rejects.toThrow(
      "cache.set in 'menu': the value doesn't match the schema: at items[1].price: expected number",
    )
    await expect(admit(z.string(), await encoded(5), place)).rejects.toThrow('the value itself')
  })

  it.each([
    ['to another type', z.string().transform(Number), '5'],
    ['that adds each time', z.string().transform((text) => `${text}!`), 'a'],
    ['to nothing', z.string().transform(() => undefined), 'a'],
    ['to what JSON and superjson lack', z.string().transform((text) => Symbol(text)), 'a'],
    ['inside', z.object({ n: z.string().transform(Number) }), { n: '5' }],
  ])('refuses a transform %s, on every write that it changes', async (_, schema, value) => {
    await expect(admit(schema, await encoded(value), place)).rejects.toMatchObject({ code: 'CACHE_SCHEMA' })
    await expect(admit(schema, await encoded(value), place)).rejects.toMatchObject({ code: 'CACHE_SCHEMA' })
  })

  it('refuses what a step sends damaged', async () => {
    const damaged = { json: '1', meta: { values: { '__proto__.x': ['Date'] }, v: 1 } }
    await expect(admit(z.any(), damaged, place)).rejects.toMatchObject({ code: 'CACHE_INVALID_VALUE' })
  })

  it('allows a transform that can be applied twice', async () => {
    expect(await round(z.string().trim().toLowerCase(), ' A ')).toEqual({ stored: 'a', seen: 'a' })
  })

  it('refuses a schema that changes the value in place each time', async () => {
    const counting: Schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => {
          ;(value as { n: number }).n++
          return { value }
        },
      },
    }
    await expect(admit(counting, await encoded({ n: 1 }), place)).rejects.toMatchObject({ code: 'CACHE_SCHEMA' })
  })

  it('works with a schema that answers later, with valibot, and with one that throws', async () => {
    const later = z.object({ id: z.string() }).refine(async () => true)
    expect(await round(later, { id: 'a' })).toEqual({ stored: { id: 'a' }, seen: { id: 'a' } })
    const valibot = v.object({ id: v.string() })
    expect(await round(valibot, { id: 'a' })).toEqual({ stored: { id: 'a' }, seen: { id: 'a' } })
    await expect(admit(valibot, await encoded({ id: 5 }), place)).rejects.toThrow('at id')
    const throwing: Schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('secret')
        },
      },
    }
    await expect(admit(throwing, await encoded(1), place)).rejects.toThrow('the schema itself threw')
  })
})

describe('view', () => {
  it('names the place where a stored value does not match', async () => {
    expect(await view(Menu, await encoded({ id: 'a', items: [{}] }))).toEqual({
      at: 'at items[0].price: expected number',
    })
  })

  it("gives the schema's output of what somebody else stored", async () => {
    const seen = await view(z.object({ at: z.coerce.date() }), await encoded({ at: '2020-01-01', more: 1 }))
    expect('encoded' in seen && (await decodeValue(seen.encoded))).toEqual({ at: new Date('2020-01-01') })
  })

  it("leaves a value that can't be stored again unseen", async () => {
    const seen = await view(
      z.string().transform((text) => Symbol(text)),
      await encoded('a'),
    )
    expect(seen).toMatchObject({ at: expect.stringContaining("can't be stored") })
  })
})

describe('takesNumbers', () => {
  it('tells schemas of counters from others', async () => {
    expect(await takesNumbers(z.number().int(), 1)).toBe(true)
    expect(await takesNumbers(z.number().positive(), -1)).toBe(true)
    expect(await takesNumbers(z.number().min(5), 10)).toBe(true)
    expect(await takesNumbers(Menu, 1)).toBe(false)
  })
})

describe('a schema that does not answer', () => {
  const silent: Schema = {
    '~standard': { version: 1, vendor: 'test', validate: () => new Promise(() => undefined) },
  }
  const late = { code: 'CACHE_TIMEOUT', ...place, applied: 'no' }

  it('ends each call after its time', async () => {
    await expect(schemas.admit(silent, await encoded(1), place, 10)).rejects.toMatchObject(late)
    await expect(schemas.view(silent, await encoded(1), place, 10)).rejects.toMatchObject(late)
    await expect(schemas.takesNumbers(silent, 1, place, 10)).rejects.toMatchObject(late)
  })

  it('has one limit for all the times that it is asked in a call', async () => {
    const slow = z.number().refine(async () => {
      await new Promise((resolve) => setTimeout(resolve, 60))
      return false
    })
    const began = performance.now()
    await expect(schemas.takesNumbers(slow, 5, place, 100)).rejects.toMatchObject(late)
    expect(performance.now() - began).toBeLessThan(150)
  })

  it('a value nested deeper than can be compared is a mismatch, not a crash', async () => {
    const deep = { json: `${'['.repeat(20_000)}${']'.repeat(20_000)}` }
    const copying: Schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ value: JSON.parse(deep.json) }) },
    }
    const seen = await view(copying, deep)
    expect('at' in seen && seen.at).toMatch('the value itself')
  })
})
