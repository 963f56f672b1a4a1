/** Good answers in a row. */
export interface Streak {
  readonly count: number
  /** When the first of them came. */
  readonly from: number
}

const MINUTE = 60_000
/**
 * ms of unbroken good answers before an instance is trusted again, by the number of falls in the last minute. After the
 * fourth it isn't before that minute is over, so there are never more.
 */
const HOLD = [0, 0, 500, 1_500]

/**
 * May an instance that was lost serve again? After two good answers in a row, at first; one that comes and goes is left
 * alone for longer and longer.
 */
export const settled = (streak: Streak, falls: readonly number[], now: number): boolean => {
  const recent = falls.filter((at) => now - at <= MINUTE).length
  const hold = HOLD[recent]
  return hold !== undefined && streak.count >= (recent > 1 ? 3 : 2) && now - streak.from >= hold
}
