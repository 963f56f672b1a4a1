import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { createCacheClient } from '../../../src/cache/client.ts'
import { createEmitter } from '../../../src/events.ts'
import { type OpenTiers, openTiers } from '../../../src/open.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { Cache, CategoryPolicy, HealthReport } from '../../../types/index.ts'
import { testFolder } from '../../support/folder.ts'
import { patientEnv } from '../../support/patience.ts'
import { until } from '../../support/until.ts'

export interface Ground {
  readonly tiers: OpenTiers
  readonly cache: Cache
  /** Lines at level warn or error. */
  readonly said: readonly string[]
  tracking(instance: string): HealthReport['instances'][number]['tracking'] | undefined
  /** Where the next read of it comes from. Undefined: there is nothing. */
  source(key: string, category: string): Promise<string | undefined>
  /** Until a read of it comes from memory. */
  held(key: string, category: string): Promise<void>
}

export interface GroundOptions {
  readonly primary: string
  readonly secondary?: string
  readonly categories?: Record<string, CategoryPolicy>
  readonly env?: Readonly<Record<string, string>>
}

/** Tiers of one test, closed after it. */
export const openGround = ({ primary, secondary, categories = {}, env }: GroundOptions): Ground => {
  const settings = readSettings(
    { categories: categories as Record<string, never> },
    {
      env: {
        REDIS_PRIMARY_URL: primary,
        ...(secondary === undefined ? {} : { REDIS_SECONDARY_URL: secondary }),
        MOTIA_REDIS_DIR: testFolder(),
        ...patientEnv,
        ...env,
      },
      baseDir: testFolder(),
      production: false,
    },
  )
  const said: string[] = []
  const say = (line: string): void => void said.push(line)
  const report = { info: () => undefined, warn: say, error: say }
  const tiers = openTiers(settings, { report, events: createEmitter(report) })
  onTestFinished(() => tiers.close())
  const cache = createCacheClient(tiers.engine)
  const source: Ground['source'] = async (key, category) => (await cache.getEntry(key, { category }))?.source
  return {
    tiers,
    cache,
    said,
    source,
    tracking: (name) => tiers.health().instances.find((instance) => instance.name === name)?.tracking,
    held: async (key, category) => {
      await until(`${key} is held`, async () => (await source(key, category)) === 'l1')
    },
  }
}

/** A client of somebody else's. */
export const foreigner = (url: string): Redis => {
  const client = new Redis(url)
  client.on('error', () => undefined) // its server goes away on purpose
  onTestFinished(() => client.disconnect())
  return client
}

/** An entry as anybody writes it. */
export const envelope = (value: unknown, life = 60_000): string => JSON.stringify({ value, expires: Date.now() + life })
