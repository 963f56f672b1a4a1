import { RedisStateAdapter } from '@motiadev/adapter-redis-state'
import { MemoryStateAdapter, type StateAdapter, type StateFilter } from '@motiadev/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inferType, matchesFilters } from '../../../src/state/filter.ts'
import type { JsonValue } from '../../../src/state/value.ts'
import { startTestRedis } from '../../support/redis-server.ts'

const POSITIVE = ['eq', 'gt', 'gte', 'lt', 'lte', 'contains', 'startsWith', 'endsWith'] as const
const NEGATIVE = ['neq', 'notContains', 'isNotNull', 'isNull'] as const

const text = fc.constantFrom('', 'a', 'ab', 'b', '0', '-1', '5', '10')
const scalar = fc.oneof(text, fc.constantFrom(0, -1, 5, 7.5, true, false, null))
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('p', 'q', 'key'), fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })), { maxKeys: 3 }),
) as fc.Arbitrary<JsonValue>
const valueKey = fc.constantFrom('p', 'q', '0', 'length', 'missing')

let redis: StateAdapter
const memory = new MemoryStateAdapter()

beforeAll(async () => {
  const server = await startTestRedis()
  redis = new RedisStateAdapter({ url: server.url })
})
afterAll(() => redis.cleanup())

/** Whether the adapter's own filter lets the item through; that it throws means it doesn't support the case. */
const theirs = async (adapter: StateAdapter, key: string, stored: JsonValue, filter: StateFilter): Promise<boolean> => {
  await adapter.set('g', key, stored)
  try {
    return (await adapter.items({ groupId: 'g', filter: [filter] })).length === 1
  } catch {
    return false
  } finally {
    await adapter.clear('g')
  }
}
const ours = (key: string, stored: JsonValue, filter: StateFilter): boolean =>
  matchesFilters({ groupId: 'g', key, type: inferType(stored), value: stored }, [filter])

describe('the filters, beside the built-in ones', () => {
  it('match, for every operation that looks for something, exactly what Redis or memory matches', async () => {
    const filter = fc.record({
      valueKey: fc.oneof(valueKey, fc.constant('key')),
      operation: fc.constantFrom(...POSITIVE),
      value: text,
    })
    await fc.assert(
      fc.asyncProperty(text.filter(Boolean), value, filter, async (key, stored, wanted) => {
        const either = (await theirs(redis, key, stored, wanted)) || (await theirs(memory, key, stored, wanted))
        expect(ours(key, stored, wanted)).toBe(either)
      }),
      { numRuns: 400 },
    )
  })

  it('match, for every operation that excludes something, what Redis matches; in arrays, which it has no word for, what memory does', async () => {
    const filter = fc.record({ valueKey, operation: fc.constantFrom(...NEGATIVE), value: text })
    await fc.assert(
      fc.asyncProperty(value, filter, async (stored, wanted) => {
        const property =
          typeof stored === 'object' && stored !== null ? Reflect.get(stored, wanted.valueKey) : undefined
        const adapter = wanted.operation === 'notContains' && Array.isArray(property) ? memory : redis
        expect(ours('k', stored, wanted)).toBe(await theirs(adapter, 'k', stored, wanted))
      }),
      { numRuns: 400 },
    )
  })
})
