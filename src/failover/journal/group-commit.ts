/** Many small writes, few commits: those of one moment, and those that come while a commit runs, share one. */
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
 * `commit` runs all actions in one transaction, all or nothing, and answers their results in order. An action that waits
 * longer than `timeout` ms is given up: `late` makes the error, and hears whether its commit had begun.
 */
export const createGroupCommit = <W>(
  commit: (actions: readonly ((writer: W) => unknown)[]) => Promise<readonly unknown[]>,
  timeout: number,
  late: (begun: boolean) => Error,
): GroupCommit<W> => {
  let waiting: Waiting<W>[] = []
  let running: Promise<void> | undefined
  let count = 0

  const commitAll = async (): Promise<void> => {
    // What comes in the same turn still joins.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        const results = await commit(group.map(({ action }) => action))
        count += 1
        group.forEach(({ settle }, i) => {
          settle(results[i])
        })
      } catch (error) {
        for (const { fail } of group) fail(error)
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
