import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmbeddedStore } from '../../../src/embedded/embedded-store.ts'
import { createCachedShelf } from '../../../src/failover/cached/cached-shelf.ts'
import { createLandscape } from '../../../src/failover/create-landscape.ts'
import { type Journal, openJournal } from '../../../src/failover/journal/journal.ts'
import type { JournalEntry } from '../../../src/failover/journal/journal-entries.ts'
import type { Landscape } from '../../../src/failover/landscape.ts'
import type { EntryName, Shelf, ShelfWrite } from '../../../src/failover/shelf.ts'
import { openLastResort } from '../../../src/failover/stand-in/last-resort.ts'
import { createOutages, type Outages } from '../../../src/failover/stand-in/outages.ts'
import { createRemoveCopies } from '../../../src/failover/stand-in/remove-copies.ts'
import { createClock } from '../../../src/failover/versions/clock.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { layoutOf } from '../../../src/instances/layout.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import type { CategorySettings } from '../../../src/settings/settings.ts'
import { openRedisStore } from '../../support/redis-store.ts'
import { until } from '../../support/until.ts'

export interface ProcessOptions {
  readonly urls: { readonly primary: string; readonly secondary: string }
  /** @default its own */
  readonly dir?: string
  readonly processId?: string
  readonly journal?: false
  readonly lastResort?: false
  /** Of the category. */
  readonly policy?: Partial<CategorySettings>
  readonly weakened?: { readonly overlay?: boolean; readonly anyAge?: boolean; readonly anyTime?: boolean }
}

/** One server process's view: instances, journal, outages, and the shelf of category `menu`, whose home is primary. */
export interface Process {
  readonly shelf: Shelf
  readonly home: Instance
  readonly standIn: Instance
  readonly landscape: Landscape
  readonly outages: Outages
  readonly journal: Journal | undefined
  readonly lastResort: EmbeddedStore | undefined
  /** What recovery does with cached data: replay, admit, remove copies. */
  recover(): Promise<void>
  /** One round of it, which may fail. */
  recoverOnce(): Promise<void>
  close(): Promise<void>
}

export const layout = layoutOf('')
export const entry = (key: string): EntryName => ({ key, redisKey: `menu:${key}` })
export const text = (value: string): string => JSON.stringify({ value })
export const put = (key: string, value: string, life = 60_000): ShelfWrite => ({
  ...entry(key),
  text: text(value),
  endsAt: Date.now() + life,
})

export const putTagged = (key: string, value: string, tags: readonly string[], life = 60_000): ShelfWrite => ({
  ...put(key, value, life),
  text: taggedText(value, tags),
  tags,
})
export const taggedText = (value: string, tags: readonly string[]): string =>
  JSON.stringify({ value, meta: { t: tags } })

const replay = async (home: Instance, each: JournalEntry): Promise<void> => {
  if (each.kind === 'invalid') await home.remove([`menu:${each.key}`])
  if (each.kind === 'invalid-all') await home.clear('menu:')
  if (each.kind === 'invalid-tag') await home.removeTagged({ category: 'menu', names: [each.tag] })
  if (each.kind === 'delta') await home.increment(`menu:${each.key}`, each.by, each.endsAt)
}

export const openProcess = async (options: ProcessOptions): Promise<Process> => {
  const { urls, processId = Math.random().toString(16).slice(2, 10), policy, weakened } = options
  const ownDir = options.dir === undefined ? mkdtempSync(join(tmpdir(), 'motia-redis-cached-')) : undefined
  const dir = options.dir ?? ownDir ?? ''
  const away = new Set<string>()
  const open = (name: 'primary' | 'secondary'): Instance =>
    openRedisStore(urls[name], {
      name,
      processId,
      supervised: true,
      onState: ({ readable }) => {
        if (readable) away.delete(name)
        else if (!away.has(name)) {
          away.add(name)
          outages.discard(name)
        }
      },
    })
  const home = open('primary')
  const standIn = open('secondary')
  const instances = new Map([
    ['primary', home],
    ['secondary', standIn],
  ])
  const outages = createOutages({ instances, layout, processId, routing: 'r1', weakened })
  const journal = options.journal === false ? undefined : openJournal({ dir, refresh: 20 })
  const lastResort = options.lastResort === false ? undefined : openLastResort(dir)
  const env = { REDIS_PRIMARY_URL: urls.primary, REDIS_SECONDARY_URL: urls.secondary }
  const settings = readSettings(undefined, { env, baseDir: dir, production: false })
  const landscape = createLandscape({ settings, instances, clock: createClock(), journal, lastResort })
  const category: CategorySettings = {
    ...landscape.categoryOf('menu'),
    instance: 'primary',
    onOutage: 'failover',
    ...policy,
  }
  const shelf = createCachedShelf(category, home, { landscape, outages, now: Date.now, weakened })
  const removeCopies = createRemoveCopies({ landscape, outages })
  await Promise.all([home.connect(), standIn.connect()])

  const recoverOnce = async (): Promise<void> => {
    await home.fence(() => true)
    if (journal === undefined) home.readmit()
    else {
      for await (const batch of journal.batches('primary', 100)) {
        for (const { entry: each } of batch) await replay(home, each)
        await journal.remove('primary', batch)
      }
      if (!(await journal.whenEmpty('primary', () => home.readmit()))) return
    }
    await removeCopies('primary')
  }

  return {
    shelf,
    home,
    standIn,
    landscape,
    outages,
    journal,
    lastResort,
    recover: async () => {
      await until('home takes calls again', () => home.writable())
      await until('everything is replayed', async () => {
        await recoverOnce()
        return landscape.calm('primary')
      })
    },
    recoverOnce,
    close: async () => {
      await outages.close()
      await Promise.all([home.close(), standIn.close(), journal?.close(), lastResort?.close()])
      if (ownDir !== undefined) rmSync(ownDir, { recursive: true, force: true })
    },
  }
}
