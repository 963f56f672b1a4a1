import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultsOf, settingsOf, two } from './settings.ts'

describe('the other options', () => {
  it.each<[unknown, string | RegExp]>([
    ['x', 'options: write an object'],
    [null, 'options: write an object'],
    [{ catgories: {} }, "options: unknown option 'catgories' (did you mean 'categories'?)"],
    [{ url: 'redis://:hunter2@x' }, /^options: unknown option 'url'; known: env, namespace,/],
    [{ categories: [] }, /^categories: write an object/],
    [{ namespace: 5 }, /^namespace: write up to 63/],
    [{ namespace: `${'x'.repeat(63)}:` }, /^namespace: write up to 63/],
    [{ legacyKeys: 1 }, 'legacyKeys: write true or false'],
    [{ state: { ttl: 0 } }, 'state.ttl: 0 is too short: at least 1 (millisecond); false turns it off'],
    [
      { state: { instance: 'primry' } },
      "state.instance: instance 'primry' is not configured (did you mean 'primary'?); there is primary, secondary",
    ],
    [{ state: { instance: null } }, "state.instance: write an instance's name, as in 'primary'"],
    [{ state: { onUnknown: 'undefined' } }, "state.onUnknown: write 'error' or 'null'"],
    [{ state: { mirrors: true } }, "state: unknown option 'mirrors' (did you mean 'mirror'?)"],
    [{ state: true }, 'state: write an object'],
    [{ loaders: { meun: () => 1 } }, "loaders: 'meun' is no category (did you mean 'menu'?); declare it in categories"],
    [{ loaders: { menu: 5 } }, /^loaders: every loader must be a function/],
    [{ loaders: [] }, /^loaders: write an object/],
    [
      { inferCategory: { 'm:': 'meun' } },
      "inferCategory: 'meun' is no category (did you mean 'menu'?); declare it in categories",
    ],
    [{ inferCategory: { 'm:': 5 } }, /^inferCategory: write key prefixes/],
    [{ inferCategory: 'menu' }, /^inferCategory: write key prefixes/],
    [{ env: { REDIS_PRIMARY_URL: 5 } }, 'env: every value must be a text or undefined'],
    [{ env: null }, 'env: write an object like process.env'],
  ])('%j is a fault', (options, fault) => {
    expect(faultsOf(options)).toEqual([typeof fault === 'string' ? fault : expect.stringMatching(fault)])
  })

  it('are read', () => {
    const menu = async () => 1
    const settings = settingsOf({
      loaders: { menu },
      legacyKeys: true,
      inferCategory: { 'm:': 'menu', 'm:u:': 'user', '': 'ml' },
      state: { ttl: false, mirror: false, onUnknown: 'null', instance: 'secondary' },
    })
    expect(settings.loaders.get('menu')).toBe(menu)
    expect(settings.legacyKeys).toBe(true)
    expect(['m:1', 'm:u:1', 'x', '__proto__'].map(settings.inferCategory)).toEqual(['menu', 'user', 'ml', 'ml'])
    expect(settings.state).toEqual({ ttl: false, mirror: false, onUnknown: 'null', instance: 'secondary' })
    expect(settingsOf({ inferCategory: { 'm:': 'menu' } }).inferCategory('x')).toBeUndefined()
  })

  it('say where strategy primary leaves an instance without effect', () => {
    const env = { ...two, REDIS_LOAD_BALANCE_STRATEGY: 'primary' }
    expect(settingsOf({ categories: { menu: { instance: 'secondary' } } }, env).warnings).toEqual([
      'strategy primary: everything is on primary; the instance named for menu has no effect',
    ])
  })
})

describe('readSettings', () => {
  it('collects every fault in one error that repeats no secret', () => {
    const env = {
      REDIS_PRIMARY_URL: 'redis://app:hunter2#x@one',
      REDIS_SECONDARY_URL: 'hunter2',
      REDIS_PRIMARY_TYPES: 'redis://:hunter2@x,user',
      REDIS_LOAD_BALANCE_STRATEGY: 'redis://:hunter2@x',
      MOTIA_REDIS_STATE_INSTANCE: 'redis://:hunter2@x',
      MOTIA_REDIS_NAMESPACE: 'redis://:hunter2@x',
      MOTIA_REDIS_DEADLINE_READ: 'redis://:hunter2@x',
      MOTIA_REDIS_INJECT: 'hunter2',
      MOTIA_REDIS_DIR: 'hunter2\0',
    }
    const secret = 'redis://:hunter2@x'
    const options = {
      [secret]: 1,
      categories: { menu: { ttl: secret, key: secret, instance: secret, codec: secret, [secret]: 1 }, [secret]: {} },
      loaders: { [secret]: () => 1 },
      inferCategory: { x: secret },
    }
    const faults = faultsOf(options, env)
    expect(faults.length).toBeGreaterThanOrEqual(18)
    expect(faults.join('\n')).not.toContain('hunter2')
    expect(new Set(faults).size).toBe(faults.length)
  })

  it('answers whatever it is given with settings or with faults, never with another error', () => {
    const junk = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    })
    const fields = ['env', 'namespace', 'loaders', 'inferCategory', 'legacyKeys', 'state']
    const policy = fc.dictionary(
      fc.constantFrom('ttl', 'grace', 'key', 'instance', 'schema', 'deadline', 'codec', 'jitter'),
      junk,
    )
    const options = fc.oneof(
      junk,
      fc.dictionary(fc.constantFrom(...fields), junk),
      fc.record({
        categories: fc.dictionary(fc.constantFrom('menu', 'own', 'Bad', '__proto__'), fc.oneof(policy, junk)),
      }),
    )
    let refused = 0
    fc.assert(
      fc.property(options, (given) => {
        if (faultsOf(given).length > 0) refused += 1
      }),
      { numRuns: 500 },
    )
    expect(refused).toBeGreaterThan(100)
  })

  it('is immutable to the bottom', () => {
    const settings = settingsOf({ categories: { menu: { deadline: { read: 5 } } } })
    const menu = settings.categories.get('menu')
    for (const part of [
      settings,
      settings.instances,
      settings.instances[0],
      settings.instances[0]?.types,
      settings.state,
      settings.deadlines,
      settings.warnings,
      menu,
      menu?.deadline,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    for (const map of [settings.categories, settings.loaders] as unknown as Map<string, unknown>[]) {
      expect(() => map.set('x', 1)).toThrow('immutable')
      expect(() => map.delete('menu')).toThrow('immutable')
      expect(() => map.clear()).toThrow('immutable')
    }
    expect([...settings.categories.keys()]).toContain('menu')
  })

  it("doesn't touch what it was given", () => {
    const options = Object.freeze({
      categories: Object.freeze({ menu: Object.freeze({ ttl: '1h' }) }),
      state: Object.freeze({}),
    })
    const env = Object.freeze({ ...two })
    expect(settingsOf(options, env)).toBeDefined()
  })
})
