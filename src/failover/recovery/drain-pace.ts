/** When an instance that is up is tried again with what waits for it: each try costs it a look at its connections. */
export interface DrainPace {
  due(instance: string): boolean
  /** A try is over. `moved`: something that waited doesn't any more. */
  tried(instance: string, moved: boolean): void
  /** Its standing has changed: what kept entries from it may be over. */
  forget(instance: string): void
}

/** ms after two tries that moved nothing; then twice as long each time. */
const FIRST = 500
const LONGEST = 4_000

/** After one try that moved nothing the next one is due at once: most is over soon. `elapsed`: monotonic ms. */
export const createDrainPace = (elapsed: () => number): DrainPace => {
  const idle = new Map<string, { readonly tries: number; readonly until: number }>()
  return {
    due: (instance) => elapsed() >= (idle.get(instance)?.until ?? Number.NEGATIVE_INFINITY),
    tried: (instance, moved) => {
      if (moved) idle.delete(instance)
      else {
        const tries = (idle.get(instance)?.tries ?? 0) + 1
        const pause = tries < 2 ? 0 : Math.min(LONGEST, FIRST * 2 ** (tries - 2))
        idle.set(instance, { tries, until: elapsed() + pause })
      }
    },
    forget: (instance) => void idle.delete(instance),
  }
}
