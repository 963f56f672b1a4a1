import { createRequire } from 'node:module'
import type { redisTiers as RedisTiers } from '../../types/index.js'
import type * as Client from '../motia/step/client.js'
import { isStepProcess } from '../motia/step/step-process.js'
import type * as Server from '../tiers.js'

export type * from '../../types/index.js'

/**
 * What dist/index.js is: src/index.ts, of which nothing is loaded before the call, and in a step's process only the
 * client. An app's own modules that import this are imported by steps too.
 */
export const redisTiers: typeof RedisTiers = (options) => {
  // At once, because it answers at once: an import would have to be awaited.
  const load = createRequire(import.meta.url)
  if (isStepProcess()) return (load('./client.cjs') as typeof Client).stepTiers()
  return (load('./server.cjs') as typeof Server).redisTiers(options)
}
