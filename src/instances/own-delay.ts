/** How long this process itself stood still, or was kept from running. */
export interface OwnDelay {
  /** ms since it is watched. */
  ms(): number
  end(): void
}

/** ms between two looks. Cheap enough while a question is on its way, which mostly is less than that. */
const EVERY = 10
/** ms by which a timer may be late in a process that has nothing else to do. */
const USUAL = 5

/** Time in which nothing could be heard says nothing about who was asked. Keeps no process alive. */
export const watchOwnDelay = (): OwnDelay => {
  let last = performance.now()
  let delayed = 0
  const lateness = (): number => {
    const late = performance.now() - last - EVERY
    return late > USUAL ? late : 0
  }
  const timer = setInterval(() => {
    delayed += lateness()
    last = performance.now()
  }, EVERY).unref()
  return {
    // An answer may be read before the timer fires.
    ms: () => delayed + lateness(),
    end: () => clearInterval(timer),
  }
}
