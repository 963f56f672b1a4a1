import { createCacheClient } from '../../../src/cache/client.ts'
import { createEmitter } from '../../../src/events.ts'
import { openTiers } from '../../../src/open.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { until } from '../../support/until.ts'

/** One server of several. It is told what its callers want, and tells each computation and how all of them ended. */
export interface Order {
  readonly key: string
  readonly category: string
  readonly callers: number
  /** What the factory does. */
  readonly how: 'answer' | 'throw'
  /** ms it takes. */
  readonly ms: number
}
/** Tell when your instances are all there, or when one is known to be away. */
export interface Wait {
  readonly until: 'ok' | 'degraded'
}
export type Told =
  | { readonly ready: true }
  /** Epoch ms. `ended` once it has. */
  | { readonly computing: { readonly began: number; readonly ended?: number } }
  | { readonly done: readonly string[] }

/** Set by the tests, as the environment of a server is. */
const env = JSON.parse(process.argv[2] ?? '{}')
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const settings = readSettings({}, { env, baseDir: env.MOTIA_REDIS_DIR, production: false })
const tiers = openTiers(settings, { report: quiet, events: createEmitter(quiet) })
const cache = createCacheClient(tiers.engine)
const tell = (told: Told): void => {
  process.send?.(told)
}

const ask = async ({ key, category, how, ms }: Order): Promise<string> => {
  try {
    const factory = async (): Promise<string> => {
      const began = Date.now()
      tell({ computing: { began } })
      await new Promise((resolve) => setTimeout(resolve, ms))
      tell({ computing: { began, ended: Date.now() } })
      if (how === 'throw') throw new Error('the source is away')
      return `made by ${process.pid}`
    }
    return String(await cache.getOrSet(key, factory, { category }))
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

process.on('message', async (order: Order | Wait) => {
  if ('until' in order) {
    await until(order.until, () => tiers.health().status === order.until, 30_000)
    return tell({ ready: true })
  }
  tell({ done: await Promise.all(Array.from({ length: order.callers }, () => ask(order))) })
})
process.on('disconnect', () => process.exit())
await tiers.start()
tell({ ready: true })
