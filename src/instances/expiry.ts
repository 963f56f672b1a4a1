/** Something that must end at a time. */
export interface Expiring {
  /** By performance.now(). Moved when this process was too busy to hear an answer. */
  endsAt: number
  /** The expiry's own: where it stands among the others, -1 where it doesn't. */
  place?: number
  expire(): void
}

export interface Expiry {
  add(call: Expiring): void
  remove(call: Expiring): void
}

/** A timer this late (ms) means that the event loop stood still. */
const STALL = 20
/** ms a call gets after that: enough for one that needs a second round trip. */
const SECOND_CHANCE = 50

/**
 * The deadlines of all calls on one timer. A timer per call costs as much as the rest of a small read, because nearly
 * every call ends long before its deadline; this one is set again only when it fires, or for an earlier deadline.
 *
 * Time in which the event loop stood still is no evidence against a server: a call whose deadline passed meanwhile gets
 * a little more. And pending I/O is always read once more before a call is given up. Tests turn this guard off, to see
 * that it is what helps.
 */
export const createExpiry = ({ guard = true } = {}): Expiry => {
  // Not a Set: nearly every call is taken out again, and hashing it costs several times as much as changing places.
  const calls: Expiring[] = []
  let timer: NodeJS.Timeout | undefined
  let firesAt = 0

  /** Takes it out, if it is there. */
  const take = (call: Expiring): boolean => {
    const { place = -1 } = call
    if (place < 0) return false
    call.place = -1
    const last = calls.pop()
    if (last === undefined || last === call) return true
    calls[place] = last
    last.place = place
    return true
  }
  const arm = (at: number): void => {
    clearTimeout(timer)
    firesAt = at
    // A call that is waited for has a socket or a reconnect pending, which keeps the process alive.
    timer = setTimeout(fire, Math.max(0, at - performance.now())).unref()
  }
  const fire = (): void => {
    timer = undefined
    // Node may fire up to a millisecond early.
    const now = performance.now() + 1
    const late = now - firesAt
    const overdue: Expiring[] = []
    let next = Number.POSITIVE_INFINITY
    for (const call of calls) {
      if (guard && call.endsAt <= now && late > STALL) call.endsAt = now + Math.min(late, SECOND_CHANCE)
      if (call.endsAt <= now) overdue.push(call)
      else if (call.endsAt < next) next = call.endsAt
    }
    if (next !== Number.POSITIVE_INFINITY) arm(next)
    if (overdue.length === 0) return
    const end = (): void => {
      for (const call of overdue) if (call.endsAt <= now && take(call)) call.expire()
    }
    if (guard) setImmediate(end)
    else end()
  }

  return {
    add: (call) => {
      if ((call.place ?? -1) < 0) call.place = calls.push(call) - 1
      if (timer === undefined || call.endsAt < firesAt) arm(call.endsAt)
    },
    remove: take,
  }
}
