/** Runs at most so many jobs at a time, the rest in the order they came. Jobs never reject. */
export interface Gate {
  run(job: () => Promise<void>): void
  /** Running and waiting jobs. */
  count(): number
  /** Forgets the jobs that have not begun. */
  clear(): void
}

export const createGate = (width: number): Gate => {
  const queue = new Set<() => Promise<void>>() // a list whose head is cheap to take
  let running = 0

  const next = (): void => {
    for (const job of queue) {
      if (running >= width) return
      queue.delete(job)
      running += 1
      void job().then(() => {
        running -= 1
        next()
      })
    }
  }
  return {
    run: (job) => {
      queue.add(job)
      next()
    },
    count: () => running + queue.size,
    clear: () => queue.clear(),
  }
}
