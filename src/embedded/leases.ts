import type { Layout } from '../instances/layout.js'
import { digestOf, NOTE_LIFE, scopeField } from '../instances/lease-rules.js'
import type { LeaseEnd, LeaseName, LeaseStore } from '../instances/store.js'
import { momentFields } from '../instances/tag-scripts.js'
import type { EmbeddedDatabase, Entry, OpenDatabase } from './database.js'
import { leaseRow } from './lease-row.js'
import { type Moments, momentsIn } from './moments.js'
import { enrol, rowsFor } from './tagged.js'

/** A lease as it lies beside the entries. base: a digest of what lay at the key; ends: when that ends; since: the last moment before it. */
interface Held {
  readonly token: string
  readonly base: string
  readonly ends: number | undefined
  readonly since: number
}

type Lying = Held | 'failed' | 'died'

/** Leases in LMDB, seen by all processes that use the folder. The rules are those of instances/lease-scripts.ts. */
export const createLeases = (database: OpenDatabase, layout: Layout): LeaseStore => {
  const liveAt = ({ tables }: EmbeddedDatabase, row: Buffer): Entry | undefined => {
    const entry = tables.entries.get(row)
    return entry !== undefined && entry[0] > Date.now() ? entry : undefined
  }
  const entryAt = (open: EmbeddedDatabase, key: string): Entry | undefined => liveAt(open, open.keyOf(key))
  const lyingAt = (open: EmbeddedDatabase, key: string): { endsAt: number; lying: Lying } | undefined => {
    const entry = liveAt(open, leaseRow(open, layout, key))
    return entry && { endsAt: entry[0], lying: JSON.parse(entry[1]) }
  }
  const lay = (open: EmbeddedDatabase, key: string, ms: number, lying: Lying): void => {
    const row = leaseRow(open, layout, key)
    open.tables.entries.putSync(row, [Math.ceil(Date.now() + ms), JSON.stringify(lying)])
  }
  const drop = (open: EmbeddedDatabase, key: string): void => {
    open.tables.entries.removeSync(leaseRow(open, layout, key))
  }
  const momentsOf = (open: EmbeddedDatabase): Moments => momentsIn(open, layout.invalidated)

  const held = (open: EmbeddedDatabase, { key, token }: LeaseName): Held | undefined => {
    const lying = lyingAt(open, key)?.lying
    return typeof lying === 'object' && lying.token === token ? lying : undefined
  }
  /** One that is broken goes. */
  const stands = (open: EmbeddedDatabase, lease: LeaseName, fields: readonly string[]): Held | undefined => {
    const own = held(open, lease)
    if (own === undefined) return undefined
    const text = entryAt(open, lease.key)?.[1]
    const ended = text === undefined && own.ends !== undefined && own.ends <= Date.now()
    if ((ended || own.base === digestOf(text)) && !momentsOf(open).later(fields, own.since)) return own
    drop(open, lease.key)
    return undefined
  }

  return {
    grant: async ({ key, token }, { ms, seen, despiteFailure }, options) => {
      const open = database()
      open.keyOf(key)
      return open.transact(() => {
        const [ends, text] = entryAt(open, key) ?? []
        if (seen !== undefined && text !== undefined && text !== seen.text) return { found: text }
        const found = lyingAt(open, key)
        const lying = found?.lying
        if (typeof lying === 'object') return { held: true }
        if (lying === 'failed' && found !== undefined && despiteFailure !== true) {
          return { failed: found.endsAt - Date.now() }
        }
        lay(open, key, ms, { token, base: digestOf(text), ends, since: momentsOf(open).last() })
        return { granted: true, died: lying === 'died' }
      }, options?.timeout)
    },

    renew: async (lease, ms, options) => {
      const open = database()
      return open.transact(() => {
        const own = stands(open, lease, [scopeField(lease.scope)])
        if (own !== undefined) lay(open, lease.key, ms, own)
        return own !== undefined
      }, options?.timeout)
    },

    fill: async (lease, entry, options) => {
      const open = database()
      const { tags } = entry
      const fields = [scopeField(lease.scope), ...(tags === undefined ? [] : momentFields(tags))]
      const rows = rowsFor(open, layout, lease.key, tags)
      const outcome = await open.transact(() => {
        if (stands(open, lease, fields) === undefined) return false
        const full = open.fullError()
        if (full !== undefined) return full
        open.tables.entries.putSync(open.keyOf(lease.key), [Math.ceil(entry.endsAt), entry.text])
        enrol(open, rows, entry.endsAt)
        drop(open, lease.key)
        return true
      }, options?.timeout)
      if (typeof outcome === 'object') throw outcome
      return outcome
    },

    release: async (lease, end, options) => {
      const open = database()
      await open.transact(() => {
        if (held(open, lease) === undefined) return
        if (end === undefined) drop(open, lease.key)
        else lay(open, lease.key, lifeOf(end), 'failed' in end ? 'failed' : 'died')
      }, options?.timeout)
    },
  }
}

const lifeOf = (end: LeaseEnd): number => ('failed' in end ? end.failed : NOTE_LIFE)
