import { describe, expect, it } from 'vitest'
import { portOf, redisPlan } from '../../../scripts/start-options.ts'

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
        `--port must be a number from 1 to 43857, not ${JSON.stringify(text)}`,
      )
      expect(() => portOf([], { PORT: text })).toThrow(/^PORT must be a number/)
    },
  )

  it('refuses what it does not know', () => {
    expect(() => portOf(['--prot', '3000'], {})).toThrow(/--prot/)
    expect(() => portOf(['3000'], {})).toThrow(/3000/)
    expect(() => portOf(['--port'], {})).toThrow(/--port/)
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
    ['Motia pointed at a host', { MOTIA_REDIS_HOST: 'h' }, { instances: true, motia: false }],
    ['Motia pointed at a port', { MOTIA_REDIS_PORT: '6379' }, { instances: true, motia: false }],
    ['Motia told to use what runs', { MOTIA_DISABLE_MEMORY_SERVER: 'true' }, { instances: true, motia: false }],
    ['our own settings do not point Motia anywhere', { MOTIA_REDIS_DIR: 'data', MOTIA_REDIS_NAMESPACE: 'x:' }, all],
  ])('%s', (_name, env, plan) => {
    expect(redisPlan(env)).toEqual(plan)
  })
})
