import { within } from '../../embedded/database.js'
import { replaces } from '../versions/merge.js'
import {
  classOf,
  deltasIn,
  deltasOf,
  everywhere,
  instancePrefix,
  invalidAllKey,
  invalidKey,
  isKept,
  type JournalEntry,
  type KeptEntry,
  keptOf,
  recordKeyOf,
  type Scope,
  sizeOf,
  startOf,
  type TagEntry,
} from './journal-entries.js'
import type { JournalTables, Row, Totals } from './journal-files.js'
import { countDelta } from './journal-sums.js'

/** Records removed in one go where the journal is full: never long enough to hold up the event loop. */
const TRIM = 2_000

/** ms after which a batch isn't under way any more, whoever began it: it died. */
const BATCH = 3_000

/** An entry and its place, made ready before the transaction, which holds up everybody else. */
export interface Filed {
  readonly entry: JournalEntry
  /** By recordKeyOf. */
  readonly key: Buffer
  readonly size: number
}

export const filed = (instance: string, entry: JournalEntry): Filed => {
  const key = recordKeyOf(instance, entry)
  return { entry, key, size: sizeOf(key, entry) }
}

/** What was given up. */
export interface Retired {
  readonly count: number
  /** Kept data among it that is lost, because too much is set aside already. */
  readonly dropped: number
}

/** One transaction's view of the journal. Everything here runs inside it. */
export interface JournalWriter {
  /** False: full, and nothing of them was taken. */
  add(instance: string, entries: readonly Filed[], now: number): boolean
  /** What is durable already, whatever the bound. */
  bring(instance: string, filed: Filed, now: number): void
  bringAll(entries: readonly (readonly [instance: string, entry: JournalEntry])[], now: number): void
  /** Somebody begins to replay what is there now. */
  beginRound(instance: string): void
  /** Somebody begins to replay a batch that has increments in it. */
  beginAdding(instance: string, upTo: number, now: number): void
  /** It is done, or failed. */
  endAdding(instance: string): void
  /** Whether it was still the one with this seq. */
  remove(instance: string, seq: number): boolean
  /** The instance has it: what waits about the same and is no later goes. */
  settle(instance: string, entry: KeptEntry): void
  /** Like remove, but keeps it apart. False also where too much is set aside already. */
  setAside(instance: string, seq: number, reason: string, now: number): boolean
  isEmpty(instance: string): boolean
  /** These are in use; those that nobody used for so many ms. */
  configured(instances: readonly string[], now: number, maxAge: number): string[]
  /** Of one that is not in use: kept data is set aside, cached data gives way. Of a limited number. */
  retire(instance: string, reason: string, now: number): Retired
}

export const queueKey = (instance: string, seq: number): Buffer => {
  const place = Buffer.alloc(8)
  place.writeBigUInt64BE(BigInt(seq))
  return Buffer.concat([instancePrefix(instance), place])
}

