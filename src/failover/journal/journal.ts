import { MARKER_LIFE } from '../versions/merge.js'
import { goesAhead } from './ahead.js'
import type { ClaimOptions } from './directory.js'
import { createDisk } from './journal-disk.js'
import {
  type DeltaEntry,
  everywhere,
  type InvalidEntry,
  invalidAllKey,
  invalidKey,
  type JournalEntry,
  type KeptEntry,
} from './journal-entries.js'
import { type AsideRow, checkRecordKey, journalError, openJournalFiles } from './journal-files.js'
import { createKnown, type JournalStats } from './journal-known.js'
import { createOverlay, type Overlay } from './journal-overlay.js'
import { type Filed, filed, queueKey, type Retired } from './journal-writing.js'

/** An entry as it waits for its home. */
export interface Pending {
  readonly entry: JournalEntry
  /** Another one means that it was written again since. */
  readonly seq: number
  /** When it began to count, epoch ms. */
  readonly startedAt: number
  /**
   * ended: a value whose life is over; replay its tombstone. aged: too old to be replayed as it is, because markers that
   * would keep it out may be gone: cached data is deleted at home, kept data set aside.
   */
  readonly due: 'as-it-is' | 'ended' | 'aged'
}

export interface Aside {
  readonly instance: string
  readonly entry: JournalEntry
  /** Epoch ms. */
  readonly at: number
  readonly reason: string
}

/**
 * Writes that have not reached their home yet, by instance, in LMDB, shared by the processes of a machine. Every call
 * that writes resolves when it is committed and flushed; those of one moment share a commit. Rejects with a StoreError
 * of store 'journal': 'full' (kept data was refused, nothing of the call was taken), 'timeout', 'unavailable', 'closed'.
 */
export interface Journal extends Overlay {
  /**
   * All or none. Of what an instance has already, the later wins: by version where there is one. Resolves at once, and
   * writes nothing, where all of them say 'invalid' of what an entry says so of that nobody has begun to replay.
   */
  append(instance: string, entries: readonly JournalEntry[]): Promise<void>
  /**
   * To be replayed: what waited at the start, oldest first, as it is when its batch is taken; without what was written
   * again since.
   */
  batches(instance: string, limit: number): AsyncGenerator<Pending[], void>
  /** Takes away what was replayed, if unchanged since. How many. */
  remove(instance: string, replayed: readonly Pending[]): Promise<number>
  /**
   * A live write reached the instance by itself: what waits for it about the same, and is no later, is done. Unlike an
   * entry for what is there already it leaves nothing to replay, or a key that is written all the time would never end.
   */
  settle(instance: string, written: KeptEntry): Promise<void>
  /** Keeps them out of replay for good, to be seen and judged by a person. How many; what didn't fit stays. */
  setAside(instance: string, pending: readonly Pending[], reason: string): Promise<number>
  listAside(limit: number): Aside[]
  /** Runs `action` if nothing waits for the instance, while no process can append: what it decides is still true then. */
  whenEmpty(instance: string, action: () => void): Promise<boolean>
  /**
   * Said from time to time: these instances are in use. What waits for others, of which nobody has said so for 24 hours, is
   * given up: kept data is set aside, cached data becomes one entry per category.
   */
  inUse(instances: readonly string[]): Promise<Retired>
  /**
   * From here on `holds` and all else know what other processes had in the tables before now, not only `refresh` ms ago;
   * others that opened it since are missed, and what others have only in files of their own, up to 50 ms. Costs a row of
   * a table where there are others, for all who ask at once, as where replies come together.
   */
  look(): void
  /** As last known: of other processes up to `refresh` ms ago. Looks into mapped memory at most. */
  stats(instance: string): JournalStats
  /** How often this process had the disk flushed. */
  commits(): number
  close(): Promise<void>
}

export interface JournalOptions {
  /** MOTIA_REDIS_DIR; the journal lies in `<dir>/journal`. */
  readonly dir: string
  /** @default 64 MB */
  readonly maxBytes?: number
  /** ms after which entries of other processes are known here. @default 200 */
  readonly refresh?: number
  /** ms a write may wait for the disk. @default 3000 */
  readonly timeout?: number
  /** Epoch ms. @default Date.now */
  readonly now?: () => number
  readonly claiming?: ClaimOptions
}

/** Ids of increments are kept at home as long as markers are. */
const MAX_AGE = MARKER_LIFE
const MAX_BYTES = 64 * 1024 * 1024
/** Bytes of an append that isn't worth writing twice. */
const LARGE = 256 * 1024

