import type { Redis } from 'ioredis'
import { createBatchReader, getOne, pipelinedGets } from './batch-reader.js'
import { createBatchWriter, isShort } from './batch-writer.js'
import { type Caller, InstanceError } from './caller.js'
import { sendCommand } from './command.js'
import type { Connection } from './connection.js'
import { isLarge, type LargeKeys } from './large.js'
import type { Layout } from './layout.js'
import { lifeUntil } from './life.js'
import { createPageSize, type PageSize, paged } from './page-size.js'
import { chunks, inTurn, pipelined, unsure } from './pipeline.js'
import { clearPrefix, scanPage } from './scan.js'
import { pipelinedScripts } from './script-calls.js'
import { countScript, runScript, swapScript } from './scripts.js'
import { type EntryStore, type EntryWrite, LONGEST_LEASE, StoreError } from './store.js'
import { createTagged, isTagged, swapTaggedCall, type TaggedWrite, writeTaggedCall } from './tagged.js'

/** Keys per round trip of a write or a removal; each has the deadline. */
const CHUNK = 1_000

export interface Lines {
  readonly data: Connection
  /** For values that would hold up the small ones behind them. */
  readonly large: Connection
  readonly largeKeys: LargeKeys
}

export interface EntriesOptions {
  /** Throws for a text the server wouldn't take. */
  readonly checkSize: (text: string) => void
  readonly layout: Layout
  /** Breaks the leases on all keys that begin so. */
  readonly breakLeases: (prefix: string, timeout: number | undefined) => Promise<void>
}

