import { encodeValue } from '../codec/encode.js'
import type { Encoded } from '../codec/payload.js'
import { cacheError } from '../errors.js'
import type { EncodedWriteOptions, Lease, Stale } from './engine.js'
import { timerMs } from './timer.js'
import { within } from './within.js'

/** What a factory or a loader made of its key. */
export interface Produced {
  readonly value: unknown
  /** The value is answered, not stored. */
  readonly skip: boolean
  readonly options: EncodedWriteOptions
}

/**
 * Runs `produce` under a lease, for at most lease.hardTimeout, and ends the lease whatever happens. Answers what a
 * reader would now get, so that a miss and the next hit are equal. The producer's own error is rethrown as it is.
 */
export const compute = async (
  lease: Lease,
  operation: string,
  produce: (signal: AbortSignal) => Promise<Produced>,
): Promise<Encoded | undefined> => {
  const place = { operation, category: lease.category }
  let produced: Produced
  let value: Encoded | undefined
  try {
    produced = await withinTime(produce, lease.hardTimeout, place)
    if (produced.value !== undefined)
      value = await encodeValue(produced.value, (problem) => cacheError('CACHE_INVALID_VALUE', problem, place))
  } catch (error) {
    lease.fail(error)
    throw error
  }
  return produced.skip ? lease.skip(value) : lease.fill(value, produced.options)
}

/**
 * What was computed, or the stale value where that fails or takes longer. A failure that nobody gets is told by whoever
 * gave the lease.
 */
export const orStale = (
  computed: Promise<Encoded | undefined>,
  { value, patience }: Stale,
): Promise<Encoded | undefined> =>
  new Promise((resolve) => {
    const answerStale = (): void => resolve(value)
    const timer = patience > 0 ? setTimeout(answerStale, timerMs(patience)) : undefined
    if (timer === undefined) answerStale()
    computed.then(resolve, answerStale).finally(() => clearTimeout(timer))
  })

/**
 * A factory that asks for its own key can't be told from a caller beside it that may wait: that needs an
 * AsyncLocalStorage, which makes every later read from memory a quarter slower. So it is the error that says it.
 */
const withinTime = (
  produce: (signal: AbortSignal) => Promise<Produced>,
  ms: number,
  place: { operation: string; category: string },
): Promise<Produced> => {
  const controller = new AbortController()
  return within(ms, produce(controller.signal), () => {
    const error = cacheError(
      'CACHE_TIMEOUT',
      `hardTimeout: the value was not computed within the ${ms} ms it had; make the computation faster or hardTimeout longer, and don't ask for its own key in it: it would wait for itself`,
      place,
    )
    controller.abort(error)
    return error
  })
}