/** Opens or creates it. Throws a StoreError of kind 'configuration' where the folder can't be written or is another's. */
export const openJournal = (options: JournalOptions): Journal => {
  const { dir, maxBytes = MAX_BYTES, refresh = 200, timeout = 3_000, now = Date.now } = options
  const files = openJournalFiles(dir, options.claiming)
  const { tables, claim, ahead } = files
  // Before what they wrote is learned: of those that are gone nothing is missed then.
  let shared = files.shared()
  const known = createKnown(files, now)
  let closed = false
  /** Where the folder can't be listed somebody may have opened it. */
  const isShared = (): boolean => {
    try {
      return files.shared()
    } catch {
      return true
    }
  }

  const disk = createDisk(files, { maxBytes, timeout, now, learn: known.learn })
  const { write } = disk

  const unlessLost = (work: () => void): void => {
    if (closed || claim.lost()) return
    try {
      work()
    } catch {
      // The disk can't be read: what was known stays, and the next call that needs it says so.
    }
  }
  const timer = setInterval(
    () =>
      unlessLost(() => {
        shared = isShared()
        known.learn(files.totals(), 'anew')
        disk.takeOver()
      }),
    refresh,
  ).unref()
  let looked = false

  const dueOf = (entry: JournalEntry, startedAt: number): Pending['due'] => {
    if (startedAt + MAX_AGE <= now()) return 'aged'
    return entry.kind === 'value' && entry.endsAt !== false && entry.endsAt <= now() ? 'ended' : 'as-it-is'
  }

  const mayHold = (instance: string): boolean =>
    (known.holds(instance) || ahead.holds(instance)) && !closed && !claim.lost()

  /**
   * What is replayed is removed at the instance first and here afterwards: in between it doesn't say any more that what
   * is written there from now on is invalid.
   */
  const isInvalid = (instance: string, entries: readonly JournalEntry[]): boolean => {
    if (!mayHold(instance) || !entries.every(saysInvalid)) return false
    files.refresh()
    const replayed = files.totals().rounds[instance] ?? 0
    const stands = (key: Buffer): boolean => (tables.records.get(key)?.[0] ?? 0) > replayed
    return entries.every(
      ({ scope, key }) =>
        stands(invalidKey(instance, scope, key)) ||
        stands(invalidAllKey(instance, scope)) ||
        stands(invalidAllKey(instance, everywhere)),
    )
  }

  /** As far as is known here: near the bound it is for a transaction to say. */
  const fits = (ready: readonly Filed[]): boolean => {
    const size = ready.reduce((sum, each) => sum + each.size, 0)
    return size <= LARGE && known.bytes() + ahead.bytes() + size <= maxBytes
  }

  return {
    ...createOverlay(files, mayHold, now),

    append: async (instance, entries) => {
      if (isInvalid(instance, entries)) return
      const ready = entries.map((entry) => filed(instance, entry))
      for (const { key } of ready) checkRecordKey(key)
      if (entries.every(goesAhead) && fits(ready)) return disk.append(instance, ready)
      const taken = await write((writer) => writer.add(instance, ready, now()))
      if (!taken) throw journalError('full', `it holds ${Math.round(maxBytes / 1024 / 1024)} MB, which is its limit`)
    },

    async *batches(instance, limit) {
      await write((writer) => writer.beginRound(instance))
      // What comes meanwhile is for the next round: else there would be no end under load.
      const end = queueKey(instance, files.totals().seq + 1)
      let start = queueKey(instance, 0)
      while (!closed) {
        const rows = [...tables.queue.getRange({ start, exclusiveStart: true, end, limit })]
        const batch: Pending[] = []
        for (const { key, value } of rows) {
          start = Buffer.from(key)
          const row = tables.records.get(value)
          if (row === undefined) continue
          const [seq, startedAt, , entry] = row
          batch.push({ entry, seq, startedAt, due: dueOf(entry, startedAt) })
        }
        const last = batch.at(-1)
        if (last !== undefined) {
          const adds = batch.some(({ entry }) => entry.kind === 'delta')
          if (adds) await write((writer) => writer.beginAdding(instance, last.seq, now()))
          try {
            yield batch
          } finally {
            if (adds) await write((writer) => writer.endAdding(instance))
          }
        }
        if (rows.length < limit) return
      }
    },

    remove: (instance, replayed) =>
      write((writer) => replayed.filter(({ seq }) => writer.remove(instance, seq)).length),

    settle: (instance, written) => write((writer) => writer.settle(instance, written)),

    setAside: (instance, pending, reason) =>
      write((writer) => pending.filter(({ seq }) => writer.setAside(instance, seq, reason, now())).length),

    listAside: (limit) =>
      [...tables.aside.getRange({ limit })].map(({ key, value: [at, , reason, entry] }: AsideItem) => ({
        instance: key.subarray(0, key.indexOf(0)).toString(),
        entry,
        at,
        reason,
      })),

    inUse: async (instances) => {
      let all: Retired = { count: 0, dropped: 0 }
      const idle = await write((writer) => writer.configured(instances, now(), MAX_AGE))
      for (const instance of idle) {
        let retired: Retired
        do {
          retired = await write((writer) => writer.retire(instance, 'its address is not configured any more', now()))
          all = { count: all.count + retired.count, dropped: all.dropped + retired.dropped }
        } while (retired.count > 0)
      }
      return all
    },

    whenEmpty: (instance, action) =>
      write((writer) => {
        const empty = writer.isEmpty(instance)
        if (empty) action()
        return empty
      }),

    look: () => {
      if (looked || !shared) return
      looked = true
      // Whoever begins something from now on gets no reply before that.
      process.nextTick(() => {
        looked = false
      })
      unlessLost(() => {
        files.refresh()
        known.learn(files.totals())
      })
    },

    stats: known.stats,

    commits: disk.flushes,

    close: async () => {
      if (closed) return
      closed = true
      clearInterval(timer)
      await disk.close()
      await files.close()
    },
  }
}

/** About one key of cached data; where that is invalid, an increment is nothing more to remember. */
const saysInvalid = (entry: JournalEntry): entry is Extract<InvalidEntry, { kind: 'invalid' }> | DeltaEntry =>
  entry.kind === 'invalid' || (entry.kind === 'delta' && !entry.kept)

interface AsideItem {
  readonly key: Buffer
  readonly value: AsideRow
}
