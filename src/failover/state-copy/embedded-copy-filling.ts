import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { createPageSize, paged } from '../../instances/page-size.js'
import { script } from '../../instances/scripts.js'
import { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'
import { othersIn } from '../journal/directory.js'
import type { Landscape } from '../landscape.js'
import { steadyNow } from '../time-left.js'
import { isVersion, lowestAt } from '../versions/clock.js'
import { groupLookAllScript } from '../versions/group-scripts.js'
import { type CopyFiles, type EmbeddedCopy, openCopyFiles } from './embedded-copy.js'

/** The copy, and what keeps it true. */
export interface FilledCopy extends EmbeddedCopy {
  /**
   * Called every few seconds: shows this directory among the writers of state, looks who else is there, and fills the
   * copy from home where it may lack something. Resolves when that has been looked at; filling goes on by itself. Never
   * rejects.
   */
  check(): Promise<void>
  /** Since when (steadyNow) no other process has been among the writers; Infinity: one is, or nobody has looked yet. */
  aloneSince(): number
  close(): Promise<void>
}

export interface FilledCopyParts {
  readonly landscape: Landscape
  readonly layout: Layout
  readonly report: Report
  /** Epoch ms. */
  readonly now: () => number
  /** ms between two pages of filling. @default 20 */
  readonly pause?: number
  /** ms after which a writer that shows nothing any more is gone. @default 30000 */
  readonly life?: number
  /** ms in which every writer that is there shows itself. @default 7500 */
  readonly quiet?: number
  /** ms after a filling that failed. @default 30000 */
  readonly rest?: number
  /** @default 256 MB */
  readonly maxBytes?: number
}

/** ms in which every write ends that was begun before. */
const UNDER_WAY = 1_000
/** Entries of writers that were not seen for so long go, ms. */
const FORGOTTEN = 24 * 60 * 60_000
const FOREIGN = lowestAt(0)

/**
 * KEYS: writers. ARGV: own directory, ms after which one is forgotten. Shows it by the server's time; that time, when it
 * was shown before, then directory and time of each.
 */
const writersScript = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now))
local writers = redis.call('HGETALL', KEYS[1])
for i = 1, #writers, 2 do
  if now - tonumber(writers[i + 1]) > tonumber(ARGV[2]) then redis.call('HDEL', KEYS[1], writers[i]) end
