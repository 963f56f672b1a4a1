/** How long an instance takes to answer, compared with what is usual for it. */
export interface Pace {
  /** One round trip of the prober, in ms; also a late one. */
  observe(ms: number): void
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
  let count = 0
  let usual = 0
  let slow = false

  const median = (): number | undefined => recent.toSorted((a, b) => a - b)[recent.length >> 1]

  return {
    median,
    slow: () => (slow ? { now: median() ?? 0, usual } : undefined),
    observe: (ms) => {
      recent[count++ % RECENT] = ms
      const now = median() ?? ms
      if (count <= ENOUGH) {
        usual = now
        return
      }
      // What is unusual may only pull so hard.
      usual += (Math.min(ms, usual * 2 + 1) - usual) * (slow ? 0.001 : 0.02)
      slow = slow ? now > 10 + usual * 3 : now > 20 + usual * 5
    },
  }
}
