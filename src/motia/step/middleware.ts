import type { Cache } from '../../../types/index.js'
import { injection } from './injected.js'
import { startedStepSide } from './shared.js'

/**
 * Puts `cache` into the handler's context, and lets its result (or error) out when the cache calls it started have
 * ended: right after it the runner ends the process. Not an async function, so that the stack of the handler's error
 * shows no line of ours.
 */
export const withCache = (_input: unknown, context: object, next: () => unknown): unknown => {
  offerCache(context)
  let result: unknown
  try {
    result = next()
  } catch (error) {
    return Promise.reject(error).finally(drained)
  }
  return Promise.resolve(result).finally(drained)
}

/** An ordinary property from the first look on; a step that never looks doesn't load the client. */
const offerCache = (context: object): void => {
  const settle = (cache: unknown): void => {
    Object.defineProperty(context, 'cache', { value: cache, writable: true, enumerable: true, configurable: true })
  }
  const load = (): Cache => {
    const { cache } = startedStepSide() ?? injection.client().stepSide()
    settle(cache)
    return cache
  }
  Object.defineProperty(context, 'cache', { get: load, set: settle, enumerable: true, configurable: true })
}

const drained = (): Promise<void> | undefined => startedStepSide()?.drained()
