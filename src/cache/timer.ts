/** Timers of Node overflow above this, and then fire at once. */
const LONGEST = 2_147_483_647

/** ms as a timer can take them. */
export const timerMs = (ms: number): number => Math.min(ms, LONGEST)
