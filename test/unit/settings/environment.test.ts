import { describe, expect, it } from 'vitest'
import { type Env, faultsOf, homesOf, settingsOf, two } from './settings.ts'

describe('instances', () => {
  it('are primary and secondary with their default lists', () => {
    const settings = settingsOf()
    expect(homesOf(settings)).toEqual({
      primary: 'auth orders notifications analytics',
      secondary: 'user menu ml cache',
    })
    expect(settings).toMatchObject({
      namespace: '',
      strategy: 'smart',
      legacyKeys: false,
      dir: '/app/.motia/redis',
      token: undefined,
      inject: true,
      deadlines: { read: undefined, write: undefined },
      state: { instance: 'primary', mirror: true, ttl: 604_800_000, onUnknown: 'error' },
      warnings: [],
    })
  })

  it("are named by a URL with TYPES; a URL alone is somebody else's", () => {
    const settings = settingsOf(
      {},
      {
        ...two,
        REDIS_EU_WEST_URL: 'rediss://three',
        REDIS_EU_WEST_TYPES: ' sessions, carts ,,sessions,',
        REDIS_BILLING_URL: 'not even a URL',
        REDIS_URL: 'redis://four',
      },
    )
    expect(homesOf(settings)).toEqual({
      primary: 'auth orders notifications analytics',
      secondary: 'user menu ml cache',
      eu_west: 'sessions carts',
    })
  })

  it('follow the lists of the environment', () => {
    const lists = { REDIS_PRIMARY_TYPES: 'menu,auth', REDIS_SECONDARY_TYPES: 'user' }
    const settings = settingsOf({ categories: { orders: {} } }, { ...two, ...lists })
    expect(settings.instances.map(({ types }) => types)).toEqual([['menu', 'auth'], ['user']])
    // a known name that is only declared goes where it goes by default; `cache` is always there
    expect(homesOf(settings)).toEqual({ primary: 'menu auth orders', secondary: 'user cache' })
  })

  it.each<[string, Env, string]>([
    ['only the primary', { REDIS_PRIMARY_URL: 'redis://one' }, 'primary'],
    ['only the secondary', { REDIS_SECONDARY_URL: 'redis://one' }, 'secondary'],
    ['only another', { REDIS_EU_URL: 'redis://one', REDIS_EU_TYPES: 'menu' }, 'eu'],
    ['an empty second URL', { REDIS_PRIMARY_URL: 'redis://one', REDIS_SECONDARY_URL: ' ' }, 'primary'],
  ])('one URL (%s) is home of everything, and says so', (_, env, name) => {
    const settings = settingsOf(
      { state: { instance: 'primary' }, categories: { user: { instance: 'secondary' } } },
      env,
    )
    expect(Object.keys(homesOf(settings))).toEqual([name])
    expect(homesOf(settings)[name]?.split(' ').sort()).toEqual(
      ['auth', 'orders', 'notifications', 'analytics', 'user', 'menu', 'ml', 'cache'].sort(),
    )
    expect(settings.state.instance).toBe(name)
    expect(settings.warnings).toEqual([
      `one Redis only: ${name} is home of every category and of state; files of this machine stand in for it`,
    ])
  })

  it('the list of an instance that is not there goes to the first one, but for what others list', () => {
    const env = { REDIS_PRIMARY_URL: 'redis://one', REDIS_EU_URL: 'redis://two', REDIS_EU_TYPES: 'menu,orders2' }
    expect(homesOf(settingsOf({}, env))).toEqual({
      primary: 'auth orders notifications analytics user ml cache',
      eu: 'menu orders2',
    })
  })

  it('without any URL both are embedded, loudly, unless this is production', () => {
    const settings = settingsOf({}, {})
    expect(settings.instances.map(({ name, url }) => [name, url])).toEqual([
      ['primary', undefined],
      ['secondary', undefined],
    ])
    expect(settings.warnings).toEqual([expect.stringMatching(/^NO REDIS.*\/app\/\.motia\/redis/)])
    expect(faultsOf({}, {}, true)).toEqual([
      'REDIS_PRIMARY_URL: not set; set it to redis://user:password@host:6379, or MOTIA_REDIS_EMBEDDED=on if this single server may keep its data in files',
    ])
    expect(settingsOf({}, { MOTIA_REDIS_EMBEDDED: 'on' }, true).warnings).toHaveLength(1)
    expect(faultsOf({}, { MOTIA_REDIS_EMBEDDED: 'off' })).toHaveLength(1)
    expect(faultsOf({}, { MOTIA_REDIS_EMBEDDED: '1' }, true)).toContain('MOTIA_REDIS_EMBEDDED: write on or off')
  })

  it.each<[Env, string]>([
    [
      { REDIS_PRIMARY_TYPES: 'auth,user', REDIS_SECONDARY_TYPES: 'menu,user' },
      "REDIS_PRIMARY_TYPES and REDIS_SECONDARY_TYPES: both list 'user'; a category has one home: remove it from one of them",
    ],
    [
      { REDIS_PRIMARY_TYPES: 'auth,user' },
      "REDIS_PRIMARY_TYPES and REDIS_SECONDARY_TYPES (its default): both list 'user'; set REDIS_SECONDARY_TYPES=menu,ml,cache",
    ],
    [{ REDIS_EU_TYPES: 'x' }, 'REDIS_EU_TYPES: REDIS_EU_URL is not set; set it, or remove REDIS_EU_TYPES'],
    [
      { REDIS_PRIMARY_TYPES: ',' },
      'REDIS_PRIMARY_TYPES: lists no category; write names with commas between, as in user,menu',
    ],
    [
      { REDIS_PRIMARY_TYPES: 'Auth' },
      "REDIS_PRIMARY_TYPES: 'Auth' is no category name: a category name is a lower-case letter, then up to 31 of a-z 0-9 _ - (did you mean 'auth'?)",
    ],
    [
      { REDIS_PRIMARY_TYPES: 'auth;orders' },
      'REDIS_PRIMARY_TYPES: this is no category name: a category name is a lower-case letter, then up to 31 of a-z 0-9 _ -',
    ],
    [
      { REDIS_SECONDARY_URL: 'redis://ONE:6379/0' },
      'REDIS_PRIMARY_URL and REDIS_SECONDARY_URL: are the same server; give each its own, or set only one of them',
    ],
    [
      { REDIS_PRIMARY_URL: 'redis://localhost', REDIS_SECONDARY_URL: 'redis://127.0.0.1' },
      'REDIS_PRIMARY_URL and REDIS_SECONDARY_URL: are the same server; give each its own, or set only one of them',
    ],
    [
      { REDIS_EMBEDDED_URL: 'redis://e', REDIS_EMBEDDED_TYPES: 'x' },
      "REDIS_EMBEDDED_URL: an instance can't be called embedded; choose another name",
    ],
    [
      { REDIS_LOAD_BALANCE_STRATEGY: 'Smart' },
      "REDIS_LOAD_BALANCE_STRATEGY: write 'smart' or 'category' or 'primary' (did you mean 'smart'?)",
    ],
    [{ MOTIA_REDIS_INJECT: 'false' }, 'MOTIA_REDIS_INJECT: write on or off'],
    [
      { MOTIA_REDIS_PANEL: 'readonly' },
      "MOTIA_REDIS_PANEL: write 'on' or 'off' or 'read-only' (did you mean 'read-only'?)",
    ],
    [
      { MOTIA_REDIS_STATE_INSTANCE: 'secundary' },
      "MOTIA_REDIS_STATE_INSTANCE: instance 'secundary' is not configured (did you mean 'secondary'?); there is primary, secondary",
    ],
    [{ MOTIA_REDIS_NAMESPACE: 'shop' }, "MOTIA_REDIS_NAMESPACE: it must end in ':', '/' or '.'; write 'shop:'"],
    [
      { MOTIA_REDIS_NAMESPACE: 'café:' },
      "MOTIA_REDIS_NAMESPACE: write up to 63 of A-Z a-z 0-9 . _ : / -, the last one ':', '/' or '.', as in 'shop:'",
    ],
    [{ MOTIA_REDIS_DEADLINE_READ: '0' }, 'MOTIA_REDIS_DEADLINE_READ: 0 is too short: at least 1 (millisecond)'],
    [
      { MOTIA_REDIS_DEADLINE_WRITE: '3001' },
      "MOTIA_REDIS_DEADLINE_WRITE: too long: at most '3s', because an instance that is silent for longer counts as gone",
    ],
    [{ MOTIA_REDIS_PROBE_MS: '99' }, "MOTIA_REDIS_PROBE_MS: too short: at least '100ms'"],
    [{ MOTIA_REDIS_PROBE_MS: '2m' }, "MOTIA_REDIS_PROBE_MS: too long: at most '1m'"],
    [{ MOTIA_REDIS_EMBEDDED: 'yes' }, 'MOTIA_REDIS_EMBEDDED: write on or off'],
    [{ MOTIA_REDIS_DIR: 'a\0b' }, 'MOTIA_REDIS_DIR: write a path, as in .motia/redis'],
  ])('fault: %j', (env, fault) => {
    expect(faultsOf({}, { ...two, ...env })).toEqual([fault])
  })

  it('takes another database of the same server for another instance until the servers are asked', () => {
    expect(faultsOf({}, { REDIS_PRIMARY_URL: 'redis://one/0', REDIS_SECONDARY_URL: 'redis://one/1' })).toEqual([])
  })
})

