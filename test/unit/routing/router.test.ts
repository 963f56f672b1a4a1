import { describe, expect, it } from 'vitest'
import { isCacheError } from '../../../src/errors.ts'
import { createRouter, type Router } from '../../../src/routing/router.ts'
import { type Env, settingsOf, two } from '../settings/settings.ts'

const routerOf = (options: unknown = {}, env: Env = {}) => {
  const lines: string[] = []
  const settings = settingsOf(options, { ...two, ...env })
  return { router: createRouter(settings, (line) => lines.push(line)), lines, settings }
}

const errorOf = (router: Router, category: unknown, key = 'k') => {
  try {
    router.resolve(category as string, key, 'get')
  } catch (error) {
    if (isCacheError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('resolve', () => {
  it('takes the category named, else the one inferred from the key, else cache', () => {
    const { router } = routerOf({ inferCategory: { 'session:': 'auth' } })
    expect(router.resolve('menu', 'session:1', 'get').name).toBe('menu')
    expect(router.resolve(undefined, 'session:1', 'get').name).toBe('auth')
    expect(router.resolve(undefined, 'other', 'get').name).toBe('cache')
    expect(routerOf().router.resolve(undefined, 'k', 'get').name).toBe('cache')
  })

  it('answers the very same object each time, and says an unlisted name once', () => {
    const { router, lines, settings } = routerOf()
    expect(router.resolve('menu', 'k', 'get')).toBe(settings.categories.get('menu'))
    const first = router.resolve('meun', 'k', 'get')
    for (let i = 0; i < 10; i++) expect(router.resolve('meun', `k${i}`, 'set')).toBe(first)
    expect(lines).toEqual([expect.stringContaining("did you mean 'menu'?")])
  })

  it.each([
    ['Menu', "'Menu' is no category name"],
    ['', 'this is no category name'],
    ['__proto__', "'__proto__' is no category name"],
    ['a:b', 'this is no category name'],
    ['x'.repeat(100_000), 'this is no category name'],
    ['a\nb', 'this is no category name'],
    [null, 'null is no category name'],
    [5, 'a value of type number is no category name'],
    [{}, 'a value of type object is no category name'],
    [['menu'], 'a value of type object is no category name'],
    [Symbol('x'), 'a value of type symbol is no category name'],
  ])('refuses %s', (category, text) => {
    const { router, lines } = routerOf()
    for (let i = 0; i < 2; i++) {
      const error = errorOf(router, category)
      expect(error).toMatchObject({ code: 'CACHE_INVALID_OPTION', operation: 'get', category: '', applied: 'no' })
      expect(error.message).toContain(text)
      expect(error.message.length).toBeLessThan(200)
    }
    expect(lines).toEqual([])
  })

  it('takes names of Object.prototype for names like any other', () => {
    const { router } = routerOf()
    for (const name of ['constructor', 'valueof', 'has-own']) expect(router.resolve(name, 'k', 'get').name).toBe(name)
    const strict = routerOf({}, { REDIS_LOAD_BALANCE_STRATEGY: 'category' }).router
    expect(errorOf(strict, 'constructor').code).toBe('CACHE_UNKNOWN_CATEGORY')
  })

  it('under strategy category an unlisted name is an error that helps, each time', () => {
    const { router, lines } = routerOf({}, { REDIS_LOAD_BALANCE_STRATEGY: 'category' })
    for (let i = 0; i < 2; i++) {
      expect(errorOf(router, 'meun')).toMatchObject({
        code: 'CACHE_UNKNOWN_CATEGORY',
        category: 'meun',
        operation: 'get',
      })
      expect(errorOf(router, 'meun').message).toContain("did you mean 'menu'?")
    }
    expect(router.resolve(undefined, 'k', 'get').name).toBe('cache')
    expect(lines).toEqual([])
  })

  it("treats what an inferCategory function answers like a caller's word", () => {
    const answers: Record<string, unknown> = { a: 'menu', b: undefined, c: null, d: 'No!', e: 7 }
    const { router } = routerOf({
      inferCategory: (key: string) => {
        if (key === 'secret-key') throw new TypeError(`can't do ${key}`)
        return answers[key]
      },
    })
    expect(['a', 'b', 'c'].map((key) => router.resolve(undefined, key, 'get').name)).toEqual(['menu', 'cache', 'cache'])
    expect(errorOf(router, undefined, 'd').code).toBe('CACHE_INVALID_OPTION')
    expect(errorOf(router, undefined, 'e').code).toBe('CACHE_INVALID_OPTION')
    const thrown = errorOf(router, undefined, 'secret-key')
    expect(thrown).toMatchObject({
      code: 'CACHE_INVALID_OPTION',
      message: expect.stringContaining('inferCategory threw (TypeError)'),
    })
    expect(thrown.message).not.toContain('secret-key')
  })

  it('remembers 10,000 unlisted names at most, and stops naming them in the log', () => {
    const { router, lines } = routerOf()
    const first = router.resolve('n0', 'k', 'get')
    for (let i = 1; i < 10_000; i++) router.resolve(`n${i}`, 'k', 'get')
    expect(router.resolve('n0', 'k', 'get')).toBe(first)
    router.resolve('n10000', 'k', 'get')
    // pushed out: made anew, with the same content
    expect(router.resolve('n0', 'k', 'get')).not.toBe(first)
    expect(router.resolve('n0', 'k', 'get')).toEqual(first)
    expect(lines).toHaveLength(101)
    expect(lines.at(-1)).toBe('more than 100 unlisted categories; further ones are not named here')
  })
})
