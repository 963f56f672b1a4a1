import type { RedisTiers } from '../../../types/index.js'
import { cacheError } from '../../errors.js'
import { stepSide } from './step-side.js'

export { isStepProcess } from './step-process.js'

/**
 * What redisTiers() is inside a step process, so that a step may import the app's own module that calls it: the cache
 * goes to the server process, nothing is opened, and what belongs to the server says so when it is used.
 */
export const stepTiers = <R extends object>(): RedisTiers<R> => {
  const { cache, redisService } = stepSide()
  return {
    cache: cache as unknown as RedisTiers<R>['cache'],
    redisService,
    state: serverState,
    plugin: () => onlyThere('plugin'),
    on: () => onlyThere('on'),
    health: () => onlyThere('health'),
    drill: async () => onlyThere('drill'),
    close: async () => onlyThere('close'),
  }
}

/** It may be mentioned (a step that imports motia.config.ts does), not used. */
const serverState = new Proxy({} as RedisTiers['state'], {
  get: (_target, name) =>
    typeof name === 'symbol' || name === 'then' ? undefined : async () => onlyThere(`state.${name}`),
})

const onlyThere = (operation: string): never => {
  throw cacheError('CACHE_UNAVAILABLE', `tiers.${operation} exists only in the server process`, {
    category: 'cache',
    operation,
  })
}
