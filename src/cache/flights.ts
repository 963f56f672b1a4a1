import { timerMs } from './timer.js'

/**
 * Single flight: of all who want one key computed, one computes and the others share the outcome. Whoever asks
 * registers before reading the store (`enter`), so that an outcome that lands while its read was on the way is
 * shared too, instead of being computed again. Nothing is kept for a key once nobody is registered for it.
 */
export interface Flights<V> {
  enter(id: string): Visit<V>
  /**
   * What is stored at the key changes now: a computation that runs is of the time before. Those who asked before get
   * its outcome, those who ask from now on a later one.
   */
  overtake(id: string): void
  /** The same for every key whose id begins so. */
  overtakeAll(prefix: string): void
  /** The same where what is computed turns out to bear one of the tags. */
  invalidate(prefix: string, tags: readonly string[]): void
  /** Keys somebody is registered for. */
  readonly size: number
}

/** One caller's stay at a key. Every `enter` is followed by exactly one `leave`. */
export interface Visit<V> {
  /**
   * After a miss: the outcome of a computation, or the turn to compute. With `fresh`, only a computation that
   * began after `enter` counts: one that runs already is waited for, then one of the waiting computes again.
   */
  join(options: JoinOptions): Joined<V> | Promise<Joined<V>>
  leave(): void
}

export interface JoinOptions {
  readonly fresh: boolean
  /** ms to wait for somebody else's computation; 0: not at all. */
  readonly patience: number
  /** The caller is gone: stop waiting. */
  readonly signal?: AbortSignal | undefined
}

export type Outcome<V> = { readonly value: V } | { readonly error: unknown }
/** late: somebody else still computes, and patience is over or the caller is gone. */
export type Joined<V> = { readonly outcome: Outcome<V> } | { readonly turn: Turn<V> } | { readonly late: true }

/** The right to compute. The first of `claim` and `pass` wins; after `claim`, `end` must follow. */
export interface Turn<V> {
  /** False when the turn is over: somebody else computes, or did. */
  claim(): boolean
  /**
   * Whether what is stored at the key was changed since the turn began, or one of the tags of the outcome invalidated:
   * then that is no longer to be stored.
   */
  overtaken(tags?: readonly string[]): boolean
  /** `tags`: of the outcome. */
  end(outcome: Outcome<V>, tags?: readonly string[]): void
  /** Gives the turn up; one of the waiting takes it over. False when it was over, or claimed. */
  pass(): boolean
}

interface Waiter<V> {
  readonly entered: number
  /** The outcome of a computation that began earlier is not for this one. */
  readonly notBefore: number
  settle(joined: Joined<V>): void
}

/** What is known of one key while anybody is registered for it. Moments are a count, so that no two are equal. */
interface Slot<V> {
  users: number
  /** When the running computation began. */
  running: number | undefined
  /** When what is stored was last changed. */
  changed: number
  /** Tags that were invalidated since the running computation began, and when first. */
  readonly invalidated: Map<string, number>
  readonly waiters: Set<Waiter<V>>
  last:
    | { readonly outcome: Outcome<V>; readonly began: number; readonly ended: number; readonly until: number }
    | undefined
}

/** What the computations of a category's keys are known by, and the beginning that they have in common. */
export const flightsOf = (category: string): string => `${category}:`
/**
 * `unchecked`: what is computed without the category's schema is shared with nobody who relies on it. Keys are
 * well-formed, so none ends like that.
 */
export const flightOf = (category: string, key: string, unchecked = false): string =>
  `${category}:${key}${unchecked ? '\ud800' : ''}`

export const createFlights = <V>(): Flights<V> => {
  const slots = new Map<string, Slot<V>>()
  let moment = 0

  const leave = (id: string, slot: Slot<V>): void => {
    slot.users--
    if (slot.users === 0) slots.delete(id)
  }

  const begin = (id: string, slot: Slot<V>): Turn<V> => {
    const began = ++moment
    let state: 'open' | 'claimed' | 'over' = 'open'
    slot.running = began
    slot.invalidated.clear()
    slot.users++

    const finish = (): void => {
      state = 'over'
      slot.running = undefined
      const [next] = slot.waiters
      if (next) {
        slot.waiters.delete(next)
        next.settle({ turn: begin(id, slot) })
      }
      leave(id, slot)
    }
    return {
      claim: () => {
        if (state !== 'open') return false
        state = 'claimed'
        return true
      },
      overtaken: (tags = []) => slot.changed > began || tags.some((tag) => slot.invalidated.has(tag)),
      end: (outcome, tags = []) => {
        if (state === 'over') return
        // Those who asked after that must not get it.
        const until = Math.min(...tags.map((tag) => slot.invalidated.get(tag) ?? Number.POSITIVE_INFINITY))
        slot.last = { outcome, began, ended: ++moment, until }
        for (const waiter of slot.waiters) {
          if (began < waiter.notBefore || waiter.entered > until) continue
          slot.waiters.delete(waiter)
          waiter.settle({ outcome })
        }
        finish()
      },
      pass: () => {
        if (state !== 'open') return false
        finish()
        return true
      },
    }
  }

  return {
    get size() {
      return slots.size
    },
    overtake: (id) => {
      const slot = slots.get(id)
      if (slot) slot.changed = ++moment
    },
    overtakeAll: (prefix) => {
      for (const [id, slot] of slots) if (id.startsWith(prefix)) slot.changed = ++moment
    },
    invalidate: (prefix, tags) => {
      const now = ++moment
      for (const [id, { running, invalidated }] of slots) {
        if (running === undefined || !id.startsWith(prefix)) continue
        for (const tag of tags) if (!invalidated.has(tag)) invalidated.set(tag, now)
      }
    },
    enter: (id) => {
      const entered = ++moment
      const slot = slots.get(id) ?? {
        users: 0,
        running: undefined,
        changed: 0,
        invalidated: new Map(),
        waiters: new Set(),
        last: undefined,
      }
      slots.set(id, slot)
      slot.users++
      // Of changes that come later the caller can't know.
      const { changed } = slot
      return {
        join: (options) => {
          const { running, last } = slot
          const notBefore = options.fresh ? entered : changed
          if (running !== undefined)
            return options.patience > 0 ? wait(slot.waiters, entered, notBefore, options) : LATE
          if (last && last.ended > entered && last.began > notBefore && entered < last.until)
            return { outcome: last.outcome }
          return { turn: begin(id, slot) }
        },
        leave: () => leave(id, slot),
      }
    },
  }
}

const LATE = { late: true } as const

const wait = <V>(
  waiters: Set<Waiter<V>>,
  entered: number,
  notBefore: number,
  options: JoinOptions,
): Promise<Joined<V>> =>
  new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', giveUp)
      waiters.delete(waiter)
    }
    const waiter: Waiter<V> = {
      entered,
      notBefore,
      settle: (joined) => {
        stop()
        resolve(joined)
      },
    }
    const giveUp = (): void => {
      stop()
      resolve(LATE)
    }
    const timer = setTimeout(giveUp, timerMs(options.patience))
    if (options.signal?.aborted) return giveUp()
    options.signal?.addEventListener('abort', giveUp)
    waiters.add(waiter)
  })