/** The entries of one instance. */
export const createEntries = (
  caller: Caller,
  lines: Lines,
  { checkSize, layout, breakLeases }: EntriesOptions,
): EntryStore => {
  const { data, large, largeKeys } = lines
  const lineOf = (key: string): Connection => (largeKeys.has(key) ? large : data)
  const readSoon = createBatchReader<string>(caller, data, {
    one: (redis, key) => sendCommand(redis, 'get', [key]) as Promise<string | null>,
    many: (redis, keys) => sendCommand(redis, 'mget', [...keys]) as Promise<(string | null)[]>,
    add: (pipeline, key) => pipeline.get(key),
    seen: largeKeys.seen,
  })

  const writeSoon = createBatchWriter(caller, data)

  const smallPages = createPageSize('small')
  const largePages = createPageSize('large')

  const readPage = async (redis: Redis, keys: readonly string[], pages: PageSize) => {
    const texts = await pipelinedGets(redis, keys)
    let values = 0
    let length = 0
    texts.forEach((text, i) => {
      const key = keys[i]
      if (text === null || key === undefined) return
      values++
      length += text.length
      largeKeys.seen(key, text)
    })
    pages.came(values, length)
    return texts
  }

  const readPart = async (
    connection: Connection,
    pages: PageSize,
    keys: readonly string[],
    timeout: number | undefined,
  ) => {
    const texts: (string | null)[] = []
    while (texts.length < keys.length) {
      const page = keys.slice(texts.length, texts.length + pages.next())
      // What it holds is learned where it is received: a page that comes too late teaches as well.
      texts.push(
        ...(await paged(
          pages,
          caller.call(connection, 'read', timeout, (redis) => readPage(redis, page, pages)),
        )),
      )
    }
    return texts
  }

  const taggedCall = (entry: TaggedWrite) => writeTaggedCall(layout, entry, lifeUntil(entry.endsAt), breaksLease(entry))
  const setTagged = (redis: Redis, entry: TaggedWrite): Promise<unknown> => {
    const { script, keys, args } = taggedCall(entry)
    return runScript(redis, script, keys, args)
  }

  /** The usual case, in which every promise and every list would show. */
  const writeOne = (entry: EntryWrite, timeout: number | undefined) =>
    new Promise<void>((resolve, reject) => {
      const { key, text, endsAt } = entry
      checkSize(text)
      const done = (): void => {
        largeKeys.seen(key, text)
        resolve()
      }
      const tagged = isTagged(entry)
      if (!tagged && isShort(text)) return writeSoon({ key, text, endsAt, timeout, resolve: done, reject })
      caller.run<unknown>(
        isLarge(text) ? large : data,
        'write',
        timeout,
        (redis) =>
          tagged ? setTagged(redis, entry) : sendCommand(redis, 'set', [key, text, 'PX', `${lifeUntil(endsAt)}`]),
        done,
        reject,
      )
    })

  const writePart = (connection: Connection, entries: readonly EntryWrite[], timeout: number | undefined) =>
    inTurn(chunks(entries, CHUNK), (chunk) =>
      caller.call(connection, 'write', timeout, (redis) =>
        pipelined(redis, chunk, (pipeline, entry) => {
          pipeline.set(entry.key, entry.text, 'PX', lifeUntil(entry.endsAt))
          if (breaksLease(entry)) pipeline.unlink(layout.lease(entry.key))
        }),
      ),
    )

  const writeTaggedPart = (connection: Connection, entries: readonly TaggedWrite[], timeout: number | undefined) =>
    inTurn(chunks(entries, CHUNK), (chunk) =>
      caller.call(connection, 'write', timeout, (redis) => pipelinedScripts(redis, chunk.map(taggedCall))),
    )

  const writeMany = async (entries: readonly EntryWrite[], timeout: number | undefined) => {
    for (const { text } of entries) checkSize(text)
    const [small, big] = parted(entries, ({ text }) => !isLarge(text))
    const parts = [
      { line: data, items: small.items },
      { line: large, items: big.items },
    ].flatMap(({ line, items }) => {
      const tagged = items.filter(isTagged)
      const bare = tagged.length === 0 ? items : items.filter((item) => !isTagged(item))
      return [
        ...(bare.length === 0 ? [] : [writePart(line, bare, timeout)]),
        ...(tagged.length === 0 ? [] : [writeTaggedPart(line, tagged, timeout)]),
      ]
    })
    await allEnded(parts)
    for (const { key, text } of entries) largeKeys.seen(key, text)
  }

  return {
    read: (key, options) => {
      if (options?.timeout === undefined && !largeKeys.has(key)) return readSoon(key)
      return caller
        .call(lineOf(key), 'read', options?.timeout, (redis) => getOne(redis, key))
        .then((text) => {
          if (text === null) return undefined
          largeKeys.seen(key, text)
          return text
        })
    },

    readMany: async (keys, options) => {
      const [small, big] = parted(keys, (key) => !largeKeys.has(key))
      const parts = await Promise.all([
        readPart(data, smallPages, small.items, options?.timeout),
        readPart(large, largePages, big.items, options?.timeout),
      ])
      const texts = new Array<string | undefined>(keys.length)
      for (const [part, places] of [
        [parts[0], small.places],
        [parts[1], big.places],
      ] as const) {
        places.forEach((place, i) => {
          texts[place] = part[i] ?? undefined
        })
      }
      return texts
    },

    write: (entries, options) => {
      const only = entries.length === 1 ? entries[0] : undefined
      return only === undefined || (breaksLease(only) && !isTagged(only))
        ? writeMany(entries, options?.timeout)
        : writeOne(only, options?.timeout)
    },

    remove: async (keys, options) => {
      const replies = await inTurn(chunks(keys, CHUNK), (chunk) =>
        caller.call(data, 'change', options?.timeout, async (redis) => {
          // Leases first: what is filled before that is removed here, and nothing is filled after it.
          const commands = [chunk.map(layout.lease), ...chunk.map((key) => [key])]
          const [, ...gone] = await pipelined(redis, commands, (pipeline, unlinked) => pipeline.unlink(...unlinked))
          return gone
        }),
      )
      return replies.flat().map((reply) => reply === 1)
    },

    swap: async (key, expected, next, options) => {
      checkSize(next.text)
      const line = isLarge(expected) || isLarge(next.text) ? large : data
      try {
        const life = lifeUntil(next.endsAt)
        const write = { key, ...next }
        const { script, keys, args } = isTagged(write)
          ? swapTaggedCall(layout, write, life, expected)
          : { script: swapScript, keys: [key, layout.lease(key)], args: [expected, next.text, life] }
        const reply = await caller.call(line, 'change', options?.timeout, (redis) =>
          runScript(redis, script, keys, args),
        )
        if (reply === 1) largeKeys.seen(key, next.text)
        return reply === 1
      } catch (error) {
        // Another type of data is not what was expected.
        if (error instanceof InstanceError && error.fault.code === 'WRONGTYPE') return false
        throw error
      }
    },

    life: async (key, options) => {
      const left = await caller.call(data, 'read', options?.timeout, (redis) => redis.pttl(key))
      if (left === -2) return undefined
      return left === -1 ? Number.POSITIVE_INFINITY : left
    },

    increment: async (key, by, endsAt, options) => {
      try {
        const reply = await caller.call(data, 'write', options?.timeout, (redis) =>
          runScript(redis, countScript, [key, layout.lease(key)], [by, lifeUntil(endsAt), Date.now()]),
        )
        return Number(reply)
      } catch (error) {
        if (!(error instanceof InstanceError) || error.fault.code !== 'WRONGTYPE') throw error
        throw new StoreError('not-a-number', error.store, error.message, 'no')
      }
    },

    scan: (prefix, cursor, limit, options) => scanPage(caller, data, prefix, cursor, limit, options?.timeout),
    clear: async (prefix, options) => {
      if (options?.abandoned !== true) await breakLeases(prefix, options?.timeout)
      return clearPrefix(caller, data, prefix, options?.timeout)
    },
    ...createTagged(caller, data, layout),
  }
}

/** It may be gone again, or replaced by what lay there before, when a lease on its key is looked at. */
const breaksLease = ({ endsAt, bare }: EntryWrite): boolean => bare === true || lifeUntil(endsAt) < LONGEST_LEASE

const parted = <T>(items: readonly T[], first: (item: T) => boolean) => {
  const parts = [
    { items: [] as T[], places: [] as number[] },
    { items: [] as T[], places: [] as number[] },
  ] as const
  items.forEach((item, place) => {
    const part = parts[first(item) ? 0 : 1]
    part.items.push(item)
    part.places.push(place)
  })
  return parts
}

/**
 * Like Promise.all, but a rejection waits for the others: nothing of the call runs on after it has ended, and the error
 * says 'not applied' only if that is true of them all.
 */
const allEnded = async (changes: readonly Promise<unknown>[]): Promise<void> => {
  const outcomes = await Promise.allSettled(changes)
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (errors.length === 0) return
  if (errors.length < changes.length) throw unsure(errors[0])
  throw errors.find((error) => !(error instanceof InstanceError) || error.applied === 'unknown') ?? errors[0]
}
