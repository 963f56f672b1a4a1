import { createHash } from 'node:crypto'
import { existsSync, statfsSync } from 'node:fs'
import { StoreError } from '../../instances/store.js'
import type { Report } from '../../report.js'
import type { InstanceSettings, Settings } from '../../settings/settings.js'
import { type Clock, createClock } from '../versions/clock.js'
import { createClockFiles } from '../versions/clock-file.js'
import { type Journal, openJournal } from './journal.js'
import type { Scope } from './journal-entries.js'

/** What survives this process, in MOTIA_REDIS_DIR. */
export interface Durable {
  readonly clock: Clock
  readonly journal: Journal | undefined
  /** What an instance is called in files: its name and its address. */
  idOf(instance: string): string
  /** What the app should know of its folder, at the start. */
  readonly warnings: readonly string[]
}

/** Hears of each write that the journal had no room for. */
export type JournalFull = (instance: string, scope: Scope) => void

/** Opens the journal and the clock. A folder that can't be used is no reason not to start. */
export const openDurable = (
  settings: Settings,
  processId: string,
  { report, onFull }: { readonly report: Report; readonly onFull: JournalFull },
): Durable => {
  const { dir } = settings
  const warnings: string[] = []
  const redis = settings.instances.filter(({ url }) => url !== undefined)
  const idOf = idsOf(redis, settings.namespace)
  let journal: Journal | undefined
  if (redis.length > 0) {
    try {
      const opened = openJournal({ dir })
      // The first commit takes many times what later ones take: not under a call that has a deadline. Whoever needs the
      // next one hears of a disk that fails.
      opened.whenEmpty('', () => undefined).catch(() => undefined)
      journal = byAddress(opened, idOf, onFull)
      if (diesWithContainer(dir)) {
        warnings.push(
          'the journal lies in this container and is lost with it: writes of an outage survive only if MOTIA_REDIS_DIR is on a volume',
        )
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      warnings.push(
        `${error.message.replace(/^journal: /, 'no journal: ')}. While an instance is away, state and mirrored categories refuse writes`,
      )
    }
  }
  const clock = createClock({
    processId,
    store: journal && createClockFiles(dir, processId),
    onStoreFailure: (error) => {
      const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
      report.warn(
        `MOTIA_REDIS_DIR can't be written any more${code}: if this server is started again, its clock may be behind its last writes`,
      )
    },
  })
  return { clock, journal, idOf, warnings }
}

/**
 * Entries wait for a server, not for a name: where REDIS_PRIMARY_URL is pointed at another one, what was meant for the
 * first must not end up there. User and password may change.
 */
const idsOf = (instances: readonly InstanceSettings[], namespace: string): ((name: string) => string) => {
  const ids = new Map(
    instances.map(({ name, url }) => {
      const address = `${url?.host} ${url?.port} ${url?.db} ${namespace}`
      return [name, `${name}@${createHash('sha1').update(address).digest('hex').slice(0, 12)}`]
    }),
  )
  return (name) => ids.get(name) ?? name
}

const byAddress = (journal: Journal, id: (name: string) => string, onFull: JournalFull): Journal => ({
  look: journal.look,
  commits: journal.commits,
  close: journal.close,
  find: (name, scope, key) => journal.find(id(name), scope, key),
  findAll: (name, scope) => journal.findAll(id(name), scope),
  findTags: (name, scope, tags) => journal.findTags(id(name), scope, tags),
  holdsTags: (name) => journal.holdsTags(id(name)),
  scopesOfGroups: (name) => journal.scopesOfGroups(id(name)),
  keysWaiting: (name, scope) => journal.keysWaiting(id(name), scope),
  holds: (name) => journal.holds(id(name)),
  adding: (name) => journal.adding(id(name)),
  append: (name, entries) =>
    journal.append(id(name), entries).catch((error) => {
      if (error instanceof StoreError && error.kind === 'full') {
        for (const scope of new Set(entries.map((entry) => entry.scope))) onFull(name, scope)
      }
      throw error
    }),
  batches: (name, limit) => journal.batches(id(name), limit),
  remove: (name, replayed) => journal.remove(id(name), replayed),
  settle: (name, written) => journal.settle(id(name), written),
  setAside: (name, pending, reason) => journal.setAside(id(name), pending, reason),
  listAside: (limit) =>
    journal.listAside(limit).map((aside) => ({ ...aside, instance: aside.instance.replace(/@[0-9a-f]{12}$/, '') })),
  whenEmpty: (name, action) => journal.whenEmpty(id(name), action),
  inUse: (names) => journal.inUse(names.map(id)),
  stats: (name) => journal.stats(id(name)),
})

const OVERLAY_FS = 0x794c7630

/** In a container, and not on a volume. */
const diesWithContainer = (dir: string): boolean =>
  (existsSync('/.dockerenv') || existsSync('/run/.containerenv')) && statfsSync(dir).type === OVERLAY_FS
