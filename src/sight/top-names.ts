/** The names that are met most often, of any number of different ones, in bounded memory. */
export interface TopNames {
  add(name: string): void
  /** How often each was met, at least. Of one that is met more often than one time in `most` it is there. */
  all(): readonly (readonly [name: string, times: number])[]
}

interface Counted {
  times: number
  /** So many of them may have been of names that made room for this one. */
  doubt: number
}

/** Space-saving (Metwally, Agrawal, El Abbadi 2005): a new name takes the place, and the count, of the least met one. */
export const createTopNames = (most: number): TopNames => {
  const names = new Map<string, Counted>()

  /** Those that were met least when they were last looked for: as a rule many, and looking costs more than the rest. */
  let candidates: string[] = []
  let least = 0

  const look = (): void => {
    least = Number.POSITIVE_INFINITY
    for (const [name, { times }] of names) {
      if (times > least) continue
      if (times < least) candidates = []
      least = times
      candidates.push(name)
    }
  }

  /** How often the name was met that had to go. */
  const makeRoom = (): number => {
    for (;;) {
      if (candidates.length === 0) look()
      const name = candidates.pop() ?? ''
      // Met once more since then.
      if (names.get(name)?.times !== least) continue
      names.delete(name)
      return least
    }
  }

  return {
    add: (name) => {
      const known = names.get(name)
      if (known !== undefined) {
        known.times++
        return
      }
      const doubt = names.size < most ? 0 : makeRoom()
      names.set(name, { times: doubt + 1, doubt })
    },
    all: () => [...names].map(([name, { times, doubt }]) => [name, times - doubt] as const),
  }
}
