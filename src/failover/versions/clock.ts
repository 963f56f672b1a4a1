import { randomBytes } from 'node:crypto'

/** 24 lower-case hex digits: 12 of epoch ms, 4 of a counter, 8 of the process. Later is higher, by plain string comparison. */
export type Version = string

/** Remembers across restarts how far versions may have been given out. */
export interface ClockStore {
  /** Above every version given out by processes that ran here (epoch ms), at most what they reserved; 0 for none. */
  highest(): number
  /**
   * Must outlive a kill -9 of this process once it returned. `now`: by the wall clock. `ahead`: as far as versions are
   * given out whatever the wall clock says; 0 while it is not behind them.
   */
  reserve(until: number, at: { readonly now: number; readonly ahead: number }): void
}

export interface Clock {
  /** 8 hex digits, the end of every version of this process. */
  readonly processId: string
  /** Higher than every version given out or witnessed before, whatever the wall clock does. */
  next(): Version
  /** Raises the clock above a version from elsewhere. False: it isn't a version, or too far ahead; nothing was raised. */
  witness(version: string): boolean
  /** The highest version that counts as one now; what is above it is foreign. */
  horizon(): Version
}

export interface ClockOptions {
  /** Undefined: nothing is remembered, as where no folder can be written. */
  readonly store?: ClockStore | undefined
  /** Hears once in a row of failures that the store couldn't be used; the clock goes on without. */
  readonly onStoreFailure?: (error: unknown) => void
  /** Epoch ms. @default Date.now */
  readonly now?: () => number
  /** 8 hex digits. @default random */
  readonly processId?: string
}

/** Further ahead of our clock than this (ms), a version is foreign. */
const MAX_AHEAD = 60_000
/** How far ahead (ms) versions are reserved; where nothing else is known a restart begins so much ahead, well below MAX_AHEAD. */
const STEP = 10_000
/** The least (ms) that a reservation adds, when the clock runs ahead of the wall clock already. */
const MARGIN = 50
const MAX_COUNTER = 0xffff
const SHAPE = /^[0-9a-f]{24}$/

export const isVersion = (text: unknown): text is Version => typeof text === 'string' && SHAPE.test(text)

/** The version, if it is one that can be: not from too far ahead. */
export const validVersion = (found: unknown, horizon: Version): Version | undefined =>
  isVersion(found) && found <= horizon ? found : undefined

/** The time in a version, epoch ms. */
export const timeOf = (version: Version): number => Number.parseInt(version.slice(0, 12), 16)

/** The lowest version of a time: what was written before it compares lower. */
export const lowestAt = (ms: number): Version => `${hexOf(ms)}000000000000`

/**
 * Right behind a version, so that whatever else was written after that one is later: what `processId` makes of an entry
 * without giving it a new value.
 */
export const nextTo = (version: Version, processId: string): Version => {
  const counter = Number.parseInt(version.slice(12, 16), 16)
  const [ms, next] = counter < MAX_COUNTER ? [timeOf(version), counter + 1] : [timeOf(version) + 1, 0]
  return hexOf(ms) + next.toString(16).padStart(4, '0') + processId
}

const hexOf = (ms: number): string => Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')

/** A hybrid logical clock. Throws nothing: a store that fails is told to `onStoreFailure`. */
export const createClock = (options: ClockOptions = {}): Clock => {
  const { store, onStoreFailure, now = Date.now } = options
  const processId = options.processId ?? randomBytes(4).toString('hex')
  let storeFails = false

  const attempt = <T>(action: (store: ClockStore) => T): T | undefined => {
    if (store === undefined) return undefined
    try {
      const result = action(store)
      storeFails = false
      return result
    } catch (error) {
      if (!storeFails) onStoreFailure?.(error)
      storeFails = true
      return undefined
    }
  }

  let reserved = attempt((each) => each.highest()) ?? 0
  /** The latest wall clock ever seen: a clock that is set back must not make everybody else's versions foreign. */
  let wall = Math.max(now(), reserved)
  let ms = reserved
  let counter = MAX_COUNTER
  let prefix = hexOf(ms)
  let renewAt = 0
  let renewing = false
  let ahead = 0

  const look = (): number => {
    const current = now()
    if (current > wall) wall = current
    return current
  }

  const reserve = (): void => {
    // Not from `wall`: it may be ahead already, and each restart would add another step until all is foreign.
    reserved = Math.max(reserved, now() + STEP, ms + MARGIN)
    renewAt = ms + (reserved - ms) / 2
    const current = now()
    ahead = ms > current ? ms + MARGIN : 0
    attempt((each) => each.reserve(reserved, { now: current, ahead }))
  }

  const keepReserved = (current: number): void => {
    // Before the version is used, so that a restart begins above it. Needed at first, after a pause, and where others
    // are ahead of our wall clock.
    if (ms > reserved || (ms > current && ms > ahead)) reserve()
    else if (ms >= renewAt && !renewing) {
      renewing = true
      setImmediate(() => {
        renewing = false
        reserve()
      })
    }
  }

  const advance = (to: number): void => {
    ms = to
    counter = 0
    prefix = hexOf(ms)
  }

  return {
    processId,

    next: () => {
      const current = look()
      if (current > ms) advance(current)
      else if (counter < MAX_COUNTER) counter++
      else advance(ms + 1)
      if (store !== undefined) keepReserved(current)
      return prefix + counter.toString(16).padStart(4, '0') + processId
    },

    witness: (version) => {
      if (!isVersion(version)) return false
      const theirs = timeOf(version)
      look()
      if (theirs > wall + MAX_AHEAD) return false
      const theirCounter = Number.parseInt(version.slice(12, 16), 16)
      if (theirs > ms || (theirs === ms && theirCounter > counter)) {
        advance(theirs)
        counter = theirCounter
      }
      return true
    },

    horizon: () => {
      look()
      return `${hexOf(wall + MAX_AHEAD)}ffffffffffff`
    },
  }
}
