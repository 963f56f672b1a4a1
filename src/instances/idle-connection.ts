import type { Connection } from './connection.js'

/** A managed database counts connections: one that is seldom needed isn't kept. */
const IDLE = 30_000

/** A connection that exists only while it is used: opened at the first call, closed when nothing was asked for a while. */
export const createIdleConnection = (open: () => Connection, idle = IDLE): Connection => {
  let current: Connection | undefined
  let lastUse = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const check = (): void => {
    const left = lastUse + idle - performance.now()
    if (left > 0) {
      timer = setTimeout(check, left).unref()
      return
    }
    const done = current
    current = undefined
    // Nothing is in flight after so long; a server that doesn't answer QUIT is left without.
    void done?.close(1_000)
  }
  const use = (): Connection => {
    lastUse = performance.now()
    if (current === undefined) {
      current = open()
      if (closed) void current.close(0)
      else timer = setTimeout(check, idle).unref()
    }
    return current
  }

  return {
    ready: () => use().ready(),
    opening: () => use().opening(),
    wait: (ready, failed) => use().wait(ready, failed),
    close: async (limit) => {
      closed = true
      clearTimeout(timer)
      await current?.close(limit)
    },
  }
}