describe('the other variables', () => {
  it('are read', () => {
    const settings = settingsOf(
      {},
      {
        ...two,
        REDIS_LOAD_BALANCE_STRATEGY: 'primary',
        MOTIA_REDIS_STATE_INSTANCE: 'secondary',
        MOTIA_REDIS_NAMESPACE: 'shop:',
        MOTIA_REDIS_DIR: '/data/redis',
        MOTIA_REDIS_TOKEN: 'hunter2',
        MOTIA_REDIS_PANEL: 'read-only',
        MOTIA_REDIS_METRICS: 'public',
        MOTIA_REDIS_INJECT: 'off',
        MOTIA_REDIS_DEADLINE_READ: '50',
        MOTIA_REDIS_DEADLINE_WRITE: '1s',
        MOTIA_REDIS_PROBE_MS: '10000',
      },
    )
    expect(settings).toMatchObject({
      strategy: 'primary',
      namespace: 'shop:',
      dir: '/data/redis',
      panel: 'read-only',
      publicMetrics: true,
      inject: false,
      deadlines: { read: 50, write: 1000 },
      probeEvery: 10_000,
      state: { instance: 'secondary' },
    })
    expect(settings.token?.reveal()).toBe('hunter2')
    expect(homesOf(settings)).toEqual({
      primary: 'auth orders notifications analytics user menu ml cache',
      secondary: '',
    })
    expect(settings.categories.get('auth')?.keyPrefix).toBe('shop:auth:')
  })

  it('give way to the options', () => {
    const options = { namespace: 'b.', state: { instance: 'secondary' }, categories: { menu: { instance: 'primary' } } }
    const env = { ...two, MOTIA_REDIS_NAMESPACE: 'a:', MOTIA_REDIS_STATE_INSTANCE: 'nowhere' }
    expect(settingsOf(options, env)).toMatchObject({ namespace: 'b.', state: { instance: 'secondary' } })
    expect(settingsOf(options, env).categories.get('menu')?.instance).toBe('primary')
    expect(settingsOf({ ...options, namespace: '' }, env).namespace).toBe('')
    expect(settingsOf({ env: { REDIS_PRIMARY_URL: 'redis://x' } }).instances.map(({ url }) => `${url}`)).toEqual([
      'redis://x:6379/0',
    ])
  })

  it("that look like a slip are pointed out; Motia's own and other people's are not", () => {
    const env = {
      REDIS_PRIMARY_URI: 'hunter2',
      MOTIA_REDIS_HOST: 'x',
      REDIS_CLUSTER: 'y',
      MOTIA_REDIS_PORT: '1',
    }
    expect(settingsOf({}, env).warnings).toEqual([
      expect.stringContaining('NO REDIS'),
      'REDIS_PRIMARY_URI has no meaning here; did you mean REDIS_PRIMARY_URL?',
    ])
  })

  it('that begin as ours do are ours, and one that is a URL is never taken for anything else', () => {
    const env = { ...two, MOTIA_REDIS_URL: 'redis://x', MOTIA_REDIS_DEADLINE: '5', MOTIA_REDIS_TOKN: 'a' }
    expect(settingsOf({}, env).warnings).toEqual([
      'MOTIA_REDIS_URL has no meaning here',
      'MOTIA_REDIS_DEADLINE has no meaning here',
      'MOTIA_REDIS_TOKN has no meaning here; did you mean MOTIA_REDIS_TOKEN?',
    ])
  })

  it.each([
    'MOTIA_REDIS_URL',
    'REDIS_HOST',
    'REDIS_MAIN_URL',
    'UPSTASH_REDIS_URL',
    'REDIS_URL_PRIMARY',
    'REDIS_TLS_URL',
  ])('of which none names an instance: %s may be meant to', (name) => {
    expect(settingsOf({}, { [name]: 'redis://:hunter2@h' }).warnings).toEqual([
      expect.stringContaining('NO REDIS'),
      `${name} is not read; write REDIS_PRIMARY_URL`,
    ])
  })

  it('of which some are missing: a likely slip is named with the faults, for it may be the reason', () => {
    expect(faultsOf({}, { REDIS_PRIMARY_URI: 'redis://:hunter2@h' }, true)).toEqual([
      expect.stringMatching(/^REDIS_PRIMARY_URL: not set/),
      'REDIS_PRIMARY_URI has no meaning here; did you mean REDIS_PRIMARY_URL?',
    ])
  })

  it('like a lone REDIS_URL are pointed out, unless there is an instance or none is wanted', () => {
    const hint = 'REDIS_URL is not read; write REDIS_PRIMARY_URL'
    const lone = { REDIS_URL: 'redis://:hunter2@h' }
    expect(settingsOf({}, lone).warnings).toEqual([expect.stringContaining('NO REDIS'), hint])
    expect(faultsOf({}, lone, true)).toEqual([expect.stringContaining('not set'), hint])
    expect(settingsOf({}, { ...lone, REDIS_QUEUE_URL: 'redis://q' }).warnings).toContain(hint)
    expect(settingsOf({}, { ...lone, REDIS_EU_URL: 'redis://e', REDIS_EU_TYPES: 'menu' }).warnings).not.toContain(hint)
    expect(settingsOf({}, { ...lone, ...two }).warnings).toEqual([])
    expect(settingsOf({}, { ...lone, MOTIA_REDIS_EMBEDDED: 'on' }).warnings).not.toContain(hint)
  })

  it('warn of plain redis:// to another machine in production', () => {
    const env = { REDIS_PRIMARY_URL: 'redis://:hunter2@one', REDIS_SECONDARY_URL: 'redis://127.0.0.1' }
    expect(settingsOf({}, env, true).warnings).toEqual([
      'primary: redis:// sends password and data unencrypted; use rediss:// where the server offers TLS',
    ])
    expect(settingsOf({}, env).warnings).toEqual([])
    expect(settingsOf({}, { ...env, REDIS_PRIMARY_URL: 'rediss://:hunter2@one' }, true).warnings).toEqual([])
  })
})

