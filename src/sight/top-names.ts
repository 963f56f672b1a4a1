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

  const makeRoom = (): number => {
    let least = Number.POSITIVE_INFINITY
    let last = ''
    for (const [name, { times }] of names) {
      if (times >= least) continue
      least = times
      last = name
    }
    names.delete(last)
    return least
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
