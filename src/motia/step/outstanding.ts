/** What was started and has not ended: a step's result must not leave before it. */
export interface Outstanding {
  /** The same promise to everybody who looks at it, so that a rejection that nobody handles stays one. */
  track<T>(call: Promise<T>): Promise<T>
  count(): number
  /** Resolves with what is left when nothing is under way, or after `limit` ms. */
  drain(limit: number): Promise<number>
}

export const createOutstanding = (): Outstanding => {
  let count = 0
  let wake: (() => void) | undefined
  const done = (): void => {
    count -= 1
    if (count === 0) wake?.()
  }
  const idleOr = (limit: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, limit)
      wake = () => {
        clearTimeout(timer)
        // What follows an ended call (a .then that starts the next one) runs before we look again.
        setImmediate(resolve)
      }
    })

  return {
    track: (call) => {
      count += 1
      return call.finally(done)
    },
    count: () => count,
    drain: async (limit) => {
      const endsAt = performance.now() + limit
      while (count > 0 && performance.now() < endsAt) await idleOr(endsAt - performance.now())
      return count
    },
  }
}

/** The same object, with every call counted, also those of its bound forms (`cache.category('x')`). */
export const trackCalls = <T extends object>(target: T, outstanding: Outstanding): T => {
  const tracked: Record<string, unknown> = {}
  for (const [name, method] of Object.entries(target)) {
    tracked[name] = (...args: unknown[]): unknown => {
      const result: unknown = method(...args)
      if (result instanceof Promise) return outstanding.track(result)
      return trackCalls(result as object, outstanding)
    }
  }
  return tracked as T
}
