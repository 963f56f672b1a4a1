/**
 * Instances that turn out to be one server under two names. They fail together, so neither stands in for the other or
 * has copies of what is kept there. Once found they stay so: what was told apart by a change of names needs a new start.
 */
export interface Twins {
  /** The run of the server that an instance is connected to. Undefined: it is hidden. */
  met(instance: string, runId: string | undefined): void
  are(one: string, other: string): boolean
  /** Makes something that depends on this anew as soon as it has changed. */
  renewed<T>(make: () => T): () => T
}

export const createTwins = (): Twins => {
  const runs = new Map<string, string>()
  const pairs = new Map<string, Set<string>>()
  let count = 0
  const pair = (one: string, other: string): void => {
    pairs.set(one, (pairs.get(one) ?? new Set()).add(other))
  }
  const are = (one: string, other: string): boolean => pairs.get(one)?.has(other) === true
  return {
    met: (instance, runId) => {
      if (runId === undefined) return
      runs.set(instance, runId)
      for (const [other, run] of runs) {
        if (other === instance || run !== runId || are(instance, other)) continue
        pair(instance, other)
        pair(other, instance)
        count += 1
      }
    },
    are,
    renewed: (make) => {
      let madeAt = count
      let made = make()
      return () => {
        if (madeAt !== count) {
          madeAt = count
          made = make()
        }
        return made
      }
    },
  }
}
