/** Something that must end at a time. */
export interface Expiring {
  /** By performance.now(). */
  readonly endsAt: number
  expire(): void
}

export interface Expiry {
  add(call: Expiring): void
  remove(call: Expiring): void
}

/**
 * The deadlines of all calls on one timer. A timer per call costs as much as the rest of a small read, because nearly
 * every call ends long before its deadline; this one is set again only when it fires, or for an earlier deadline.
 */
export const createExpiry = (): Expiry => {
  const calls = new Set<Expiring>()
  let timer: NodeJS.Timeout | undefined
  let firesAt = 0

  const arm = (at: number): void => {
    clearTimeout(timer)
    firesAt = at
    // A call that is waited for has a socket or a reconnect pending, which keeps the process alive.
    timer = setTimeout(fire, Math.max(0, at - performance.now())).unref()
  }
  const fire = (): void => {
    // Node may fire up to a millisecond early.
    const now = performance.now() + 1
    timer = undefined
    const overdue: Expiring[] = []
    let next = Number.POSITIVE_INFINITY
    for (const call of calls) {
      if (call.endsAt <= now) overdue.push(call)
      else if (call.endsAt < next) next = call.endsAt
    }
    if (next !== Number.POSITIVE_INFINITY) arm(next)
    if (overdue.length === 0) return
    // The timer may be late because this process was busy, with the answers waiting in the socket: read those first.
    setImmediate(() => {
      for (const call of overdue) if (calls.delete(call)) call.expire()
    })
  }

  return {
    add: (call) => {
      calls.add(call)
      if (timer === undefined || call.endsAt < firesAt) arm(call.endsAt)
    },
    remove: (call) => {
      calls.delete(call)
    },
  }
}
