import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { unlistedCategory } from '../../../src/settings/categories.ts'
import { faultsOf, settingsOf, two } from './settings.ts'

const category = (name: string, policy: unknown = {}, env = two) =>
  settingsOf({ categories: { [name]: policy } }, env).categories.get(name)

const policyFaults = (policy: unknown, name = 'menu') => faultsOf({ categories: { [name]: policy } })

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

describe('a category', () => {
  it.each([
    ['auth', 'primary', 15 * minute, false, true, 'failover', false, true],
    ['orders', 'primary', hour, false, true, 'failover', 1000, false],
    ['notifications', 'primary', day, false, false, 'failover', 5000, true],
    ['analytics', 'primary', 7 * day, false, false, 'failover', false, false],
    ['user', 'secondary', 30 * minute, 10 * minute, false, 'failover', 5000, true],
    ['menu', 'secondary', 6 * hour, hour, false, 'failover', 30_000, false],
    ['ml', 'secondary', day, day, false, 'drop', minute, false],
    ['cache', 'secondary', hour, false, false, 'failover', 5000, false],
  ])('%s has its defaults', (name, instance, ttl, grace, mirror, onOutage, l1, sensitive) => {
    const expected = {
      name,
      instance,
      ttl,
      grace,
      mirror,
      onOutage,
      l1,
      sensitive,
      keyPrefix: `${name}:`,
      enumerable: true,
    }
    expect(settingsOf().categories.get(name)).toMatchObject(expected)
    // the same where it is only declared
    expect(category(name, {}, { ...two, REDIS_PRIMARY_TYPES: 'x', REDIS_SECONDARY_TYPES: 'y' })).toMatchObject(expected)
  })

  it("of the app's own has those of cache, and a home that stays", () => {
    const sessions = category('sessions')
    const { instance: home, name, keyPrefix, ...rest } = sessions ?? {}
    expect(settingsOf().categories.get('cache')).toMatchObject(rest)
    expect(['primary', 'secondary']).toContain(home)
    expect(keyPrefix).toBe('sessions:')
    expect(unlistedCategory(settingsOf(), 'sessions', `${home}`)).toEqual(sessions)
  })

  it('takes every field of its policy', () => {
    const schema = z.object({ id: z.string() })
    const policy = {
      instance: 'primary',
      ttl: '2h',
      jitter: 0.1,
      grace: false,
      negativeTtl: '5s',
      mirror: true,
      onOutage: 'fail-closed',
      standInTtl: 5000,
      l1: false,
      softTimeout: '100ms',
      hardTimeout: '5s',
      deadline: { read: 50, write: '3s' },
      maxBytes: 1000,
      compressAbove: 500,
      codec: 'keyv',
      sensitive: true,
      events: true,
      schema,
    }
    expect(category('menu', { ...policy, key: 'shop/<category>/<key>' })).toEqual({
      ...policy,
      name: 'menu',
      ttl: 2 * hour,
      negativeTtl: 5000,
      softTimeout: 100,
      hardTimeout: 5000,
      deadline: { read: 50, write: 3000 },
      keyPrefix: 'shop/menu/',
      enumerable: true,
    })
  })

  it('takes a schema of any library as it is, without freezing it', () => {
    const callable = Object.assign(() => true, {
      '~standard': { version: 1, vendor: 'x', validate: () => ({ value: 1 }) },
    })
    for (const schema of [z.string(), v.string(), callable]) {
      expect(category('menu', { schema })?.schema).toBe(schema)
      expect(Object.isFrozen(schema)).toBe(false)
    }
  })

  it('leaves out what is undefined', () => {
    expect(category('menu', { ttl: undefined, grace: undefined })).toEqual(category('menu'))
    expect(
      faultsOf({ namespace: undefined, categories: undefined, state: undefined, loaders: { x: undefined } }),
    ).toEqual([])
  })

  const times = "write milliseconds as a number, or '250ms' '30s' '10m' '6h' '7d'"
  it.each([
    [{ tll: '6h' }, "categories.menu: unknown option 'tll' (did you mean 'ttl'?)"],
    [{ colour: 'red' }, /^categories\.menu: unknown option 'colour'; known: instance, ttl, jitter,/],
    [{ __proto__: null, 'a\nb': 1 }, /^categories\.menu: unknown option; known/],
    [{ ttl: '10 parsecs' }, `categories.menu.ttl: '10 parsecs' is not a duration: ${times}`],
    [{ ttl: 0 }, 'categories.menu.ttl: 0 is too short: at least 1 (millisecond)'],
    [{ ttl: -1 }, 'categories.menu.ttl: -1 is too short: at least 1 (millisecond)'],
    [{ ttl: 1.5 }, 'categories.menu.ttl: 1.5 is not a whole number of milliseconds'],
    [{ ttl: Number.NaN }, `categories.menu.ttl: NaN is not a duration: ${times}`],
    [{ ttl: 1e15 }, "categories.menu.ttl: 1000000000000000 is too long: at most '365d'"],
    [{ ttl: null }, `categories.menu.ttl: null is not a duration: ${times}`],
    [{ ttl: false }, `categories.menu.ttl: false is not a duration: ${times}`],
    [{ grace: 0 }, 'categories.menu.grace: 0 is too short: at least 1 (millisecond); false turns it off'],
    [{ jitter: 10 }, 'categories.menu.jitter: write a share of the ttl from 0 to 0.5 (0.1 is 10 %)'],
    [{ mirror: 'yes' }, 'categories.menu.mirror: write true or false'],
    [{ onOutage: 'failopen' }, /^categories\.menu\.onOutage: write 'failover' or 'fail-closed' or 'drop'/],
    [{ hardTimeout: -5 }, 'categories.menu.hardTimeout: -5 is too short: at least 1 (millisecond)'],
    [{ hardTimeout: '30d' }, "categories.menu.hardTimeout: too long: at most '1d'"],
    [{ softTimeout: '11s' }, 'categories.menu: softTimeout is longer than hardTimeout (10000 ms); write a shorter one'],
    [
      { codec: 'json', negativeTtl: '1m' },
      "categories.menu: codec 'json' has no place for what negativeTtl needs; write negativeTtl: false, or leave codec out",
    ],
    [{ deadline: { raed: 5 } }, "categories.menu.deadline: unknown option 'raed' (did you mean 'read'?)"],
    [
      { deadline: { write: '4s' } },
      "categories.menu.deadline: write: too long: at most '3s', because an instance that is silent for longer counts as gone",
    ],
    [{ deadline: 50 }, 'categories.menu.deadline: write an object'],
    [{ maxBytes: 1024 * 1024 + 1 }, 'categories.menu.maxBytes: write a whole number from 1 to 1048576'],
    [
      { compressAbove: 0 },
      'categories.menu.compressAbove: write a whole number from 1 to 1048576, or false to turn it off',
    ],
    [{ codec: 'msgpack' }, "categories.menu.codec: write 'keyv' or 'json'"],
    [{ codec: 'json', compressAbove: 1 }, /^categories\.menu: codec 'json' is for others to read/],
    [{ codec: 'json', mirror: true }, /^categories\.menu: codec 'json' can't be mirrored/],
    [
      { onOutage: 'drop', mirror: true },
      /^categories\.menu: mirror keeps every write and onOutage 'drop' lets them go/,
    ],
    [{ schema: { id: 'string' } }, /^categories\.menu\.schema: write a Standard Schema/],
    [{ schema: null }, /^categories\.menu\.schema: write a Standard Schema/],
    [
      { instance: 'third' },
      "categories.menu.instance: instance 'third' is not configured; there is primary, secondary",
    ],
    [
      { instance: 'redis://:hunter2@x' },
      'categories.menu.instance: this instance is not configured; there is primary, secondary',
    ],
    [{ instance: 5 }, 'categories.menu.instance: write a text'],
    ['6h', 'categories.menu: write an object'],
    [null, 'categories.menu: write an object'],
  ])('with %j is a fault', (policy, fault) => {
    expect(policyFaults(policy)).toEqual([typeof fault === 'string' ? fault : expect.stringMatching(fault)])
  })

  it('that is mirrored by default must be unmirrored on purpose for codec json', () => {
    expect(policyFaults({ codec: 'json' }, 'orders')).toHaveLength(1)
    expect(policyFaults({ codec: 'json', mirror: false }, 'orders')).toEqual([])
  })

  it('has a well-formed name', () => {
    for (const name of ['Menu', '1st', 'a b', 'x'.repeat(33), '', 'constructor!', 'a:b']) {
      expect(policyFaults({}, name), name).toEqual([expect.stringMatching(/^categories: .*is no category name/)])
    }
    for (const name of ['constructor', 'x'.repeat(32), 'problem', 'a-1_b'])
      expect(policyFaults({}, name), name).toEqual([])
    expect(faultsOf({ categories: JSON.parse('{"__proto__":{}}') })).toEqual([
      expect.stringContaining('is no category name'),
    ])
  })

  it('with a bare number below a second as ttl is doubted once', () => {
    const settings = settingsOf({ categories: { menu: { ttl: 60 }, user: { ttl: '60ms' }, ml: { ttl: 1000 } } })
    expect(settings.warnings).toEqual(["categories.menu.ttl: 60 is 60 milliseconds; for seconds write '60s'"])
  })

  it('with keys of its own that are compressed is warned of once', () => {
    const own = { key: 'shop-<key>', compressAbove: 500 }
    const settings = settingsOf({
      categories: {
        menu: own,
        user: { ...own, key: 'u-<key>', compressAbove: false },
        ml: { compressAbove: 500 },
        cache: { key: '<namespace><category>:<key>', compressAbove: 500 },
      },
    })
    expect(settings.warnings).toEqual([
      expect.stringMatching(/^categories\.menu: other readers of its keys find nothing where a value is compressed/),
    ])
  })
})
