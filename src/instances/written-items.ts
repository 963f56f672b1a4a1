const REMEMBERED = 10_000

/** Items this process wrote not long ago: writing one again is, nearly always, replacing what is there. */
export interface WrittenItems {
  has(group: string, field: string): boolean
  add(group: string, field: string): void
}

export const createWrittenItems = (): WrittenItems => {
  const written = new Set<string>()
  // The length keeps ('a', 'bc') and ('ab', 'c') apart.
  const nameOf = (group: string, field: string): string => `${group.length}:${group}${field}`
  return {
    has: (group, field) => written.has(nameOf(group, field)),
    add: (group, field) => {
      const name = nameOf(group, field)
      if (written.has(name)) return
      written.add(name)
      if (written.size <= REMEMBERED) return
      // A Set keeps the order of insertion: the first is the oldest.
      for (const oldest of written) {
        written.delete(oldest)
        break
      }
    },
  }
}
