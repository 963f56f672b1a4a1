import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createAheadFile, frameOf, readAhead } from './ahead-file.js'
import { namesIn, type OwnerState } from './directory.js'
import type { JournalEntry, Scope, TombstoneEntry, ValueEntry } from './journal-entries.js'
import { type Filed, supersedes } from './journal-writing.js'

/** Entries of kept data go this way: each write of an outage waits for one. */
export type AheadEntry = ValueEntry | TombstoneEntry
export const goesAhead = (entry: JournalEntry): entry is AheadEntry =>
  entry.kind === 'value' || entry.kind === 'tombstone'

/** What one transaction brings into the tables. */
export interface Taken {
  readonly entries: readonly { readonly instance: string; readonly filed: Filed }[]
  /** They are there. */
  done(): void
  /** They are not, and wait for the next transaction. */
  failed(): void
}

export interface Left {
  readonly entries: readonly (readonly [instance: string, entry: JournalEntry])[]
  /** They are in the tables. */
  done(): void
}

/**
 * What this process has appended and the tables don't have yet: durable in a file of its own, known here, and brought
 * into the tables by whatever transaction comes next, a moment later at the latest. Of a process that dies another one
 * finds the file.
 */
export interface Ahead {
  /** Known from here on, and brought by the next transaction. Answers what has to be written. */
  add(instance: string, entries: readonly Filed[]): string
  /** Durable when it resolves. Rejects with what the file system says. */
  write(texts: readonly string[]): Promise<void>
  /** Whether it is time for a transaction. */
  crowded(): boolean
  /** Whether anything waits for one. */
  any(): boolean
  holds(instance: string): boolean
  /** Of the journal's bound, about. */
  bytes(): number
  /** The latest of a key. */
  find(instance: string, scope: Scope, key: string): AheadEntry | undefined
  findAll(instance: string, scope: Scope): ReadonlyMap<string, AheadEntry>
  scopes(instance: string): ReadonlySet<Scope>
  /** Of an instance, of each key the latest. */
  filed(instance: string): Iterable<Filed>
  take(): Taken
  /** Of processes that are gone, or stand still. */
  left(): Left
  close(): Promise<void>
}

type FiledAhead = Filed & { readonly entry: AheadEntry }
type Index = Map<string, Map<Scope, Map<string, FiledAhead>>>

/** What was appended between two transactions, of each key the latest. */
interface Layer {
  readonly index: Index
  count: number
  bytes: number
  taken: boolean
}

/** Entries, and bytes of a file, after which a transaction is due at once. */
const MANY = 1_000
const LONG = 4 * 1024 * 1024

export interface AheadOptions {
  readonly folder: string
  /** As the claim shows this process. */
  readonly owner: string
  /** Of the process with the name. */
  readonly stateOf: (owner: string) => OwnerState
}

export const createAhead = ({ folder, owner, stateOf }: AheadOptions): Ahead => {
  const file = createAheadFile(folder, owner)
  let open: Layer = newLayer()
  /** From the earliest to `open`. */
  let layers: Layer[] = [open]
  /** What was read of those that stand still, by path: it needn't be read again. */
  const seen = new Map<string, number>()

  let writing: Promise<void> = Promise.resolve()
  const any = (): boolean => layers.some(({ count }) => count > 0)

  return {
    add: (instance, entries) => {
      for (const filed of entries) addTo(open, instance, filed)
      return JSON.stringify(entries.map(({ entry }) => [instance, entry]))
    },
    write: (texts) => {
      const frames = Buffer.concat(texts.map(frameOf))
      const written = writing.then(() => file.write(frames))
      writing = written.catch(() => undefined) // Whoever wrote hears of it.
      return written
    },
    any,
    crowded: () => open.count > MANY || file.size() > LONG,
    bytes: () => layers.reduce((sum, { bytes }) => sum + bytes, 0),
    holds: (instance) => layers.some(({ index }) => index.has(instance)),
    find: (instance, scope, key) => {
      let latest: AheadEntry | undefined
      for (const { index } of layers) latest = later(latest, index.get(instance)?.get(scope)?.get(key)?.entry)
      return latest
    },

    findAll: (instance, scope) => {
      const all = new Map<string, AheadEntry>()
      for (const { index } of layers) {
        for (const [key, { entry }] of index.get(instance)?.get(scope) ?? [])
          all.set(key, later(all.get(key), entry) ?? entry)
      }
      return all
    },

    scopes: (instance) => new Set(layers.flatMap(({ index }) => [...(index.get(instance)?.keys() ?? [])])),

    filed: (instance) => {
      const all = new Map<string, Filed>()
      for (const layer of layers) {
        for (const { instance: of, filed } of entriesIn(layer))
          if (of === instance) all.set(filed.key.toString('latin1'), filed)
      }
      return all.values()
    },

    take: () => {
      const free = layers.filter(({ taken, count }) => !taken && count > 0)
      if (free.length === 0) return nothing
      for (const layer of free) layer.taken = true
      if (open.taken) open = newLayer()
      if (!layers.includes(open)) layers = [...layers, open]
      file.turn()
      return {
        entries: free.flatMap(entriesIn),
        done: () => {
          layers = layers.filter((layer) => !free.includes(layer))
          // Else another transaction, or the next one, is still to bring what lies in the file.
          // (Where it can't be emptied, somebody may bring that once more, which changes nothing.)
          if (layers.length === 1) file.empty().catch(() => undefined)
        },
        failed: () => {
          for (const layer of free) layer.taken = false
        },
      }
    },

    left: () => {
      const entries: [string, JournalEntry][] = []
      const gone: string[] = []
      for (const name of namesIn(folder)) {
        const theirs = name.slice(0, name.lastIndexOf('.'))
        const state = theirs === owner ? 'alive' : stateOf(theirs)
        if (state === 'alive') continue
        const path = join(folder, name)
        const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
        if (state === 'gone') gone.push(path)
        else if (seen.get(path) === size) continue
        seen.set(path, size)
        for (const text of readAhead(path)) entries.push(...(JSON.parse(text) as [string, JournalEntry][]))
      }
      return {
        entries,
        done: () => {
          for (const path of gone) rmSync(path, { force: true })
        },
      }
    },

    close: async () => {
      await writing
      // What no transaction took is for those who come after.
      await file.close(any())
    },
  }
}

const newLayer = (): Layer => ({ index: new Map(), count: 0, bytes: 0, taken: false })

const entriesIn = ({ index }: Layer): Taken['entries'] =>
  [...index].flatMap(([instance, scopes]) =>
    [...scopes.values()].flatMap((keys) => [...keys.values()].map((filed) => ({ instance, filed }))),
  )

const nothing: Taken = { entries: [], done: () => undefined, failed: () => undefined }

const later = (a: AheadEntry | undefined, b: AheadEntry | undefined): AheadEntry | undefined =>
  a === undefined || (b !== undefined && supersedes(b, a)) ? b : a

/** Of one key the higher version stays known, whatever comes last. */
const addTo = (layer: Layer, instance: string, filed: Filed): void => {
  const { entry } = filed
  if (!goesAhead(entry)) throw new Error(`${entry.kind} does not go ahead`)
  layer.count += 1
  layer.bytes += filed.size
  const scopes = layer.index.get(instance) ?? new Map<Scope, Map<string, FiledAhead>>()
  layer.index.set(instance, scopes)
  const keys = scopes.get(entry.scope) ?? new Map<string, FiledAhead>()
  scopes.set(entry.scope, keys)
  const known = keys.get(entry.key)
  if (later(known?.entry, entry) === entry) keys.set(entry.key, { ...filed, entry })
}
