import { join } from 'node:path'
import { type Entry, openDatabase, within } from '../../embedded/database.js'
import { firstAfter } from '../../instances/name-pages.js'
import { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'
import type { Stored } from '../kept/kept-standing.js'
import { timeOf, type Version } from '../versions/clock.js'
import { highest, MARKER_LIFE } from '../versions/merge.js'
import {
  addToLayer,
  type CopyHead,
  type CopyItem,
  type CopyLayer,
  emptyLayer,
  isLive,
  laterItem,
  pieces,
  withLayer,
} from './embedded-copy-layers.js'
import {
  groupOfItem,
  HEADS,
  headEntry,
  headFrom,
  headKey,
  itemEntry,
  itemFrom,
  itemKey,
  itemPrefix,
} from './embedded-copy-records.js'

/** State as this server knows it, for when no instance can be read. */
export interface EmbeddedCopy {
  /** It holds everything there is: what isn't in it isn't anywhere. */
  complete(): boolean
  get(group: string, field: string): Stored
  all(group: string): ReadonlyMap<string, Stored>
  /** Those that hold something. */
  groups(): string[]
  /** So many names of groups of which anything is known, also what is gone; in byte order. */
  namesAfter(name: string | undefined, most: number): string[]
  /** The same of one group's items. */
  fieldsAfter(group: string, field: string | undefined, most: number): string[]
  /** The three writes, after they were acknowledged. Whatever comes in whatever order, the later version stays. */
  set(group: string, field: string, version: Version, text: string, endsAt: number | false): void
  delete(group: string, field: string, version: Version): void
  clear(group: string, version: Version): void
}

/** The copy as those see it who fill it. */
export interface CopyFiles extends Omit<EmbeddedCopy, 'complete'> {
  /** A whole group as home has it: what is older than `floor` and isn't among the fields is gone. */
  retain(group: string, fields: ReadonlySet<string>, floor: Version): Promise<void>
  /** All groups of which anything is known, also what is gone. */
  names(): string[]
  /** What was written so far is in the files. False: not all of it got there. */
  flushed(): Promise<boolean>
  /** Writes that were lost since the beginning, because the files didn't take them. */
  lost(): number
  /** Removes what has ended; a bounded piece at a time. */
  sweep(): Promise<void>
  close(): Promise<void>
}

/** ms that writes are gathered: one item that is written again and again is one write to the files. */
const GATHER = 250
const SETTLE = 2
/** Items and groups per transaction. */
const PIECE = 500

/**
 * Opens `<dir>/copy`, which the processes of the machine share, at most 256 MB. Throws a StoreError of kind
 * 'configuration' where that isn't possible. Writes are gathered, and a failure of the files is told once: nobody waits
 * for them.
 */
export const openCopyFiles = (
  dir: string,
  { report, now, maxBytes }: { readonly report: Report; readonly now: () => number; readonly maxBytes?: number },
): CopyFiles => {
  const database = openDatabase('copy', join(dir, 'copy'), maxBytes)
  const { tables, transact, fullError } = database
  const { entries } = tables
  let gathering = new Map<string, CopyLayer>()
  let flushing: Map<string, CopyLayer> | undefined
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let lost = 0
  let told = false
  let closed = false
  let sweptTo: Buffer | undefined

  const layersOf = (group: string): CopyLayer[] =>
    [flushing?.get(group), gathering.get(group)].filter((layer) => layer !== undefined)

  const headOf = (group: string, layers: readonly CopyLayer[]): CopyHead | undefined =>
    layers.reduce<CopyHead | undefined>(
      (head, layer) => withLayer(head, layer, now()),
      headFrom(entries.get(headKey(group))),
    )

  const storedFrom = (item: CopyItem | undefined, head: CopyHead | undefined): Stored => {
    const { cleared } = head ?? {}
    const there = item?.text !== undefined && isLive(head, now()) && (cleared === undefined || item.version > cleared)
    return {
      text: there ? item.text : undefined,
      version: there ? item.version : undefined,
      marker: highest(item?.version, cleared),
    }
  }

  const all = (group: string): Map<string, Stored> => {
    const layers = layersOf(group)
    const head = headOf(group, layers)
    const prefix = itemPrefix(group)
    const found = new Map<string, CopyItem>()
    for (const { key, value } of entries.getRange(within(prefix))) {
      found.set(key.subarray(prefix.length).toString(), itemFrom(value))
    }
    for (const { items } of layers) {
      for (const [field, item] of items) found.set(field, laterItem(found.get(field), item))
    }
    const stored = new Map<string, Stored>()
    for (const [field, item] of found) stored.set(field, storedFrom(item, head))
    return stored
  }

  const namesAfter = (after: string | undefined, most: number): string[] => {
    const from = after === undefined ? {} : { start: headKey(after), exclusiveStart: true }
    const groups = [...(flushing?.keys() ?? []), ...gathering.keys()]
    for (const key of entries.getKeys({ ...within(HEADS), ...from, limit: most })) {
      groups.push(key.subarray(HEADS.length).toString())
    }
    return firstAfter(groups, after, most)
  }

  const fieldsAfter = (group: string, after: string | undefined, most: number): string[] => {
    const prefix = itemPrefix(group)
    const from = after === undefined ? {} : { start: itemKey(group, after), exclusiveStart: true }
    const fields = layersOf(group).flatMap(({ items }) => [...items.keys()])
    for (const key of entries.getKeys({ ...within(prefix), ...from, limit: most })) {
      fields.push(key.subarray(prefix.length).toString())
    }
    return firstAfter(fields, after, most)
  }

  const names = (): string[] => {
    const groups = new Set([...(flushing?.keys() ?? []), ...gathering.keys()])
    for (const key of entries.getKeys(within(HEADS))) groups.add(key.subarray(HEADS.length).toString())
    return [...groups]
  }

  /** Inside a transaction. */
  const apply = (group: string, layer: CopyLayer): void => {
    const head = withLayer(headFrom(entries.get(headKey(group))), layer, now())
    entries.putSync(headKey(group), headEntry(head))
    for (const [field, item] of layer.items) {
      const key = itemKey(group, field)
      const known = entries.get(key)
      if (known !== undefined && itemFrom(known).version >= item.version) continue
      entries.putSync(key, itemEntry(item))
    }
  }

  const flush = async (): Promise<void> => {
    timer = undefined
    while (gathering.size > 0) {
      flushing = gathering
      gathering = new Map()
      try {
        for (const piece of pieces(flushing, PIECE)) {
          const full = await transact(() => {
            const error = fullError()
            if (error === undefined) for (const [group, layer] of piece) apply(group, layer)
            return error
          }, undefined)
          if (full !== undefined) throw full
        }
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        lost++
        if (!told) report.warn(`${error.message}; with all instances away, state can't be read in full`)
        told = true
      } finally {
        // LMDB answers what is read in this turn from before the commit.
        await new Promise((resolve) => setTimeout(resolve, SETTLE))
        flushing = undefined
      }
    }
  }

  const flushNow = (): Promise<void> => {
    clearTimeout(timer)
    running ??= flush().finally(() => {
      running = undefined
    })
    return running
  }

  const layerFor = (group: string): CopyLayer => {
    const known = gathering.get(group)
    if (known !== undefined) return known
    const fresh = emptyLayer()
    if (closed) return fresh
    gathering.set(group, fresh)
    timer ??= setTimeout(() => {
      flushNow().catch((error: unknown) =>
        report.error(`copy of state: ${error instanceof Error ? error.name : 'failed'}`),
      )
    }, GATHER).unref()
    return fresh
  }

  const hasEnded = (key: Buffer, value: Entry): boolean => {
    const long = now() - MARKER_LIFE
    const group = groupOfItem(key)
    if (group === undefined) {
      const [end, cleared] = value
      return end !== 0 && end < long && (cleared === '' || timeOf(cleared) < long)
    }
    const head = headFrom(entries.get(headKey(group)))
    const { version, text } = itemFrom(value)
    if (!isLive(head, now()) || version <= (head?.cleared ?? '')) return true
    return text === undefined && timeOf(version) < long
  }

  return {
    get: (group, field) => {
      const layers = layersOf(group)
      const known = entries.get(itemKey(group, field))
      const item = layers.reduce<CopyItem | undefined>(
        (latest, { items }) => {
          const own = items.get(field)
          return own === undefined ? latest : laterItem(latest, own)
        },
        known === undefined ? undefined : itemFrom(known),
      )
      return storedFrom(item, headOf(group, layers))
    },
    all,
    groups: () => names().filter((group) => [...all(group).values()].some(({ text }) => text !== undefined)),
    names,
    namesAfter,
    fieldsAfter,

    set: (group, field, version, text, endsAt) => {
      const layer = layerFor(group)
      layer.end = endsAt === false ? 0 : Math.ceil(endsAt)
      addToLayer(layer, field, { version, text })
    },
    delete: (group, field, version) => addToLayer(layerFor(group), field, { version, text: undefined }),
    clear: (group, version) => {
      const layer = layerFor(group)
      layer.cleared = highest(layer.cleared, version)
    },

    retain: (group, fields, floor) =>
      transact(() => {
        const prefix = itemPrefix(group)
        for (const { key, value } of [...entries.getRange(within(prefix))]) {
          if (fields.has(key.subarray(prefix.length).toString()) || itemFrom(value).version >= floor) continue
          entries.removeSync(key)
        }
      }, undefined),

    flushed: async () => {
      const before = lost
      await flushNow()
      return lost === before
    },
    lost: () => lost,

    sweep: () =>
      transact(() => {
        const from = sweptTo === undefined ? {} : { start: sweptTo, exclusiveStart: true }
        const records = [...entries.getRange({ ...from, limit: PIECE })].map(({ key, value }) => ({
          key: Buffer.from(key),
          value,
        }))
        for (const { key, value } of records) if (hasEnded(key, value)) entries.removeSync(key)
        sweptTo = records.length < PIECE ? undefined : records.at(-1)?.key
      }, undefined),

    close: async () => {
      await flushNow()
      closed = true
      await database.close()
    },
  }
}
