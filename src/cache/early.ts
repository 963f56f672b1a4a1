/**
 * Whether a value is to be computed anew before its end, so that it is never missing: with a probability that grows as
 * the end comes near, and earlier where computing takes longer. Each reader decides for itself: of many hardly any is
 * left without a value, of few some are. The rule, XFetch with β = 1, is from A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal
 * Probabilistic Cache Stampede Prevention", Proceedings of the VLDB Endowment 8(8), 2015.
 *
 * @param left ms until the end
 * @param cost ms that computing takes
 * @param random 0 ≤ n < 1
 */
export const isEarly = (left: number, cost: number, random: number): boolean => left <= -cost * Math.log(random)

/** How long computations took lately: the younger, the more it counts. */
export interface Cost {
  /** ms; undefined: none was seen. */
  ms(): number | undefined
  took(ms: number): void
}

/** What the last one counts against all before it. */
const WEIGHT = 0.25

export const createCost = (): Cost => {
  let mean: number | undefined
  return {
    ms: () => mean,
    took: (ms) => {
      mean = mean === undefined ? ms : mean + WEIGHT * (ms - mean)
    },
  }
}
