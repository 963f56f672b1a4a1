import { join, resolve } from 'node:path'
import type { Database } from 'lmdb'
import { failure, openRoot } from '../../embedded/database.js'
import { StoreError, type StoreErrorKind } from '../../instances/store.js'
import { type Ahead, createAhead, type Left } from './ahead.js'
import { type Claim, type ClaimOptions, claimDirectory, ownerState } from './directory.js'
import type { JournalEntry } from './journal-entries.js'
import { createWriter } from './journal-writing.js'

/** `seq`: where in the queue it stands; another one means that it was written again. */
export type Row = [seq: number, startedAt: number, size: number, entry: JournalEntry]
export type AsideRow = [at: number, size: number, reason: string, entry: JournalEntry]
/** By instance: entries, bytes, entries set aside, their bytes. */
export type Counts = Record<string, [entries: number, bytes: number, aside: number, asideBytes: number]>
/** `generation` rises with every transaction, `seq` with every entry. */
export interface Totals {
  generation: number
  seq: number
  counts: Counts
  /** By instance: the last entry that was there when somebody began to replay. It may be gone at any moment. */
  rounds: Record<string, number>
  /** By instance: how often a batch with increments was begun or ended; the last entry of one that is under way, and until when. */
  adding?: Record<string, [changes: number, upTo: number, until: number]>
  /** By instance: when a process was last configured with it. */
  configured?: Record<string, number>
}

/** Increments of one key together. `by`: no safe integer where they never were one together since they wait. */
export type Sum = [count: number, by: number, earliestEnd: number, latestEnd: number]

export interface JournalTables {
  /** By recordKeyOf. */
  readonly records: Database<Row, Buffer>
  /** By instance and seq: the key in `records`. */
  readonly queue: Database<Buffer, Buffer>
  /** By deltasOf: what waits there, so that nobody has to add up thousands. The ends are those of what ever waited. */
  readonly sums: Database<Sum, Buffer>
  readonly aside: Database<AsideRow, Buffer>
  readonly meta: Database<Totals, Buffer>
}

export interface JournalFiles {
  readonly tables: JournalTables
  readonly claim: Claim
  readonly ahead: Ahead
  /** What is read from here on is at least as new as what is committed now. */
  refresh(): void
  totals(): Totals
  /** Whether anybody else uses them now, in this process or another one of the machine. */
  shared(): boolean
  /** Runs alone among all processes, all or nothing; resolves when it is on disk. */
  commit<T>(action: () => T): Promise<T>
  close(): Promise<void>
}

const TOTALS = Buffer.from('totals')
const MAX_KEY = 1_978
/** ms. */
const READER_CHECK = 60_000

export const journalError = (kind: StoreErrorKind, text: string, applied: 'no' | 'unknown' = 'no'): StoreError =>
  new StoreError(kind, 'journal', `journal: ${text}`, applied)

export const checkRecordKey = (key: Buffer): Buffer => {
  if (key.length > MAX_KEY) throw journalError('refused', `the names are longer than ${MAX_KEY} bytes`)
  return key
}

/** Open files by folder, and how many use them. */
const openFiles = new Map<string, { readonly files: JournalFiles; users: number }>()

/**
 * Opens or creates `<dir>/journal`. Throws a StoreError of kind 'configuration' where that isn't possible. Within a
 * process a folder is opened once, by whoever comes first: see embedded/database.ts.
 */
export const openJournalFiles = (dir: string, claiming?: ClaimOptions): JournalFiles => {
  const place = JSON.stringify([resolve(dir), claiming?.place])
  const known = openFiles.get(place)
  const shared = known === undefined || known.files.claim.lost() ? { files: openAnew(dir, claiming), users: 0 } : known
  openFiles.set(place, shared)
  shared.users++
  return {
    ...shared.files,
    shared: () => shared.users > 1 || shared.files.shared(),
    close: async () => {
      shared.users--
      if (shared.users > 0) return
      if (openFiles.get(place) === shared) openFiles.delete(place)
      await shared.files.close()
    },
  }
}

const openAnew = (dir: string, claiming: ClaimOptions | undefined): JournalFiles => {
  const claim = claimDirectory(dir, claiming)
  try {
    const root = openRoot(join(dir, 'journal'), journalError)
    const table = <V>(name: string, encoding: 'msgpack' | 'binary' = 'msgpack'): Database<V, Buffer> =>
      root.openDB<V, Buffer>({ name, keyEncoding: 'binary', encoding })
    const tables: JournalTables = {
      records: table('records'),
      queue: table('queue', 'binary'),
      sums: table('sums'),
      aside: table('aside'),
      meta: table('meta'),
    }
    // What a killed process was reading stays pinned, and the file grows, until somebody notices.
    const checking = setInterval(() => root.readerCheck(), READER_CHECK).unref()
    const ahead = createAhead({
      folder: join(dir, 'journal', 'ahead'),
      owner: claim.owner,
      stateOf: (owner) => ownerState(dir, owner, claiming),
    })
    const totals = (): Totals => tables.meta.get(TOTALS) ?? { generation: 0, seq: 0, counts: {}, rounds: {} }
    // Before anybody reads: nothing else runs here yet that this thread could wait for.
    try {
      const left = ahead.left()
      if (left.entries.length > 0) root.transactionSync(() => bringLeft(tables, totals(), left.entries))
      left.done()
    } catch (error) {
      const { message } = failure('journal', error)
      throw journalError('configuration', `what a server left there can't be read: ${message}`)
    }
    return {
      claim,
      tables,
      ahead,
      refresh: () => root.resetReadTxn(),
      totals,
      shared: claim.shared,
      commit: async (action) => {
        try {
          return await root.childTransaction(action)
        } catch (error) {
          throw error instanceof StoreError ? error : failure('journal', error)
        } finally {
          // What was read before the commit in this turn must not be what is read after it.
          root.resetReadTxn()
        }
      },
      close: async () => {
        clearInterval(checking)
        await ahead.close()
        await root.close()
        claim.release()
      },
    }
  } catch (error) {
    claim.release()
    throw error
  }
}

/** Inside a transaction: what processes that are gone had not brought into the tables. */
const bringLeft = (tables: JournalTables, totals: Totals, left: Left['entries']): void => {
  totals.generation += 1
  createWriter(tables, totals, 0).bringAll(left, Date.now())
  saveTotals(tables, totals)
}

export const saveTotals = (tables: JournalTables, totals: Totals): void => {
  tables.meta.putSync(TOTALS, totals)
}
