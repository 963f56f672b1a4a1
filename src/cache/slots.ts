/** Loaders that work at once: of one category, and of one call that asks for many keys. */
export const LOADS = 50

/** Room for so many jobs at once. */
export interface Slots {
  /** Undefined: there is no room, also for those who wait already. */
  tryEnter(): Seat | undefined
  /** In the order they came. Rejects with the signal's reason where that aborts first. */
  enter(signal: AbortSignal): Promise<Seat>
}

/** The place of one job. */
export interface Seat {
  /** The first call counts. */
  leave(): void
  /**
   * Others may have the place while its job waits for another one: those who wait for each other would else all wait
   * for room. Who comes back goes on at once, so that at times a few more are at work.
   */
  lend<T>(wait: () => Promise<T>): Promise<T>
}

export const createSlots = (width: number): Slots => {
  const waiting = new Set<() => void>()
  let taken = 0

  const free = (): void => {
    taken--
    const [next] = waiting
    if (taken < width) next?.()
  }
  const take = (): Seat => {
    taken++
    let left = false
    let lent = 0
    return {
      leave: () => {
        if (left) return
        left = true
        if (lent === 0) free()
      },
      lend: async (wait) => {
        if (left) return wait()
        if (lent++ === 0) free()
        try {
          return await wait()
        } finally {
          if (--lent === 0 && !left) taken++
        }
      },
    }
  }
  const tryEnter = (): Seat | undefined => (taken < width ? take() : undefined)

  return {
    tryEnter,
    enter: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const seat = tryEnter()
        if (seat !== undefined) return resolve(seat)
        const settle = (): void => {
          waiting.delete(go)
          signal.removeEventListener('abort', gone)
        }
        const go = (): void => {
          settle()
          resolve(take())
        }
        const gone = (): void => {
          settle()
          reject(signal.reason)
        }
        signal.addEventListener('abort', gone)
        waiting.add(go)
      }),
  }
}
