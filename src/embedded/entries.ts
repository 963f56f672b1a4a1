import type { Layout } from '../instances/layout.js'
import { scopeField } from '../instances/lease-rules.js'
import { NOT_OURS } from '../instances/name-pages.js'
import type { EntryStore } from '../instances/store.js'
import { countUp } from './counter.js'
import { type Entry, type OpenDatabase, within } from './database.js'
import { leaseRow } from './lease-row.js'
import { momentsIn } from './moments.js'
import { createTagged, enrol, rowsFor } from './tagged.js'

const BATCH = 1_000

/** A cursor of `scan` that goes on behind all keys that begin with the prefix. No text has the byte 0xff. */
export const cursorBehind = (prefix: string): string =>
  Buffer.concat([Buffer.from(prefix), Buffer.from([0xff])]).toString('base64url')

/** Entries in LMDB. Reads look into mapped memory and need no deadline; an entry that ended reads as absent. */
export const createEntries = (database: OpenDatabase, layout: Layout): EntryStore => {
  const live = (entry: Entry | undefined, now: number): Entry | undefined =>
    entry !== undefined && entry[0] > now ? entry : undefined

  const look = (key: string): Entry | undefined => {
    const { tables, keyOf } = database()
    return live(tables.entries.get(keyOf(key)), Date.now())
  }

  return {
    read: async (key) => look(key)?.[1],
    readMany: async (keys) => keys.map((key) => look(key)?.[1]),

    write: async (entries, options) => {
      if (entries.length === 0) return
      const open = database()
      const { tables, keyOf, transact, fullError } = open
      const puts = entries.map(({ key, text, endsAt, tags }) => ({
        key: keyOf(key),
        lease: leaseRow(open, layout, key),
        entry: [Math.ceil(endsAt), text] as Entry,
        rows: rowsFor(open, layout, key, tags),
      }))
      const error = await transact(() => {
        const full = fullError()
        if (full !== undefined) return full
        for (const { key, lease, entry, rows } of puts) {
          tables.entries.putSync(key, entry)
          enrol(open, rows, entry[0])
          tables.entries.removeSync(lease)
        }
        return undefined
      }, options?.timeout)
      if (error !== undefined) throw error
    },

    remove: async (keys, options) => {
      if (keys.length === 0) return []
      const open = database()
      const { tables, keyOf, transact } = open
      const bytes = keys.map((key) => ({ key: keyOf(key), lease: leaseRow(open, layout, key) }))
      return transact(() => {
        const now = Date.now()
        return bytes.map(({ key, lease }) => {
          const was = live(tables.entries.get(key), now) !== undefined
          tables.entries.removeSync(key)
          tables.entries.removeSync(lease)
          return was
        })
      }, options?.timeout)
    },

    swap: async (key, expected, next, options) => {
      const open = database()
      const { tables, keyOf, transact } = open
      const bytes = keyOf(key)
      const lease = leaseRow(open, layout, key)
      const rows = rowsFor(open, layout, key, next.tags)
      return transact(() => {
        if (live(tables.entries.get(bytes), Date.now())?.[1] !== expected) return false
        tables.entries.putSync(bytes, [Math.ceil(next.endsAt), next.text])
        enrol(open, rows, next.endsAt)
        tables.entries.removeSync(lease)
        return true
      }, options?.timeout)
    },

    life: async (key) => {
      const entry = look(key)
      return entry === undefined ? undefined : entry[0] - Date.now()
    },

    increment: async (key, by, endsAt, options) => {
      const open = database()
      const { tables, keyOf, transact, refuse } = open
      const bytes = keyOf(key)
      const lease = leaseRow(open, layout, key)
      const counted = await transact(() => {
        const now = Date.now()
        const entry = live(tables.entries.get(bytes), now)
        const stored = entry === undefined ? undefined : { endsAt: entry[0], text: entry[1] }
        const outcome = countUp(stored, by, endsAt, now)
        if ('total' in outcome) {
          tables.entries.putSync(bytes, [Math.ceil(outcome.endsAt), String(outcome.total)])
          tables.entries.removeSync(lease)
        }
        return outcome
      }, options?.timeout)
      if ('total' in counted) return counted.total
      const text =
        counted.refused === 'not-a-number'
          ? 'the stored value is not an integer'
          : 'the result would not be a safe integer'
      throw refuse(counted.refused, text)
    },

    scan: async (prefix, cursor, limit) => {
      const { tables, keyOf, refuse } = database()
      const start = keyOf(prefix)
      const after = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url')
      if (
        after !== undefined &&
        (cursor === '' || after.toString('base64url') !== cursor || !after.subarray(0, start.length).equals(start))
      ) {
        throw refuse('refused', NOT_OURS)
      }
      const most = Math.min(Math.max(1, limit), BATCH)
      const bounds = within(start)
      const range = tables.entries.getRange({
        ...bounds,
        ...(after === undefined ? {} : { start: after, exclusiveStart: true }),
        limit: BATCH,
      })
      const now = Date.now()
      const keys: string[] = []
      let looked = 0
      let last: Buffer | undefined
      for (const { key, value } of range) {
        looked++
        last = key
        if (value[0] > now) keys.push(key.toString())
        if (keys.length === most) break
      }
      const more = last !== undefined && (keys.length === most || looked === BATCH)
      return { keys, cursor: more ? last?.toString('base64url') : undefined }
    },

    clear: async (prefix, options) => {
      const bounds = within(database().keyOf(prefix))
      let removed = 0
      let marking = options?.abandoned !== true
      for (;;) {
        const open = database(removed > 0 ? 'unknown' : 'no')
        const { tables, transact } = open
        const [gone, counted] = await transact(() => {
          // What is being computed now must not bring back what this removes.
          if (marking) momentsIn(open, layout.invalidated).mark([scopeField(prefix)])
          marking = false
          const now = Date.now()
          const batch = [...tables.entries.getRange({ ...bounds, limit: BATCH })]
          for (const { key } of batch) tables.entries.removeSync(key)
          return [batch.length, batch.filter(({ value }) => value[0] > now).length] as const
        }, options?.timeout)
        removed += counted
        if (gone < BATCH) return removed
      }
    },
    ...createTagged(database, layout),
  }
}