end
return {string.format('%.0f', now), before or '0', writers}`)

/**
 * Opens the copy of state in `dir`. It is complete once it was filled from home by this process, as long as no server
 * with another directory writes state too: of those it would know nothing. Throws as openCopyFiles does.
 */
export const openFilledCopy = (dir: string, home: Instance, parts: FilledCopyParts): FilledCopy => {
  const { landscape, layout, report, now, pause = 20, life = 30_000, quiet = 7_500, rest = 30_000, maxBytes } = parts
  const files = openCopyFiles(dir, { report, now, ...(maxBytes !== undefined && { maxBytes }) })
  const own = directoryId(dir)
  /** The server's time at which the last filling began; undefined: it wasn't filled. */
  let filledAt: number | undefined
  let lostBefore = 0
  let others = true
  let aloneSince = Number.POSITIVE_INFINITY
  /** The server's time at which this directory was last shown, and since when all are shown that are there. */
  let shownAt: number | undefined
  let watchedSince = 0
  let filling: Promise<void> | undefined
  let restUntil = 0
  let closed = false
  let wake = (): void => undefined

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (closed) return resolve()
      const timer = setTimeout(resolve, ms).unref()
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const fillGroup = async (group: string, floor: string): Promise<void> => {
    const pages = createPageSize('small')
    const fields = new Set<string>()
    let cursor = '0'
    do {
      const call = {
        script: groupLookAllScript,
        keys: [layout.group(group), layout.side(group)],
        args: [cursor, pages.next()],
      }
      const reply = (await paged(pages, home.script(call, 'read'))) as unknown[]
      const [next, cleared, left, ...page] = reply
      const endsAt = typeof left === 'number' && left >= 0 ? now() + left : false
      let length = 0
      for (let i = 0; i < page.length; i += 3) {
        const [field, text, version] = [String(page[i]), String(page[i + 1]), page[i + 2]]
        length += text.length
        fields.add(field)
        files.set(group, field, isVersion(version) ? version : FOREIGN, text, endsAt)
      }
      if (isVersion(cleared)) files.clear(group, cleared)
      pages.came(page.length / 3, length)
      cursor = String(next)
      await sleep(pause)
    } while (cursor !== '0' && !closed)
    await files.flushed()
    await files.retain(group, fields, floor)
  }

  const isTrue = (): boolean => landscape.calm(home.name) && !landscape.behind(home.name)

  /** Home as it is now; what is written meanwhile comes on its own. */
  const fill = async (serverTime: number): Promise<void> => {
    const floor = landscape.clock.next()
    const lost = files.lost()
    await sleep(UNDER_WAY)
    if (!isTrue()) return
    const groups = await home.groups()
    for (const group of groups) {
      if (closed) return
      await fillGroup(group, floor)
    }
    const known = new Set(groups)
    for (const group of files.names()) if (!known.has(group)) await files.retain(group, new Set(), floor)
    // What waited for home meanwhile isn't among what was read there.
    if (!isTrue() || !(await files.flushed()) || files.lost() !== lost) return
    filledAt = serverTime
    lostBefore = lost
  }

  const begin = (serverTime: number): void => {
    filling ??= fill(serverTime)
      .catch((error: unknown) => {
        // Home went away, or the files did: it is tried again. Anything else is a fault of ours.
        if (!(error instanceof StoreError)) report.error(`copy of state: filling failed (${nameOf(error)})`)
      })
      .finally(() => {
        filling = undefined
        if (!isFilled()) restUntil = now() + rest
      })
  }

  const isFilled = (): boolean => filledAt !== undefined && files.lost() === lostBefore

  const look = async (): Promise<void> => {
    if (!home.readable() || !home.writable()) return
    const reply = await home.script({ script: writersScript, keys: [layout.writers], args: [own, FORGOTTEN] }, 'write')
    const [time, before, writers] = reply as [string, string, string[]]
    const serverTime = Number(time)
    // Home may have forgotten who writes, with everything else: then they have to show themselves again.
    if (Number(before) < (shownAt ?? serverTime - quiet)) watchedSince = serverTime
    shownAt = serverTime
    let last = 0
    for (let i = 0; i < writers.length; i += 2) {
      if (writers[i] !== own) last = Math.max(last, Number(writers[i + 1]))
    }
    const seen = serverTime - last < life
    others = seen || serverTime - watchedSince < quiet
    if (others || othersIn(dir)) aloneSince = Number.POSITIVE_INFINITY
    else aloneSince = Math.min(aloneSince, steadyNow())
    // Somebody who was there since then wrote what isn't here.
    if (filledAt !== undefined && last >= filledAt) filledAt = undefined
    if (!seen && !isFilled() && filling === undefined && now() >= restUntil && isTrue()) {
      begin(serverTime)
    }
  }

  return {
    ...copyOf(files),
    complete: () => !others && isFilled(),
    aloneSince: () => aloneSince,
    check: async () => {
      try {
        await look()
        if (!closed) await files.sweep()
      } catch (error) {
        // An instance or a disk that is away shows elsewhere; what was known of others stays.
        if (!(error instanceof StoreError)) report.error(`copy of state: ${nameOf(error)}`)
      }
    },
    close: async () => {
      closed = true
      wake()
      await filling
      await files.close()
    },
  }
}

const copyOf = ({ get, all, groups, namesAfter, fieldsAfter, set, delete: remove, clear }: CopyFiles) => ({
  get,
  all,
  groups,
  namesAfter,
  fieldsAfter,
  set,
  delete: remove,
  clear,
})

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)

/** Names the directory for good, whoever uses it. Throws what the file system throws. */
const directoryId = (dir: string): string => {
  const file = join(dir, 'id')
  const fresh = `${file}.${randomUUID()}`
  // Whole or not at all, and only by the first who comes.
  writeFileSync(fresh, randomUUID(), { mode: 0o600 })
  try {
    linkSync(fresh, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(fresh)
  }
  return readFileSync(file, 'utf8')
}
