/** How long an instance takes to answer, compared with what is usual for it. */
export interface Pace {
  /**
   * One round trip of the prober, in ms; also a late one. `theirs`: without the time in which this process stood still,
   * by which alone it is slow. How long to wait depends on all of it.
   */
  observe(ms: number, theirs?: number): void
  /** Median of the recent ones, or undefined before the first. */
  median(): number | undefined
  /** While it is far above its own baseline: both figures in ms. */
  slow(): { readonly now: number; readonly usual: number } | undefined
}

const RECENT = 9
/** So many answers make a baseline. */
const ENOUGH = 5

/**
 * The baseline follows slowly, and more slowly while the instance is slow: what stays slow for half an hour is usual.
 * One that answers in 1 ms may take 25 before it is worth a word.
 */
export const createPace = (): Pace => {
  const recent: number[] = []
  const recentTheirs: number[] = []
  let count = 0
  let usual = 0
  let slow = false

  const middle = (of: readonly number[]): number | undefined => of.toSorted((a, b) => a - b)[of.length >> 1]

  return {
    median: () => middle(recent),
    slow: () => (slow ? { now: middle(recentTheirs) ?? 0, usual } : undefined),
    observe: (ms, theirs = ms) => {
      recent[count % RECENT] = ms
      recentTheirs[count++ % RECENT] = theirs
      const now = middle(recentTheirs) ?? theirs
      if (count <= ENOUGH) {
        usual = now
        return
      }
      // What is unusual may only pull so hard.
      usual += (Math.min(theirs, usual * 2 + 1) - usual) * (slow ? 0.001 : 0.02)
      slow = slow ? now > 10 + usual * 3 : now > 20 + usual * 5
    },
  }
}
