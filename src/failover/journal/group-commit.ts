/** Many small writes, few commits: what comes before a transaction runs is part of it. */
export interface GroupCommit<W> {
  /** Resolves with what `action` answers once its commit is done; rejects with the commit's error or a timeout's. */
  join<T>(action: (writer: W) => T): Promise<T>
  /** Commits so far. */
  count(): number
  /** Resolves when nothing runs or waits. */
  ended(): Promise<void>
}

interface Waiting<W> {
  readonly action: (writer: W) => unknown
  readonly settle: (result: unknown) => void
  readonly fail: (error: unknown) => void
}

/**
 * `commit` takes the actions when its transaction begins, runs them all or none, and resolves with their results, in
 * order, when it is done. An action that waits longer than `timeout` ms is given up: `late` makes the error, and hears
 * whether it was taken already.
 */
export const createGroupCommit = <W>(
  commit: (take: () => readonly ((writer: W) => unknown)[]) => Promise<readonly unknown[]>,
  timeout: number,
  late: (begun: boolean) => Error,
): GroupCommit<W> => {
  let waiting: Waiting<W>[] = []
  let running: Promise<void> | undefined
  let count = 0

  const commitAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      let group: Waiting<W>[] = []
      const takeAll = (): Waiting<W>[] => {
        group = waiting
        waiting = []
        return group
      }
      try {
        const results = await commit(() => takeAll().map(({ action }) => action))
        count += 1
        group.forEach(({ settle }, i) => {
          settle(results[i])
        })
      } catch (error) {
        // Where it failed before it took anything, those that wait would fail in the same way, again and again.
        for (const { fail } of group.length > 0 ? group : takeAll()) fail(error)
      }
    }
    running = undefined
  }

  return {
    join: <T>(action: (writer: W) => T) =>
      new Promise<T>((resolve, reject) => {
        const own: Waiting<W> = {
          action,
          settle: (result) => {
            clearTimeout(timer)
            resolve(result as T)
          },
          fail: (error) => {
            clearTimeout(timer)
            reject(error)
          },
        }
        const timer = setTimeout(() => {
          const begun = !waiting.includes(own)
          waiting = waiting.filter((each) => each !== own)
          reject(late(begun))
        }, timeout)
        waiting.push(own)
        running ??= commitAll()
      }),
    count: () => count,
    ended: async () => running,
  }
}
