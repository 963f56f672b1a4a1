/** Epoch ms that never run backwards in this process, with fractions. */
export const steadyNow = (): number => ORIGIN + performance.now()
const ORIGIN = performance.timeOrigin

/** What is left of the time that all attempts of one call share. */
export interface TimeLeft {
  /** By steadyNow. */
  readonly startedAt: number
  /** ms; never less than what one attempt nearby needs. */
  left(): number
  /** ms for a first attempt that shall leave some for another. */
  share(): number
}

/** ms that one attempt gets at least, however little is left. */
export const LEAST = 20
/** What a call may use of its time as long as it can be tried elsewhere. */
export const SHARE = 2 / 3

export const timeFrom = (startedAt: number, ms: number): TimeLeft => {
  const left = (): number => Math.max(LEAST, startedAt + ms - steadyNow())
  return { startedAt, left, share: () => Math.max(LEAST, left() * SHARE) }
}

/**
 * The promise's outcome, or `late()` after so many ms; what it does later is without effect. I/O that came while the
 * event loop stood still is read once more before.
 */
export const bounded = <T>(ms: number, promise: Promise<T>, late: () => Error): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(late())), ms)
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })

/** Resolves when that has ended, or after so many ms; what it does later goes on. */
export const endedWithin = async (ms: number, work: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
