import { describe, expect, it } from 'vitest'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { createHotView } from '../../../src/sight/hot.ts'
import { extrapolate, purposes } from '../../../src/sight/memory-sample.ts'
import { mayBeSensitive } from '../../../src/sight/raw-keys.ts'
import type { RedisTiersOptions } from '../../../types/index.ts'

const env = { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1', REDIS_SECONDARY_URL: 'redis://127.0.0.1:2' }
/** auth and notifications, which are sensitive, are at home on primary. */
const settingsOf = (options: RedisTiersOptions<Record<string, unknown>> = {}) =>
  readSettings(
    { legacyKeys: true, categories: { user: { sensitive: false } }, inferCategory: { 'session:': 'auth' }, ...options },
    { env, baseDir: '/', production: false },
  )

describe('a key of older code', () => {
  it.each([
    ['any key where a sensitive category is at home', 'primary', 'abc', true],
    ['a key that is taken for one of such a category', 'secondary', 'session:abc', true],
    ['another key', 'secondary', 'abc', false],
  ])('%s: %s %s', (_, instance, key, expected) => {
    expect(mayBeSensitive(settingsOf(), instance, key)).toBe(expected)
  })

  it('may be where what takes keys for something fails, and isn’t read without legacyKeys', () => {
    const fail = (): string => {
      throw new Error('no')
    }
    expect(mayBeSensitive(settingsOf({ inferCategory: fail }), 'secondary', 'abc')).toBe(true)
    expect(mayBeSensitive(settingsOf({ legacyKeys: false }), 'primary', 'session:abc')).toBe(false)
  })
})

describe('the largest keys', () => {
  const namesIn = async (legacyKeys: boolean): Promise<string[]> => {
    const settings = settingsOf({ legacyKeys })
    const drawn = ['session:abc', 'foreign', 'menu:soup'].map((key) => ({ key, type: 'string', bytes: 100 }))
    const view = createHotView({
      ...{ settings, now: Date.now, reads: { top: () => ({ since: 0, read: [] }) } },
      samples: async (instance) => ({
        ...extrapolate({ keys: drawn.length, drawn }, purposes(settings, instance)),
        sampledAt: 0,
      }),
    })
    return (await view()).largest.map(({ instance, key }) => `${instance} ${key}`).sort()
  }

  it('name none that may be one of a sensitive category', async () => {
    expect(await namesIn(true)).toEqual(['secondary foreign', 'secondary soup'])
    expect(await namesIn(false)).toContain('primary foreign')
  })
})
