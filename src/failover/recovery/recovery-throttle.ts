import { setImmediate, setTimeout } from 'node:timers/promises'

/** Rejects once `signal` is aborted. Keeps no process alive. */
export const waitFor = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal, ref: false })

export type Throttle = (entries: number) => Promise<void>

/**
 * Call it after so many entries: it lets others have their turn, and waits as long as it takes for no more than
 * `perSecond`.
 */
export const createThrottle = (perSecond: number, signal: AbortSignal): Throttle => {
  let due = performance.now()
  return async (entries) => {
    const now = performance.now()
    due = Math.max(now, due + (entries * 1_000) / perSecond)
    await (due - now < 1 ? setImmediate(undefined, { signal }) : waitFor(due - now, signal))
  }
}
