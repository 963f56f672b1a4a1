import type { Redis } from 'ioredis'
import { createBatchReader } from './batch-reader.js'
import { type Caller, InstanceError } from './caller.js'
import type { Connection } from './connection.js'
import type { Lines } from './entries.js'
import { createGroupPages } from './group-pages.js'
import { itemReads } from './group-reads.js'
import { createLargeKeys, isLarge } from './large.js'
import type { Layout } from './layout.js'
import { createPageSize, type PageSize, paged } from './page-size.js'
import {
  groupAdoptScript,
  groupClearScript,
  groupDeleteScript,
  groupFieldsScript,
  groupSetScript,
  groupsScript,
  runScript,
} from './scripts.js'
import { createSliding } from './sliding.js'
import type { GroupStore } from './store.js'
import { createWrittenItems } from './written-items.js'

/** Names per round trip; each has the deadline. */
const PAGE = 1_000

/** Groups as hashes, and an index of their names that only the first and last write of a group touch. */
export const createGroups = (
  caller: Caller,
  { data, large }: Lines,
  layout: Layout,
  checkSize: (text: string) => void,
): GroupStore => {
  const sliding = createSliding()
  // A group that held a large item when last seen is read and written elsewhere as a whole.
  const largeGroups = createLargeKeys()
  const lineOf = (group: string): Connection => (largeGroups.has(group) ? large : data)
  const seen = ({ group }: { readonly group: string }, text: string): void => {
    if (isLarge(text)) largeGroups.seen(group, text)
  }
  const readSoon = createBatchReader(caller, data, itemReads(layout, seen))
  const smallPages = createPageSize('small')
  const largePages = createPageSize('large')
  const pagesOf = (group: string): PageSize => (largeGroups.has(group) ? largePages : smallPages)

  /** Learns here what it holds, because a page that comes too late teaches as well. */
  const readPage = async (redis: Redis, group: string, cursor: string, pages: PageSize) => {
    const [next, page] = await redis.hscan(layout.group(group), cursor, 'COUNT', pages.next())
    let length = 0
    let big = ''
    for (const text of page) {
      length += text.length
      if (isLarge(text)) big = text
    }
    pages.came(page.length / 2, length)
    if (big !== '') largeGroups.seen(group, big)
    return { next, page, big }
  }
  const written = createWrittenItems()
  const setScriptsOf = (maxItems: number, ttl: number | false) => ({
    maxItems,
    ttl,
    adopt: groupAdoptScript(layout.groupPrefix, { maxItems, ttl }),
    slide: groupSetScript(layout.groupPrefix, { maxItems, ttl, slide: true }),
    keep: groupSetScript(layout.groupPrefix, { maxItems, ttl, slide: false }),
  })
  // In practice all calls have the same limit and ttl.
  let setScripts = setScriptsOf(0, false)

  return {
    groupGet: (group, field, options) => {
      if (options?.timeout === undefined && !largeGroups.has(group)) return readSoon({ group, field })
      return caller
        .call(lineOf(group), 'read', options?.timeout, (redis) => redis.hget(layout.group(group), field))
        .then(
          (text) => {
            if (text === null) return undefined
            seen({ group }, text)
            return text
          },
          (error) => ifForeign(error, undefined),
        )
    },

    groupSet: (group, field, text, ttl, maxItems, options) =>
      new Promise((resolve, reject) => {
        checkSize(text)
        const keys: [group: string, index: string] = [layout.group(group), layout.groupIndex]
        if (setScripts.maxItems !== maxItems || setScripts.ttl !== ttl) setScripts = setScriptsOf(maxItems, ttl)
        const slide = sliding.due(group, ttl)
        const { adopt } = setScripts
        const script = slide ? setScripts.slide : setScripts.keep
        const isBig = isLarge(text)
        // A script costs as much again as the write itself, and replacing an item needs none of what it does.
        const replaces = !slide && written.has(group, field)
        const send = (redis: Redis): Promise<unknown> =>
          replaces
            ? redis
                .hset(keys[0], field, text)
                .then((added) => (added === 0 ? undefined : runScript(redis, adopt, keys, [field])))
            : runScript(redis, script, keys, [field, text])
        caller.run(
          isBig ? large : lineOf(group),
          'write',
          options?.timeout,
          send,
          () => {
            if (slide) sliding.done(group, ttl)
            if (!replaces) written.add(group, field)
            if (isBig) largeGroups.seen(group, text)
            resolve()
          },
          reject,
        )
      }),

    groupDelete: async (group, field, options) => {
      const keys = [layout.group(group), layout.groupIndex]
      const old = await caller.call(lineOf(group), 'change', options?.timeout, (redis) =>
        runScript(redis, groupDeleteScript, keys, [field, group]),
      )
      return typeof old === 'string' ? old : undefined
    },

    groupAll: async (group, options) => {
      // A page may repeat what an earlier one had, while the hash grows.
      const items = new Map<string, string>()
      let cursor = '0'
      let big = ''
      try {
        do {
          const pages = pagesOf(group)
          const read = await paged(
            pages,
            caller.call(lineOf(group), 'read', options?.timeout, (redis) => readPage(redis, group, cursor, pages)),
          )
          const { page } = read
          for (let i = 0; i < page.length; i += 2) items.set(page[i] as string, page[i + 1] as string)
          if (read.big !== '') big = read.big
          cursor = read.next
        } while (cursor !== '0')
      } catch (error) {
        return ifForeign(error, [])
      }
      largeGroups.seen(group, big)
      return [...items]
    },

    groupFields: async (group, options) => {
      const fields = new Set<string>()
      let cursor = '0'
      try {
        do {
          // The script has the server put each item of the page together, texts included.
          const count = largeGroups.has(group) ? largePages.next() : PAGE
          const reply = await caller.call(data, 'read', options?.timeout, (redis) =>
            runScript(redis, groupFieldsScript, [layout.group(group)], [cursor, count]),
          )
          const [next, page] = reply as [string, string[]]
          for (const field of page) fields.add(field)
          cursor = next
        } while (cursor !== '0')
      } catch (error) {
        return ifForeign(error, [])
      }
      return [...fields]
    },

    groupClear: async (group, options) => {
      const keys = [layout.group(group), layout.groupIndex]
      await caller.call(data, 'change', options?.timeout, (redis) => runScript(redis, groupClearScript, keys, [group]))
      largeGroups.seen(group, '')
    },

    groups: async (options) => {
      const names: string[] = []
      let from: string | null = '-'
      while (from !== null) {
        const bound: string = from
        const reply = await caller.call(data, 'read', options?.timeout, (redis) =>
          runScript(redis, groupsScript, [layout.groupIndex], [bound, PAGE, layout.groupPrefix]),
        )
        const [last, live] = reply as [string | null, string[]]
        names.push(...live)
        from = last === null ? null : `(${last}`
      }
      return names
    },

    ...createGroupPages(caller, { data, lineOf, seen: largeGroups.seen }, layout),
  }
}

/** Another type of data at a group's key reads as a group that holds nothing. */
const ifForeign = <T>(error: unknown, empty: T): T => {
  if (isForeign(error)) return empty
  throw error
}

const isForeign = (error: unknown): boolean => error instanceof InstanceError && error.fault.code === 'WRONGTYPE'
