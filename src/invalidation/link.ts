import { type Line, type LineOptions, openLine, Refused } from './line.js'

/**
 * on: the server tells of every change. refused: it can't, or may not, so nothing but a short life keeps a copy from
 * becoming old. off: not known yet, or not connected.
 */
export type Tracking = 'on' | 'off' | 'refused'

/** ms between two questions. Whatever the server pushed before it took one up has arrived when that is answered. */
const BEAT = 1_000
/** ms that one of them may be missed. */
const GAP = 2 * BEAT
/** ms: setTimeout takes no more. */
const LONGEST_TIMER = 2 ** 31 - 1
/** ms until the next attempt: the first at once, then ever later. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 2_000
/** ms until a server that refused is asked again: somebody may have given the right. */
const REFUSED_PAUSE = 60_000

export interface LinkOptions extends Pick<LineOptions, 'url' | 'clientName'> {
  readonly prefixes: readonly string[]
  /** A key was changed; undefined: any may have been. */
  readonly heard: (redisKey: string | undefined) => void
  readonly onTracking: (tracking: Tracking) => void
  /**
   * What to do on a line of its own as long as the server refuses to track. Resolves, or rejects, when that is over; with
   * Refused if the server won't have it either.
   */
  readonly instead: (open: (lost: () => void) => Promise<Line>) => Promise<void>
  /** ms until a server that refused is asked again. @default 60 000 */
  readonly refusedPause?: number
  /** For tests: nobody asks whether the line still carries anything. */
  readonly weakened?: { readonly heartbeat?: false } | undefined
}

/** The one connection over which an instance tells what changes. It looks after itself. */
export interface Link {
  /** Again does nothing. */
  open(): void
  tracking(): Tracking
  /** Whatever changed up to 2 s before `now` (performance.now) was heard of. A look at two fields. */
  hears(now: number): boolean
  /** Whatever it is connected to may not be what the instance is now: begins anew. */
  doubt(): void
  close(): void
}

/** Resolves when the promise does, which never rejects, or so many ms later. */
const settledWithin = (ms: number, promise: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms).unref()
    void promise.then(() => {
      clearTimeout(timer)
      resolve()
    })
  })

export const createLink = (options: LinkOptions): Link => {
  const { url, clientName, prefixes, heard, onTracking, instead, refusedPause = REFUSED_PAUSE } = options
  const ending = new AbortController()
  let tracking: Tracking = 'off'
  /** When the latest question was sent that has been answered. */
  let provenAt = Number.NEGATIVE_INFINITY
  let line: Line | undefined
  let opened = false
  let lose = (): void => undefined
  const gap = options.weakened?.heartbeat === false ? LONGEST_TIMER : GAP

  const become = (next: Tracking): void => {
    if (next === tracking) return
    tracking = next
    // Of what happened in between nobody knows.
    heard(undefined)
    onTracking(next)
  }

  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (ending.signal.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        ending.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms).unref()
      ending.signal.addEventListener('abort', done)
    })

  const openOne = async (track: boolean, lost: () => void): Promise<Line> => {
    const fresh = await openLine({ url, clientName, ...(track ? { track: { prefixes, heard } } : {}), lost })
    if (ending.signal.aborted) {
      fresh.end()
      throw new Error('closed')
    }
    line = fresh
    return fresh
  }

  /** Asks for as long as it is answered in time. */
  const beat = async (on: Line, isLost: () => boolean): Promise<void> => {
    while (!ending.signal.aborted && !isLost()) {
      const sentAt = performance.now()
      let answered = false
      const answer = on.send(['PING']).then(
        () => {
          answered = true
          if (isLost()) return
          provenAt = sentAt
          become('on')
        },
        () => undefined, // it is lost, which says so itself
      )
      await settledWithin(gap, answer)
      // An answer may lie unread where the event loop stood still.
      if (!answered) await new Promise((resolve) => setImmediate(resolve))
      if (!answered) return
      await wait(BEAT - (performance.now() - sentAt))
    }
  }

  /** Until it is over. Rejects where it didn't even begin. */
  const track = async (): Promise<void> => {
    let lost = false
    const gone = new Promise<void>((resolve) => {
      lose = () => {
        lost = true
        become('off')
        resolve()
      }
    })
    const on = await openOne(true, lose)
    await Promise.race([beat(on, () => lost), gone])
    on.end()
    lose()
  }

  /**
   * Until it is time to ask for more than that. Where it is refused, too, values still live no longer than a moment.
   */
  const follow = async (): Promise<'refused' | 'over'> => {
    let enough: NodeJS.Timeout | undefined
    try {
      await instead(async (lost) => {
        const on = await openOne(false, lost)
        enough = setTimeout(on.end, refusedPause).unref()
        return on
      })
    } catch (error) {
      if (error instanceof Refused) return 'refused'
    } finally {
      clearTimeout(enough)
      line?.end()
    }
    return 'over'
  }

  const run = async (): Promise<void> => {
    let pause = FIRST_PAUSE
    while (!ending.signal.aborted) {
      try {
        await track()
        pause = FIRST_PAUSE
      } catch (error) {
        // What else it may be, the instance's own connections say.
        if (error instanceof Refused) {
          become('refused')
          if ((await follow()) === 'refused') {
            await wait(refusedPause)
            continue
          }
        }
      }
      await wait(pause * (0.5 + Math.random() / 2))
      pause = Math.min(LONGEST_PAUSE, pause * 2)
    }
  }

  return {
    open: () => {
      if (opened || ending.signal.aborted) return
      opened = true
      void run()
    },
    tracking: () => tracking,
    hears: (now) => tracking === 'on' && now - provenAt <= gap,
    doubt: () => {
      // From a server that refuses nothing is heard that could be wrong.
      if (tracking !== 'refused') lose()
    },
    close: () => {
      ending.abort()
      line?.end()
      lose()
      become('off')
    },
  }
}
