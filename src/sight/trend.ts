/** Whether a figure that is looked at now and then becomes more. */
export interface Trend {
  grows(name: string, value: number): boolean
}

/** ms after which a figure is compared with the one before. */
const STEP = 10_000

/** `elapsed`: monotonic ms. */
export const createTrend = (elapsed: () => number): Trend => {
  const seen = new Map<string, { at: number; value: number; grows: boolean }>()
  return {
    grows: (name, value) => {
      const at = elapsed()
      const last = seen.get(name)
      if (last !== undefined && at - last.at < STEP) return last.grows
      const grows = last !== undefined && value > last.value
      seen.set(name, { at, value, grows })
      return grows
    },
  }
}
