import { describe, expect, it } from 'vitest'
import { broughtLine, hiddenHints, portOf, redisPlan } from '../../../scripts/start-options.ts'

describe('the port', () => {
  it.each([
    ['3000 by default', [], {}, 3000],
    ['PORT', [], { PORT: '4000' }, 4000],
    ['an empty PORT is none', [], { PORT: '' }, 3000],
    ['--port wins over PORT', ['--port', '5000'], { PORT: '4000' }, 5000],
    ['--port=N', ['--port=5000'], {}, 5000],
    ['-p N, as motia has it', ['-p', '5000'], {}, 5000],
    ['the highest one', ['--port', '43857'], {}, 43_857],
  ])('%s', (_name, args, env, port) => {
    expect(portOf(args, env)).toBe(port)
  })

  it.each(['0', '-1', '43858', '65536', 'abc', '30 00', '3000.5', '0x10', '1e3', ' 3000', '٣٠٠٠', 'NaN'])(
    'refuses %j',
    (text) => {
      expect(() => portOf([`--port=${text}`], {})).toThrow(
        `--port must be a number from 1 to 43857, not ${JSON.stringify(text)} (Motia also opens port + 21678)`,
      )
      expect(() => portOf([], { PORT: text })).toThrow(/^PORT must be a number/)
    },
  )

  it('refuses what it does not know', () => {
    const known = 'known: --port N (or -p N), as in npm start -- --port 3001'
    expect(() => portOf(['--prot', '3000'], {})).toThrow(`unknown option "--prot" (did you mean '--port'?); ${known}`)
    expect(() => portOf(['--verbose'], {})).toThrow(`unknown option "--verbose"; ${known}`)
    expect(() => portOf(['-x'], {})).toThrow(`unknown option "-x"`)
    expect(() => portOf(['3000'], {})).toThrow(`unexpected argument "3000"; ${known}`)
    expect(() => portOf(['--port'], {})).toThrow(`--port needs a number; ${known}`)
  })
})

describe('which Redis servers are brought along', () => {
  const all = { instances: true, motia: true }
  it.each([
    ['all where nothing is named', {}, all],
    ['all where names are empty, as in a copied .env.example', { REDIS_PRIMARY_URL: '', MOTIA_REDIS_HOST: '' }, all],
    ['no instance beside a given primary', { REDIS_PRIMARY_URL: 'redis://h' }, { instances: false, motia: true }],
    ['no instance beside a given secondary', { REDIS_SECONDARY_URL: 'redis://h' }, { instances: false, motia: true }],
    ['a URL without a list of categories is somebody else’s', { REDIS_QUEUE_URL: 'redis://h' }, all],
    [
      'no instance beside a further one',
      { REDIS_EU_URL: 'redis://h', REDIS_EU_TYPES: 'menu' },
      { instances: false, motia: true },
    ],
    ['no instance where data shall be in files', { MOTIA_REDIS_EMBEDDED: 'on' }, { instances: false, motia: true }],
    [
      'no instance in production, where none is an error',
      { NODE_ENV: 'production' },
      { instances: false, motia: true },
    ],
    ['Motia pointed at a host', { MOTIA_REDIS_HOST: 'h' }, { instances: true, motia: false }],
    ['Motia pointed at a port', { MOTIA_REDIS_PORT: '6379' }, { instances: true, motia: false }],
    ['Motia told to use what runs', { MOTIA_DISABLE_MEMORY_SERVER: 'true' }, { instances: true, motia: false }],
    ['our own settings do not point Motia anywhere', { MOTIA_REDIS_DIR: 'data', MOTIA_REDIS_NAMESPACE: 'x:' }, all],
  ])('%s', (_name, env, plan) => {
    expect(redisPlan(env)).toEqual(plan)
  })
})

describe('what is said of them', () => {
  const urls = { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1', REDIS_SECONDARY_URL: 'redis://127.0.0.1:2' }

  it('a slip that the brought URLs would hide is pointed out, without its value', () => {
    const env = { REDIS_PRIMARY_URI: 'redis://:hunter2@h', REDIS_URL: 'redis://:hunter2@h' }
    expect(hiddenHints(env, urls)).toEqual([
      'REDIS_PRIMARY_URI has no meaning here; did you mean REDIS_PRIMARY_URL?',
      'REDIS_URL is not read; write REDIS_PRIMARY_URL',
    ])
  })

  it('what the app itself will point out is left to it', () => {
    expect(hiddenHints({ REDIS_LOAD_BALANCE_STRATEGI: 'smart', REDIS_PRIMARY_URI: 'x' }, {})).toEqual([])
    expect(hiddenHints({ REDIS_LOAD_BALANCE_STRATEGI: 'smart' }, urls)).toEqual([])
  })

  const [primary, secondary, motia] = ['primary', 'secondary', 'motia'].map((name, i) => ({
    name,
    port: 7001 + i,
    pid: 41 + i,
  }))
  it.each([
    [
      [primary, secondary, motia],
      'brought 2 local Redis instances (primary on port 7001, pid 41; secondary on port 7002, pid 42) and a local Redis for Motia itself (port 7003)',
    ],
    [
      [primary, secondary],
      'brought 2 local Redis instances (primary on port 7001, pid 41; secondary on port 7002, pid 42)',
    ],
    [[motia], 'brought a local Redis for Motia itself (port 7003)'],
  ])('the servers that were brought, with their ports and processes (%#)', (servers, line) => {
    expect(broughtLine(servers.flatMap((server) => server ?? []))).toBe(line)
  })
})
