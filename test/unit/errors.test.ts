import { describe, expect, it } from 'vitest'
import { requiredCategory } from '../../src/cache/arguments.ts'
import { cacheError, completeError, isCacheError } from '../../src/errors.ts'

const messageAt = (operation: string, category: string): string =>
  cacheError('CACHE_TIMEOUT', 'slow', { operation, category }).message

describe('the message of a CacheError', () => {
  it('begins with the call and its category', () => {
    expect(messageAt('get', 'menu')).toBe("cache.get in 'menu': slow")
    expect(messageAt('invalidateTags', 'cache')).toBe("cache.invalidateTags in 'cache': slow")
  })

  it('repeats no text that is no category name', () => {
    expect(messageAt('get', '')).toBe('cache.get: slow')
    expect(messageAt('get', 'Bearer hunter2\nforged line')).toBe('cache.get: slow')
  })

  it('says nothing of what is no method of the cache', () => {
    expect(messageAt('open', 'cache')).toBe('slow')
    expect(messageAt('toString', 'cache')).toBe('slow')
  })

  it('of a call that lacks its category names none', () => {
    const refused = (): unknown => requiredCategory('clear', undefined)
    expect(refused).toThrow(/^cache\.clear: it needs a category, e\.g\. \{ category: 'menu' \}$/)
  })

  it('that is complete already stays as it is', () => {
    const place = { operation: 'get', category: 'menu', applied: 'unknown' } as const
    const error = completeError('CACHE_TIMEOUT', "cache.get in 'menu': slow", place)
    expect(error).toMatchObject({ message: "cache.get in 'menu': slow", code: 'CACHE_TIMEOUT', ...place })
    expect(isCacheError(error)).toBe(true)
  })
})
