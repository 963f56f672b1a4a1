import type { redisTiers as RedisTiers } from '../../types/index.js'
import type * as Client from '../motia/step/client.js'
import { isStepProcess } from '../motia/step/step-process.js'
import type * as Server from '../tiers.js'
import { load } from './load.js'

export type * from '../../types/index.js'

/**
 * What dist/index.js is: src/index.ts, of which nothing is loaded before the call, and in a step's process only the
 * client. An app's own modules that import this are imported by steps too.
 */
export const redisTiers: typeof RedisTiers = (options) =>
  isStepProcess()
    ? load<typeof Client>('./client.cjs').stepTiers()
    : load<typeof Server>('./server.cjs').redisTiers(options)
