import { join } from 'node:path'
import { layoutOf } from '../instances/layout.js'
import { type Store, StoreError, type StoreHealth } from '../instances/store.js'
import { type EmbeddedDatabase, type OpenDatabase, openDatabase } from './database.js'
import { createEntries } from './entries.js'
import { createGroups } from './groups.js'
import { createLeases } from './leases.js'
import { startSweep } from './sweep.js'

export interface EmbeddedStoreOptions {
  readonly name: string
  /** The folder of all embedded stores; this one lies in `<dir>/<name>`. */
  readonly dir: string
  /** Literal prefix of every key of ours, '' for none. Callers put it before entry keys themselves. */
  readonly namespace: string
  /** ms between two sweeps of what has ended. @default 15000 */
  readonly sweepEvery?: number
  /** Hears once of each change between up and down; the first opening counts as one. */
  readonly onState?: (health: StoreHealth) => void
}

/** A Store that can be opened before it is used. */
export interface EmbeddedStore extends Store {
  /** Opens the files now instead of at the first call; `health` tells whether that worked. Never rejects. */
  connect(): Promise<void>
}

/**
 * A Store in files, shared by all processes of the machine that use the same folder. Opened by `connect` or the first
 * call; where the folder can't be written every call rejects with kind 'configuration'. A write resolves when it is on
 * disk. Once it is closed, writes under way still end as usual, and everything else rejects with kind 'closed'.
 */
export const createEmbeddedStore = (options: EmbeddedStoreOptions): EmbeddedStore => {
  const { name, onState } = options
  const layout = layoutOf(options.namespace)
  let opened: { database: EmbeddedDatabase; stopSweep: () => void } | undefined
  let closing: Promise<void> | undefined
  let state: Pick<StoreHealth, 'state' | 'since' | 'reason'> = { state: 'up', since: Date.now() }
  let told: StoreHealth['state'] | undefined

  const health = (): StoreHealth => ({
    ...state,
    checkedAt: Date.now(),
    readable: state.state === 'up',
    writable: state.state === 'up',
  })
  const tell = (): void => {
    if (told === state.state) return
    told = state.state
    onState?.(health())
  }
  const goUp = (): void => {
    if (state.state !== 'up') state = { state: 'up', since: Date.now() }
    tell()
  }
  const goDown = (error: unknown): void => {
    const reason = error instanceof StoreError ? error.message.slice(name.length + 2) : 'its files cannot be used'
    if (state.state !== 'down' || state.reason !== reason) state = { state: 'down', since: Date.now(), reason }
    tell()
  }

  /** A sweep writes, so it shows every few seconds whether the disk works. */
  const swept = (error?: unknown): void => {
    if (closing !== undefined) return
    if (error === undefined) goUp()
    else goDown(error)
  }

  const database: OpenDatabase = (applied = 'no') => {
    if (closing !== undefined) throw new StoreError('closed', name, `${name}: closed`, applied)
    if (opened !== undefined) return opened.database
    try {
      const fresh = openDatabase(name, join(options.dir, name))
      opened = { database: fresh, stopSweep: startSweep(fresh, swept, options.sweepEvery) }
    } catch (error) {
      goDown(error)
      throw error
    }
    goUp()
    return opened.database
  }

  return {
    name,
    ...createEntries(database, layout),
    ...createGroups(database, layout.groupPrefix),
    ...createLeases(database, layout),
    health,
    connect: async () => {
      try {
        database()
      } catch {
        // Health has it now, and every call says it.
      }
    },
    close: () => {
      opened?.stopSweep()
      closing ??= opened?.database.close() ?? Promise.resolve()
      return closing
    },
  }
}
