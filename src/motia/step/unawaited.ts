import { isCacheError } from '../../errors.js'
import { consoleReport } from '../../report.js'

let listening = false

/**
 * A call that the step doesn't await and that fails would end the step's process, and with it a result that is fine.
 * A failing cache must not do that: it is said instead. Everything else stays as Node does it. Only from the first
 * cache call on, so that a plain step is untouched.
 */
export const sayUnawaitedFailures = (): void => {
  if (listening) return
  listening = true
  process.on('unhandledRejection', onUnhandled)
}

const onUnhandled = (reason: unknown): void => {
  if (isCacheError(reason)) {
    consoleReport.warn(`a call that was not awaited has failed: ${reason.code} ${reason.message}`)
    return
  }
  if (process.listenerCount('unhandledRejection') > 1) return // the step's own listener decides
  process.off('unhandledRejection', onUnhandled)
  listening = false
  Promise.reject(reason)
}
