import type { Category } from '../cache/category.js'
import { decodeValue } from '../codec/decode.js'
import { type CorruptReason, type EnvelopeFields, type Hit, type ReadResult, readEnvelope } from '../codec/envelope.js'
import { valueBytes } from '../codec/size.js'
import type { EntryName, Located, Shelf } from '../failover/shelf.js'
import type { Instance } from '../instances/instance.js'
import { readingScript } from '../instances/scripts.js'
import { StoreError } from '../instances/store.js'
import type { Settings } from '../settings/settings.js'
import type { Asked, EntryView, TreeNode } from './contract.js'
import type { Looking } from './looking.js'
import { mayBeSensitive } from './raw-keys.js'
import { seen } from './refused.js'
import { treeOf } from './tree.js'

export interface EntryViewParts {
  readonly settings: Settings
  readonly looking: Looking
  /** Those that are a Redis. */
  readonly instances: ReadonlyMap<string, Instance>
  /** Epoch ms. */
  readonly now: () => number
}

interface Lying extends Located {
  readonly name: EntryName
  readonly shelf: Shelf
  readonly read: ReadResult
}

/**
 * What lies at a key now, wherever it is served from. It counts as nobody's read: it shows in no figure, fills no memory,
 * refreshes nothing. What nobody can read is said, not shown; values and keys of sensitive categories stay here.
 */
export const createEntryView = ({ settings, looking, instances, now }: EntryViewParts) => {
  /** As the cache looks for it: older code's key too. */
  const find = async (category: Category, key: string): Promise<Lying | undefined> => {
    const { codec, maxBytes } = category.settings
    const open = (text: string, as: 'keyv' | 'json') => readEnvelope(text, { codec: as, now: now(), maxBytes })
    const name = category.name(key)
    const located = await category.shelf.locate(name)
    if (located !== undefined) return { ...located, name, shelf: category.shelf, read: open(located.text, codec) }
    const legacy = category.legacy(key)
    const older = legacy && (await category.older.locate(legacy))
    if (legacy === undefined || older === undefined) return undefined
    const read = open(older.text, codec)
    return {
      ...older,
      name: legacy,
      shelf: category.older,
      read: read.outcome === 'corrupt' ? open(older.text, 'json') : read,
    }
  }

  /** What an entry's own text doesn't say. */
  const endFrom = async ({ shelf, name }: Lying): Promise<number | undefined> => {
    const life = await shelf.life(name).catch(ifAway)
    return life === undefined || !Number.isFinite(life) ? undefined : now() + life
  }

  return async ({ category: of, key: named }: Asked['entry']): Promise<EntryView> => {
    const key = looking.keyOf(of, named)
    const category = looking.category(of, key)
    const { sensitive, instance } = category.settings
    const { redisKey } = category.name(key)
    const label = sensitive ? looking.sealed.label(of, key) : key
    // The key is the last of it.
    const labelled = (whole: string): string => whole.slice(0, whole.length - key.length) + label
    const found = await find(category, key).catch((error) => {
      throw seen(error)
    })
    if (found === undefined || found.read.outcome === 'expired') {
      const type = found === undefined ? await foreignType(instances.get(instance), redisKey) : undefined
      const view = { ...nothing, category: of, key: named, label, redisKey: labelled(redisKey), masked: sensitive }
      if (type === undefined) return view
      return { ...view, found: true, source: instance, value: corrupt(`it is a ${type}, and entries are strings`) }
    }
    const { read, text, source, degraded } = found
    const masked = sensitive || (found.shelf === category.older && mayBeSensitive(settings, instance, key))
    const { expires, hardExpiry, createdAt, tags, version }: EnvelopeFields = read.outcome === 'corrupt' ? {} : read
    const expiresAt = finite(expires) ?? (await endFrom(found))
    const sizeStored = Buffer.byteLength(text)
    return {
      category: of,
      key: named,
      label,
      redisKey: labelled(found.name.redisKey),
      found: true,
      source,
      stale: expires !== undefined && expires <= now(),
      degraded,
      createdAt: finite(createdAt),
      expiresAt,
      endsAt: finite(hardExpiry) ?? expiresAt,
      tags: tags ?? [],
      version,
      sizeStored,
      sizeRaw: read.outcome === 'hit' ? sizeBefore(read, sizeStored) : undefined,
      masked,
      value: await treeIn(read, masked),
    }
  }
}

const nothing = {
  found: false,
  source: undefined,
  stale: false,
  degraded: false,
  createdAt: undefined,
  expiresAt: undefined,
  endsAt: undefined,
  tags: [],
  version: undefined,
  sizeStored: undefined,
  sizeRaw: undefined,
  value: undefined,
}

const finite = (at: number | undefined): number | undefined => (Number.isFinite(at) ? at : undefined)

const sizeBefore = ({ packed, value }: Hit, stored: number): number =>
  packed === undefined ? stored : stored - packed.packed.length + valueBytes(value)

const treeIn = async (read: Exclude<ReadResult, { outcome: 'expired' }>, masked: boolean) => {
  if (read.outcome === 'absent') return { type: 'absent' }
  if (read.outcome === 'corrupt') return corrupt(reasons[read.reason])
  if (masked) return undefined
  try {
    return treeOf(await decodeValue(read.value))
  } catch {
    return corrupt('what it says of its own types fits no value')
  }
}

const corrupt = (text: string): TreeNode => ({ type: 'corrupt', text })

const reasons: Readonly<Record<CorruptReason, string>> = {
  'too-large': 'it is larger than a value of this category may be',
  'not-json': 'it is no JSON: cut off, or something else',
  'not-an-envelope': 'it is JSON, but no entry of a cache',
  'bad-field': 'its expires or meta is of the wrong kind',
  'forbidden-name': 'it has a property __proto__',
  'bad-compression': 'its compressed value is damaged, or too large',
}

const ifAway = (error: unknown): undefined => {
  if (!(error instanceof StoreError)) throw error
  return undefined
}

/** KEYS: entry. */
const typeScript = readingScript(`return redis.call('TYPE', KEYS[1])['ok']`)

/** What lies at an entry's key that no entry is; to reads it is nothing. */
const foreignType = async (home: Instance | undefined, redisKey: string): Promise<string | undefined> => {
  if (home === undefined || !home.readable()) return undefined
  const type = await home.script({ script: typeScript, keys: [redisKey], args: [] }, 'read').catch(ifAway)
  return typeof type === 'string' && type !== 'none' && type !== 'string' ? type : undefined
}
