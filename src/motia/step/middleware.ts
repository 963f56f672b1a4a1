import { consoleReport } from '../../report.js'
import { stepSide } from './step-side.js'

/** How long calls that the handler didn't await may hold up its result. */
const DRAIN_LIMIT = 5_000

/**
 * Puts `cache` into the handler's context, and lets its result (or error) out when the cache calls it started have
 * ended: right after it the runner ends the process. Not an async function, so that the stack of the handler's error
 * shows no line of ours.
 */
export const withCache = (_input: unknown, context: object, next: () => unknown): unknown => {
  Object.assign(context, { cache: stepSide().cache })
  let result: unknown
  try {
    result = next()
  } catch (error) {
    return Promise.reject(error).finally(drained)
  }
  return Promise.resolve(result).finally(drained)
}

const drained = (): Promise<void> | undefined => {
  const { outstanding } = stepSide()
  if (outstanding.count() === 0) return undefined
  return outstanding.drain(DRAIN_LIMIT).then((left) => {
    if (left > 0)
      consoleReport.warn(`${left} cache calls of this step had not ended ${DRAIN_LIMIT} ms after its handler`)
  })
}
