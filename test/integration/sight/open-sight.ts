import { onTestFinished } from 'vitest'
import { createCacheClient } from '../../../src/cache/client.ts'
import { createEmitter } from '../../../src/events.ts'
import { type Front, openTiers } from '../../../src/open.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { RedisTiersOptions } from '../../../types/index.ts'
import { testFolder } from '../../support/folder.ts'
import { patientEnv } from '../../support/patience.ts'

const report = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** Tiers of one test and what is to be seen of them. Closed after the test, or by `close`. */
export const openSight = async (
  env: Readonly<Record<string, string>>,
  options: RedisTiersOptions<Record<string, unknown>> = {},
  front?: Front,
) => {
  const all = { MOTIA_REDIS_DIR: testFolder(), ...patientEnv, ...env }
  const settings = readSettings(options, { env: all, baseDir: '/', production: false })
  const events = createEmitter(report)
  const tiers = openTiers(settings, { report, events, ...(front && { front: () => front }) })
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= tiers.close()
    return closing
  }
  onTestFinished(close)
  await tiers.start()
  return { tiers, cache: createCacheClient(tiers.engine), sight: await tiers.sight(), close }
}

export const twoUrls = (primary: { url: string }, secondary: { url: string }) => ({
  REDIS_PRIMARY_URL: primary.url,
  REDIS_SECONDARY_URL: secondary.url,
})
