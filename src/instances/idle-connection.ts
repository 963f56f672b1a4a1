import type { Connection } from './connection.js'

/** A managed database counts connections: one that is seldom needed isn't kept. */
const IDLE = 30_000

/**
 * A connection beside `main` that exists only while it is used: opened at the first call, closed when nothing was asked
 * for a while, and given up when it fails, because `main` is the one that looks after the instance's return.
 * `open` is told whom to tell of a failure.
 */
export const createIdleConnection = (
  main: Connection,
  open: (onDown: () => void) => Connection,
  idle = IDLE,
): Connection => {
  let current: Connection | undefined
  let lastUse = 0
  let timer: NodeJS.Timeout | undefined

  const drop = (limit: number): Promise<void> => {
    const done = current
    current = undefined
    clearTimeout(timer)
    return done?.close(limit) ?? Promise.resolve()
  }
  const check = (): void => {
    const left = lastUse + idle - performance.now()
    // Nothing is in flight after so long.
    if (left <= 0) void drop(1_000)
    else timer = setTimeout(check, left).unref()
  }
  const use = (): Connection => {
    lastUse = performance.now()
    if (current !== undefined) return current
    const fresh = open(() => {
      if (current === fresh) void drop(0)
    })
    current = fresh
    timer = setTimeout(check, idle).unref()
    return fresh
  }

  return {
    ready: () => (main.ready() === undefined ? undefined : use().ready()),
    opening: main.opening,
    wait: (ready, failed) => main.wait(() => use().wait(ready, failed), failed),
    missed: () => current?.missed(),
    doubt: () => current?.doubt(),
    renew: () => current?.renew(),
    cut: () => current?.cut(),
    close: drop,
  }
}
