import { accessSync, constants, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { StoreError, type StoreErrorKind } from '../instances/store.js'

/** A text and when it ends (epoch ms). */
export type Entry = [endsAt: number, text: string]
/** When the group ends (epoch ms, 0: never), how many items it has, and the 8 bytes its items' keys begin with. */
export type Group = [endsAt: number, count: number, id: Uint8Array]

/** Keys are bytes, so that their order is byte order and a prefix is exact. */
export interface Tables {
  readonly entries: Database<Entry, Buffer>
  readonly groups: Database<Group, Buffer>
  /** By group id, then field. */
  readonly items: Database<string, Buffer>
  /** Ids of groups that are gone while their items still lie there. */
  readonly dropped: Database<true, Buffer>
}

export interface EmbeddedDatabase {
  readonly tables: Tables
  /**
   * Runs `action` alone among all processes; resolves when its changes are on disk. It must check first and write last:
   * nothing is rolled back. Where its turn doesn't come within `timeout` ms it never runs: whoever was told so may have
   * made a later change elsewhere. One that began may still reach the disk: its error says 'unknown'.
   */
  transact<T>(action: () => T, timeout: number | undefined): Promise<T>
  refuse(kind: StoreErrorKind, text: string): StoreError
  keyOf(key: string): Buffer
  /** LMDB takes keys of up to 1,978 bytes: throws for a longer one. */
  checkKeyLength(bytes: number): void
  /** The error of a write to a store that has reached its limit. */
  fullError(): StoreError | undefined
  /** Waits for the transactions that run. Nothing may be read or begun from here on. */
  close(): Promise<void>
}

/** Opens it at the first call. Throws a StoreError where that isn't possible, or once it is closed; `applied` tells what the call has done so far. */
export type OpenDatabase = (applied?: StoreError['applied']) => EmbeddedDatabase

/** A disk may be busy with somebody else's flush: far above what a commit takes, far below for ever. */
const COMMIT_LIMIT = 3_000
const MAX_KEY = 1_978
const MAX_BYTES = 256 * 1024 * 1024
/** ms in which nobody fills the other half of a store. To ask LMDB how full it is costs a quarter of a write. */
const HALF = 20

/** Opens or creates the store in `dir`. Throws a StoreError of kind 'configuration' where that isn't possible. */
export const openDatabase = (name: string, dir: string, maxBytes = MAX_BYTES): EmbeddedDatabase => {
  const refuse = (kind: StoreErrorKind, text: string): StoreError =>
    new StoreError(kind, name, `${name}: ${text}`, 'no')
  const files = filesIn(dir, refuse)
  const { root, tables, running } = files
  let roomUntil = 0
  const checkKeyLength = (bytes: number): void => {
    if (bytes > MAX_KEY) throw refuse('refused', `the key is longer than ${MAX_KEY} bytes`)
  }

  return {
    tables,
    refuse,
    transact: <T>(action: () => T, timeout = COMMIT_LIMIT) =>
      new Promise<T>((resolve, reject) => {
        let turn: 'awaited' | 'come' | 'gone' = 'awaited'
        let answer: { readonly value: T } | undefined
        const inTurn = (): void => {
          if (turn === 'gone') return
          turn = 'come'
          answer = { value: action() }
        }
        const timer = setTimeout(() => {
          const applied = turn === 'come' ? 'unknown' : 'no'
          turn = 'gone'
          reject(new StoreError('timeout', name, `${name}: the disk took longer than ${timeout} ms`, applied))
        }, timeout)
        // It stays queued after its time is over, so it is what close has to wait for.
        const ended = root
          .transaction(inTurn)
          .then(
            () => answer !== undefined && resolve(answer.value),
            (error) => reject(error instanceof StoreError ? error : failure(name, error)),
          )
          .finally(() => {
            clearTimeout(timer)
            running.delete(ended)
          })
        running.add(ended)
      }),
    keyOf: (key) => {
      const bytes = Buffer.from(key)
      checkKeyLength(bytes.length)
      return bytes
    },
    checkKeyLength,
    // Counted by pages of what is stored: freed pages are used again, so a store that was cleared takes writes again.
    fullError: () => {
      const now = performance.now()
      if (now < roomUntil) return undefined
      const used = Object.values(tables).reduce((sum, each: Database) => sum + bytesOf(each.getStats()), 0)
      if (used <= maxBytes / 2) roomUntil = now + HALF
      if (used <= maxBytes) return undefined
      return refuse('full', `the embedded store holds ${Math.round(maxBytes / 1024 / 1024)} MB, which is its limit`)
    },
    close: () => release(files),
  }
}

interface Files {
  readonly place: string
  readonly root: RootDatabase
  readonly tables: Tables
  readonly running: Set<Promise<unknown>>
  users: number
  closed: Promise<void> | undefined
}

/**
 * Open files by folder. Within a process they are opened once: opening takes LMDB's write lock on this thread, for ever
 * where a transaction of another opening holds it and waits for this thread.
 */
const openFiles = new Map<string, Files>()

const filesIn = (dir: string, refuse: EmbeddedDatabase['refuse']): Files => {
  const place = resolve(dir)
  const known = openFiles.get(place)
  if (known !== undefined) {
    known.users++
    return known
  }
  const root = openRoot(dir, refuse)
  const table = <V>(title: string): Database<V, Buffer> =>
    root.openDB<V, Buffer>({ name: title, keyEncoding: 'binary' })
  const tables: Tables = {
    entries: table('entries'),
    groups: table('groups'),
    items: table('items'),
    dropped: table('dropped'),
  }
  const files: Files = { place, root, tables, running: new Set(), users: 1, closed: undefined }
  openFiles.set(place, files)
  return files
}

/** The last user closes, after what runs: LMDB throws at whoever reads while it closes, and once more from a timer. */
const release = async (files: Files): Promise<void> => {
  files.users--
  do await Promise.all(files.running)
  while (files.users === 0 && files.running.size > 0)
  if (files.users > 0) return
  if (files.closed === undefined) {
    openFiles.delete(files.place)
    files.closed = files.root.close()
  }
  await files.closed
}

export const openRoot = (dir: string, refuse: EmbeddedDatabase['refuse']): RootDatabase => {
  try {
    // Before LMDB does: in some places that can't be written it never returns.
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
    // Without overlapping sync a commit is on disk when its promise resolves; writes of one tick share a commit.
    return open({ path: dir, maxDbs: 8, keyEncoding: 'binary', overlappingSync: false, noSubdir: false })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw refuse('configuration', `its folder can't be written${code}: set MOTIA_REDIS_DIR to one that can`)
  }
}

/** LMDB's own words say what is wrong with the disk and hold no data. */
export const failure = (name: string, error: unknown): StoreError => {
  const text = error instanceof Error ? error.message : 'unknown'
  const full = /MAP_FULL|ENOSPC|No space/i.test(text)
  return new StoreError(full ? 'full' : 'unavailable', name, `${name}: ${full ? 'the disk is full' : text}`, 'unknown')
}

const bytesOf = (stats: object): number => {
  const count = (field: string): number => Number(Reflect.get(stats, field) ?? 0)
  return count('pageSize') * (count('treeBranchPageCount') + count('treeLeafPageCount') + count('overflowPages'))
}

/** The first key after all that begin with `prefix`; undefined: there is none after them. */
const afterPrefix = (prefix: Buffer): Buffer | undefined => {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const end = Buffer.from(prefix.subarray(0, length))
  end[length - 1] = (end[length - 1] ?? 0) + 1
  return end
}

/** Bounds of the keys that begin with `prefix`. */
export const within = (prefix: Buffer): { start: Buffer; end?: Buffer } => {
  const end = afterPrefix(prefix)
  // LMDB has no empty key, and takes an empty bound for none.
  const start = prefix.length === 0 ? Buffer.from([0]) : prefix
  return end === undefined ? { start } : { start, end }
}
