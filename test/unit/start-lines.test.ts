import { describe, expect, it } from 'vitest'
import type { Landscape } from '../../src/failover/landscape.ts'
import type { Instance } from '../../src/instances/instance.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import { consequence, gainsLine, standInOf } from '../../src/start-lines.ts'

const env = {
  REDIS_PRIMARY_URL: 'redis://127.0.0.1:1',
  REDIS_SECONDARY_URL: 'redis://127.0.0.1:2',
  REDIS_THIRD_URL: 'redis://127.0.0.1:3',
  REDIS_PRIMARY_TYPES: 'auth,analytics,stock,ml',
  REDIS_SECONDARY_TYPES: 'user',
  REDIS_THIRD_TYPES: 'menu',
}
const settings = readSettings(
  { categories: { auth: { mirror: true }, stock: { onOutage: 'fail-closed' } } },
  { env, baseDir: '/', production: false },
)

/** Three instances, of which these can serve; what is mirrored on primary lies on secondary, too. */
const landscape = (able: readonly string[], files = true) => {
  const instance = (name: string) => ({ name, readable: () => able.includes(name) }) as Instance
  return {
    standInsOf: () => able.map(instance),
    mirrorOf: () => instance('secondary'),
    journal: files ? ({} as Landscape['journal']) : undefined,
    lastResort: files ? ({} as Landscape['lastResort']) : undefined,
  }
}
const of = (able: readonly string[], files = true): string =>
  consequence(settings, 'primary', (mirrored) => standInOf(landscape(able, files), 'primary', mirrored))

describe('what is said of an instance that is away', () => {
  const known = 'state: as far as this server knows it'
  const rest = 'unavailable until it is back: stock; not kept until it is back: ml'

  it('names what serves what: mirrored categories and state lie on one other instance only', () => {
    expect(of(['secondary', 'third'])).toBe(`secondary stands in for auth analytics, state; ${rest}`)
    expect(of(['third'])).toBe(
      `the embedded store stands in for auth; third stands in for analytics; ${known}; ${rest}`,
    )
    expect(of([])).toBe(`the embedded store stands in for auth analytics; ${known}; ${rest}`)
  })

  it('without a folder, what only an instance could serve is unavailable', () => {
    expect(of(['third'], false)).toBe(
      'third stands in for analytics; unavailable until it is back: auth stock; not kept until it is back: ml',
    )
    expect(of([], false)).toBe('unavailable until it is back: auth analytics stock; not kept until it is back: ml')
  })
})

describe('what is said of what the app gets', () => {
  it('names only what is there, and nothing where nothing is', () => {
    expect(gainsLine(true, 'Cache')).toBe('context.cache is in every step; Workbench tab "Cache"')
    expect(gainsLine(true, undefined)).toBe('context.cache is in every step')
    expect(gainsLine(false, 'Cache')).toBe('Workbench tab "Cache"')
    expect(gainsLine(false, undefined)).toBeUndefined()
  })
})