describe('a listed name that is nearly a known one', () => {
  const meant = (list: string, name: string, near: string): string =>
    `${list}: '${name}' is taken for a category of your own; did you mean '${near}'? ` +
    `(If not, declare ${name} in categories.)`

  it('is pointed out and stays a category', () => {
    const env = { ...two, REDIS_PRIMARY_TYPES: 'auth,ordes,analytics', REDIS_SECONDARY_TYPES: 'usr,menu' }
    const settings = settingsOf(
      { categories: { prices: {} } },
      { ...env, REDIS_EU_URL: 'redis://e', REDIS_EU_TYPES: 'price' },
    )
    expect(settings.warnings).toEqual([
      meant('REDIS_PRIMARY_TYPES', 'ordes', 'orders'),
      meant('REDIS_SECONDARY_TYPES', 'usr', 'user'),
      meant('REDIS_EU_TYPES', 'price', 'prices'),
    ])
    expect(settings.categories.has('ordes')).toBe(true)
  })

  it.each<[string, string, object]>([
    ['when the known one is listed too', 'user,users', {}],
    ['when it is declared', 'users', { categories: { users: {} } }],
    ['when it is two slips away', 'offers,carts', {}],
    ['when only a very short one is near', 'ms,m', {}],
  ])('is not, %s', (_, list, options) => {
    expect(settingsOf(options, { ...two, REDIS_PRIMARY_TYPES: '', REDIS_SECONDARY_TYPES: list }).warnings).toEqual([])
  })
})
