import { StoreError } from '../../instances/store.js'
import type { Taken } from './ahead.js'
import { createGroupCommit } from './group-commit.js'
import { type JournalFiles, journalError, saveTotals, type Totals } from './journal-files.js'
import { createWriter, type Filed, type JournalWriter } from './journal-writing.js'

/** The two ways onto the disk. Rejects with a StoreError of store 'journal'. */
export interface Disk {
  /** Runs inside a transaction, with all that others ask for at that time. */
  write<T>(action: (writer: JournalWriter) => T): Promise<T>
  /** Quicker: to a file first, and into the tables a moment later. For what `goesAhead`. */
  append(instance: string, entries: readonly Filed[]): Promise<void>
  /** What a process that died, or stands still, had only in its file goes into the tables. */
  takeOver(): void
  flushes(): number
  close(): Promise<void>
}

/** ms after which the tables have what only a file had, which costs as much for many entries as for one. */
const BRING = 50
/** ms after a transaction that failed. */
const RETRY = 1_000
const nothing = (): undefined => undefined

export const createDisk = (
  { tables, claim, ahead, ...files }: JournalFiles,
  {
    maxBytes,
    timeout,
    now,
    learn,
  }: {
    readonly maxBytes: number
    readonly timeout: number
    readonly now: () => number
    /** Hears what each transaction left. */
    readonly learn: (totals: Totals) => void
  },
): Disk => {
  let closed = false
  let bringing: NodeJS.Timeout | undefined
  let takingOver: Promise<void> | undefined
  const late = (applied: 'no' | 'unknown'): StoreError =>
    journalError('timeout', `the disk took longer than ${timeout} ms`, applied)

  const commits = createGroupCommit<JournalWriter>(
    async (take) => {
      let taken: Taken | undefined
      try {
        const [totals, results] = await files.commit(() => {
          taken = ahead.take()
          const fresh = files.totals()
          fresh.generation += 1
          const writer = createWriter(tables, fresh, maxBytes)
          for (const { instance, filed } of taken.entries) writer.bring(instance, filed, now())
          const done = take().map((action) => action(writer))
          saveTotals(tables, fresh)
          return [fresh, done] as const
        })
        learn(totals)
        taken?.done()
        return results
      } catch (error) {
        taken?.failed()
        throw error
      }
    },
    timeout,
    (begun) => late(begun ? 'unknown' : 'no'),
  )

  /** One write takes all that is appended in a turn of the event loop, and while the one before is under way. */
  const writes = createGroupCommit<string[]>(
    async (take) => {
      await new Promise<void>((resolve) => process.nextTick(resolve))
      const texts: string[] = []
      const results = take().map((action) => action(texts))
      await ahead.write(texts)
      return results
    },
    timeout,
    // A transaction brings it all the same.
    () => late('unknown'),
  )

  const usable = (): void => {
    if (closed) throw journalError('closed', 'closed')
    if (claim.lost()) throw journalError('unavailable', 'another machine or container may use its folder now')
  }
  const write = async <T>(action: (writer: JournalWriter) => T): Promise<T> => {
    usable()
    return commits.join(action)
  }

  const bringSoon = (ms: number): void => {
    bringing ??= setTimeout(() => {
      bringing = undefined
      if (!closed && ahead.any()) write(nothing).catch(() => bringSoon(RETRY))
    }, ms).unref()
  }

  return {
    write,

    append: async (instance, entries) => {
      usable()
      const text = ahead.add(instance, entries)
      bringSoon(ahead.crowded() ? 0 : BRING)
      try {
        await writes.join((texts) => texts.push(text))
      } catch (error) {
        if (error instanceof StoreError) throw error
        // A transaction may find room where a file doesn't.
        await write(nothing)
      }
    },

    takeOver: () => {
      if (takingOver !== undefined || closed) return
      const left = ahead.left()
      const brought =
        left.entries.length === 0 ? Promise.resolve() : write((writer) => writer.bringAll(left.entries, now()))
      takingOver = brought
        .then(left.done)
        .catch(() => undefined) // It is still there when it is looked for again.
        .finally(() => {
          takingOver = undefined
        })
    },

    flushes: () => commits.count() + writes.count(),

    close: async () => {
      closed = true
      clearTimeout(bringing)
      await writes.ended()
      // Where that fails another process finds the file.
      if (ahead.any()) await commits.join(nothing).catch(() => undefined)
      await takingOver
      await commits.ended()
    },
  }
}