export const createWriter = (tables: JournalTables, totals: Totals, maxBytes: number): JournalWriter => {
  const { records, queue, sums, aside } = tables

  const countsOf = (instance: string) => {
    totals.counts[instance] ??= [0, 0, 0, 0]
    return totals.counts[instance]
  }
  const changesOf = (instance: string): number => totals.adding?.[instance]?.[0] ?? 0
  const used = (): number => Object.values(totals.counts).reduce((sum, [, bytes]) => sum + bytes, 0)

  /** All of it but the record itself. */
  const forget = (instance: string, [seq, , size, entry]: Row): void => {
    if (entry.kind === 'delta') countDelta(tables, instance, entry, -1)
    queue.removeSync(queueKey(instance, seq))
    const counts = countsOf(instance)
    counts[0] -= 1
    counts[1] -= size
  }

  const drop = (instance: string, key: Buffer, row: Row): void => {
    records.removeSync(key)
    forget(instance, row)
  }

  /** At most `limit` are looked at. */
  const dropRange = (instance: string, prefix: Buffer, which: (entry: JournalEntry) => boolean, limit?: number) => {
    const range = records.getRange({ ...within(prefix), ...(limit === undefined ? {} : { limit }) })
    // Read to the end first: a cursor doesn't survive what is removed under it.
    const found = [...range].filter(({ value }) => which(value[3]))
    for (const { key, value } of found) drop(instance, Buffer.from(key), value)
    return found.length
  }

  const put = (instance: string, { entry, key, size }: Filed, now: number): void => {
    const existing = records.get(key)
    if (existing !== undefined && !supersedes(entry, existing[3])) return
    if (entry.kind === 'delta' && !entry.kept && isInvalid(instance, entry.scope, entry.key)) return
    if (existing !== undefined) forget(instance, existing)
    // What was added before is part of the value, or gone with it.
    if (entry.kind === 'invalid' || entry.kind === 'value' || entry.kind === 'tombstone') dropDeltas(instance, entry)
    if (entry.kind === 'clear') dropRange(instance, deltasIn(instance, entry.scope), () => true)
    totals.seq += 1
    records.putSync(key, [totals.seq, startOf(entry, now), size, entry])
    queue.putSync(queueKey(instance, totals.seq), key)
    if (entry.kind === 'delta') countDelta(tables, instance, entry, 1)
    const counts = countsOf(instance)
    counts[0] += 1
    counts[1] += size
  }

  /** Nearly always there are none, which their sum tells at once. */
  const dropDeltas = (instance: string, { scope, key }: { readonly scope: Scope; readonly key: string }): void => {
    const place = deltasOf(instance, scope, key)
    if (sums.doesExist(place)) dropRange(instance, place, () => true)
  }

  /** What waits and bears the tag is gone. What it replaced must not come back, so it counts as a tombstone. */
  const bury = (instance: string, { scope, tag, version }: TagEntry): void => {
    for (const { value } of [...records.getRange(within(keptOf(instance, scope)))]) {
      const [, startedAt, , each] = value
      if (each.kind !== 'value' || each.version > version || each.tags?.includes(tag) !== true) continue
      const { key } = each
      put(instance, filed(instance, { kind: 'tombstone', scope, key, version: each.version }), startedAt)
    }
  }

  /** Replay deletes the counter, so there is nothing to add to. */
  const isInvalid = (instance: string, scope: string, key: string): boolean =>
    records.doesExist(invalidKey(instance, scope, key)) ||
    records.doesExist(invalidAllKey(instance, scope)) ||
    records.doesExist(invalidAllKey(instance, everywhere))

  /** Ranges of increments of cached categories: those of kept ones, however many, aren't looked through. */
  const cachedDeltas = (instance: string): Buffer[] => {
    const ranges: Buffer[] = []
    let range = within(classOf(instance, 'd'))
    const { end } = range
    for (;;) {
      const [first] = [...records.getRange({ ...range, limit: 1 })]
      if (first === undefined) return ranges
      const [, , , entry] = first.value
      const ofScope = deltasIn(instance, entry.scope)
      if (!isKept(entry)) ranges.push(ofScope)
      const { end: next } = within(ofScope)
      if (next === undefined) return ranges
      range = { start: next, ...(end === undefined ? {} : { end }) }
    }
  }

  /** Cached data gives way: one entry per category says more than enough. */
  const trim = (now: number): void => {
    let left = TRIM
    for (const instance of Object.keys(totals.counts)) {
      const scopes = new Set<string>()
      const cached = (entry: JournalEntry): boolean => {
        if (isKept(entry)) return false
        scopes.add(entry.scope)
        return true
      }
      for (const range of [classOf(instance, 'I'), classOf(instance, 'T'), ...cachedDeltas(instance)]) {
        if (left > 0) left -= dropRange(instance, range, cached, left)
      }
      for (const scope of scopes) put(instance, filed(instance, { kind: 'invalid-all', scope }), now)
      if (left <= 0) return
    }
  }

  const setAside: JournalWriter['setAside'] = (instance, seq, reason, now) => {
    const key = queue.get(queueKey(instance, seq))
    const row = key === undefined ? undefined : records.get(key)
    if (key === undefined || row === undefined || row[0] !== seq) return false
    const [, , size, entry] = row
    const counts = countsOf(instance)
    if (counts[3] + size > maxBytes) return false
    drop(instance, key, row)
    aside.putSync(queueKey(instance, seq), [now, size, reason, entry])
    counts[2] += 1
    counts[3] += size
    return true
  }

  return {
    add: (instance, entries, now) => {
      const growth = entries.reduce((sum, { size }) => sum + size, 0)
      if (used() + growth > maxBytes) trim(now)
      if (used() + growth <= maxBytes) {
        for (const entry of entries) put(instance, entry, now)
        return true
      }
      if (entries.some(({ entry }) => isKept(entry))) return false
      for (const { entry } of entries) put(instance, filed(instance, { kind: 'invalid-all', scope: entry.scope }), now)
      return true
    },

    bring: put,
    bringAll: (entries, now) => {
      for (const [instance, entry] of entries) put(instance, filed(instance, entry), now)
    },

    beginRound: (instance) => {
      totals.rounds[instance] = totals.seq
    },

    beginAdding: (instance, upTo, now) => {
      totals.adding = { ...totals.adding, [instance]: [changesOf(instance) + 1, upTo, now + BATCH] }
    },
    endAdding: (instance) => {
      totals.adding = { ...totals.adding, [instance]: [changesOf(instance) + 1, 0, 0] }
    },

    remove: (instance, seq) => {
      const key = queue.get(queueKey(instance, seq))
      if (key === undefined) return false
      const row = records.get(key)
      if (row === undefined || row[0] !== seq) return false
      drop(instance, key, row)
      return true
    },

    settle: (instance, entry) => {
      const notLater = (each: JournalEntry): boolean => 'version' in each && each.version <= entry.version
      const key = recordKeyOf(instance, entry)
      const existing = records.get(key)
      if (existing !== undefined && notLater(existing[3])) drop(instance, key, existing)
      // What was added before is part of the value, or gone with it.
      if (entry.kind === 'clear') {
        dropRange(instance, keptOf(instance, entry.scope), notLater)
        dropRange(instance, deltasIn(instance, entry.scope), () => true)
      }
      if ('key' in entry) dropDeltas(instance, entry)
      if (entry.kind === 'tag') bury(instance, entry)
    },

    setAside,

    isEmpty: (instance) => countsOf(instance)[0] === 0,

    configured: (instances, now, maxAge) => {
      const seen = { ...totals.configured }
      for (const instance of instances) seen[instance] = now
      // One that was noted by nobody yet counts from now on.
      for (const instance of Object.keys(totals.counts)) seen[instance] ??= now
      totals.configured = seen
      return Object.keys(totals.counts).filter((instance) => now - (seen[instance] ?? now) > maxAge)
    },

    retire: (instance, reason, now) => {
      let count = 0
      let dropped = 0
      const scopes = new Set<string>()
      for (const { value: key } of [...queue.getRange({ ...within(instancePrefix(instance)), limit: TRIM })]) {
        const row = records.get(key)
        if (row === undefined) continue
        const [seq, , , entry] = row
        // One per category costs nothing, and should the instance ever be used again, it is cleared.
        if (entry.kind === 'invalid-all') continue
        const kept = isKept(entry)
        if (!kept) scopes.add(entry.scope)
        if (!kept || !setAside(instance, seq, reason, now)) {
          drop(instance, Buffer.from(key), row)
          if (kept) dropped++
        }
        count++
      }
      for (const scope of scopes) put(instance, filed(instance, { kind: 'invalid-all', scope }), now)
      return { count, dropped }
    },
  }
}

/** Of two entries about the same thing: kept data goes by version, the rest by what comes last. */
export const supersedes = (entry: JournalEntry, existing: JournalEntry): boolean => {
  if (entry.kind === 'delta') return false // The same id: the same increment.
  if (!('version' in entry) || !('version' in existing)) return true
  if (entry.kind === 'value' && existing.kind === 'value') return replaces(entry, existing)
  if (entry.version !== existing.version) return entry.version > existing.version
  return entry.kind === 'tombstone' && existing.kind === 'value'
}
