import { describe, expect, it } from 'vitest'
import { faultsOf, homesOf, settingsOf, two } from './settings.ts'

describe('key patterns', () => {
  const keys = (patterns: Record<string, string>, env = two) =>
    faultsOf({ categories: Object.fromEntries(Object.entries(patterns).map(([name, key]) => [name, { key }])) }, env)

  it.each([
    ['<namespace><category>:<key>', 'shop:menu:'],
    ['be:<namespace>*{[<category>]}?\\<key>', 'be:shop:*{[menu]}?\\'],
    ['$&$1<key>', '$&$1'],
  ])('%s is the text %s before the key', (key, prefix) => {
    expect(settingsOf({ namespace: 'shop:', categories: { menu: { key } } }).categories.get('menu')?.keyPrefix).toBe(
      prefix,
    )
  })

  it.each([
    ['menu', '<key> must stand once and last'],
    ['<key>:x', '<key> must stand once and last'],
    ['<key><key>', '<key> must stand once and last'],
    ['<Key>', "knows <namespace>, <category> and <key> (did you mean 'key'?)"],
    ['<ctegory>:<key>', "(did you mean 'category'?)"],
    ['', '<key> must stand once and last'],
    [`${'x'.repeat(252)}<key>`, 'at most 256'],
    ['a\n<key>', 'printable'],
    ['\ud800<key>', 'printable'],
    ['~mr:x:<key>', 'where this package keeps its own'],
    ['~<key>', 'where this package keeps its own'],
  ])('%j is a fault', (key, fault) => {
    expect(keys({ menu: key })).toEqual([expect.stringMatching(/^categories\.menu\.key: /)])
    expect(keys({ menu: key })[0]).toContain(fault)
  })

  it("must not begin like another category's, on whatever instance", () => {
    expect(keys({ menu: 'a:<key>', auth: 'a:b:<key>' })).toEqual([
      'categories.menu.key: its keys begin like those of auth; give one of them other text before <key>',
    ])
    expect(keys({ menu: 'a:<key>', ml: 'a:<key>' })).toHaveLength(1)
    expect(keys({ menu: 'orders:<key>' })).toHaveLength(1)
    expect(keys({ menu: 'order<key>' })).toHaveLength(1)
    expect(keys({ menu: 'a<key>', x1: 'ab<key>', x2: 'abc<key>', x3: 'ac<key>' })).not.toEqual([])
    expect(keys({ menu: 'a:<key>', ml: 'b:<key>', user: 'aa:<key>' })).toEqual([])
  })

  it('may be <key> alone where it is the only category of its instance', () => {
    const env = { ...two, REDIS_EU_URL: 'redis://eu', REDIS_EU_TYPES: 'legacy' }
    expect(keys({ legacy: '<key>' }, env)).toEqual([])
    expect(keys({ menu: '<key>' })).toEqual([
      'categories.menu.key: a key without text before <key> needs an instance of its own, and secondary is home of user, ml, cache too',
    ])
    const settings = settingsOf({ categories: { legacy: { key: '<key>' } } }, env)
    expect(settings.categories.get('legacy')).toMatchObject({ keyPrefix: '', enumerable: false, instance: 'eu' })
  })

  it('an instance with <key> alone gets no category that is listed nowhere', () => {
    const env = { ...two, REDIS_PRIMARY_TYPES: 'auth,cache', REDIS_SECONDARY_TYPES: 'legacy' }
    const own = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`own${index}`, {}]))
    const settings = settingsOf({ categories: { legacy: { key: '<key>' }, ...own } }, env)
    expect(homesOf(settings).secondary).toBe('legacy')
    const unlistedCache = { ...env, REDIS_PRIMARY_TYPES: 'auth' }
    expect(homesOf(settingsOf({ categories: { legacy: { key: '<key>' } } }, unlistedCache))).toEqual({
      primary: 'auth cache',
      secondary: 'legacy',
    })
  })
})
