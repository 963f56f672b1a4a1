/** What is asked for in one tick of the event loop, to be done together. */
export interface Gathering<T> {
  add(item: T): void
  /** Now, what waits for the end of the tick. */
  flush(): void
}

/** `done` gets what was gathered: at the end of the tick, or as soon as there are `most()`. */
export const gather = <T>(most: () => number, done: (items: readonly T[]) => void): Gathering<T> => {
  let open: T[] | undefined
  const close = (items: T[]): void => {
    if (open !== items) return
    open = undefined
    done(items)
  }
  return {
    add: (item) => {
      if (open === undefined) {
        const fresh: T[] = []
        open = fresh
        // After everything that is ready to run now, before any more I/O.
        process.nextTick(close, fresh)
      }
      if (open.push(item) >= most()) close(open)
    },
    flush: () => {
      if (open !== undefined) close(open)
    },
  }
}
