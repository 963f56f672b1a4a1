import type { EntryName, LeaseAnswer, LeaseAsk, Shelf, ShelfLease } from '../../failover/shelf.js'
import { timerMs } from '../timer.js'

/** What somebody wants who found no fresh value, and is the one of this process who may compute it. */
export interface LeaseWish extends Pick<LeaseAsk, 'seen' | 'despiteFailure'> {
  /** ms to wait while a process elsewhere computes; 0: not at all. */
  readonly patience: number
  /** The caller is gone: stop waiting. */
  readonly signal?: AbortSignal | undefined
  /** Told for how many ms it waited, where it had to. */
  readonly waited?: (ms: number) => void
}

/** late: somebody else still computes, and patience is over or the caller is gone. */
export type Leased = Exclude<LeaseAnswer, { readonly held: true }> | { readonly late: true }

export interface LeaseTimes {
  /** That a lease outlives a holder who vanished without a word. */
  readonly lease: number
  /** Between two looks of who waits. */
  readonly poll: number
}

/** ms. A server whose event loop stood still for less than `lease` has lost nothing. */
const leaseTimes: LeaseTimes = { lease: 3_000, poll: 50 }

/**
 * The right to compute, over all processes: at once, or when its holder elsewhere is done with it or gone. It is renewed
 * until it is filled or released, and one of both has to follow; they also reject with what a renewal rejected with.
 * Rejects only where the category fails closed.
 */
export const acquireLease = async (
  shelf: LeaseShelf,
  name: EntryName,
  wish: LeaseWish,
  times: LeaseTimes = leaseTimes,
): Promise<Leased> => {
  let begun: number | undefined
  const leased = await askUntil(shelf, name, wish, times, () => {
    begun ??= performance.now()
  })
  if (begun !== undefined) wish.waited?.(performance.now() - begun)
  return leased
}

type LeaseShelf = Pick<Shelf, 'lease' | 'onChanged'>

/** `waits`: called before each wait. */
const askUntil = async (
  shelf: LeaseShelf,
  name: EntryName,
  wish: LeaseWish,
  times: LeaseTimes,
  waits: () => void,
): Promise<Leased> => {
  const { seen, signal, patience } = wish
  const until = performance.now() + patience
  // The failure of one who was waited for is the outcome.
  let despiteFailure = wish.despiteFailure === true
  for (;;) {
    const waiting = patience > 0 ? createWait(shelf, name) : undefined
    try {
      const answer = await shelf.lease(name, { ms: times.lease, despiteFailure, ...(seen && { seen }) })
      if ('lease' in answer && signal?.aborted !== true) return { lease: renewed(answer.lease, times.lease) }
      if ('lease' in answer) await answer.lease.release()
      else if (!('held' in answer)) return answer
      const left = until - performance.now()
      if (waiting === undefined || left <= 0 || signal?.aborted) return LATE
      despiteFailure = false
      waits()
      await waiting.pause(Math.min(left, times.poll), signal)
    } finally {
      waiting?.end()
    }
  }
}

const LATE = { late: true } as const

/** Hears of changes from when it is made, so that none comes between asking and waiting. */
const createWait = (shelf: Pick<Shelf, 'onChanged'>, name: EntryName) => {
  let changed = false
  let wake = (): void => undefined
  const stop = shelf.onChanged?.(name, () => {
    changed = true
    wake()
  })
  return {
    pause: (ms: number, signal: AbortSignal | undefined): Promise<void> =>
      new Promise((resolve) => {
        const go = (): void => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', go)
          resolve()
        }
        const timer = setTimeout(go, timerMs(ms))
        if (changed || signal?.aborted) return go()
        wake = go
        signal?.addEventListener('abort', go)
      }),
    end: () => stop?.(),
  }
}

const renewed = (lease: ShelfLease, ms: number): ShelfLease => {
  let timer: NodeJS.Timeout | undefined
  /** Instances that are away don't reject: this is for whoever ends the lease to hear. */
  let problem: { readonly error: unknown } | undefined
  const renewSoon = (): void => {
    timer = setTimeout(() => {
      lease.renew(ms).then(
        (holds) => {
          if (holds && timer !== undefined) renewSoon()
        },
        (error) => {
          problem = { error }
        },
      )
    }, ms / 3).unref()
  }
  const stop = (): void => {
    clearTimeout(timer)
    timer = undefined
  }
  if (lease.shared) renewSoon()
  return {
    ...lease,
    fill: (write) => {
      stop()
      return problem === undefined ? lease.fill(write) : Promise.reject(problem.error)
    },
    release: async (why) => {
      stop()
      await lease.release(why)
      if (problem !== undefined) throw problem.error
    },
  }
}
