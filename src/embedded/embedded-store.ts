import { join } from 'node:path'
import { layoutOf } from '../instances/layout.js'
import { type Store, StoreError, type StoreHealth } from '../instances/store.js'
import { type EmbeddedDatabase, openDatabase } from './database.js'
import { createEntries } from './entries.js'
import { createGroups } from './groups.js'
import { startSweep } from './sweep.js'

export interface EmbeddedStoreOptions {
  readonly name: string
  /** The folder of all embedded stores; this one lies in `<dir>/<name>`. */
  readonly dir: string
  /** Literal prefix of every key of ours, '' for none. Callers put it before entry keys themselves. */
  readonly namespace: string
  /** ms between two sweeps of what has ended. @default 15000 */
  readonly sweepEvery?: number
}

/**
 * A Store in files, shared by all processes of the machine that use the same folder. Opened by the first call; where
 * the folder can't be written every call rejects with kind 'configuration'. A write resolves when it is on disk.
 */
export const createEmbeddedStore = (options: EmbeddedStoreOptions): Store => {
  const { name } = options
  let opened: { database: EmbeddedDatabase; stopSweep: () => void } | undefined
  let closed = false
  let state: Pick<StoreHealth, 'state' | 'since' | 'reason'> = { state: 'up', since: Date.now() }

  const goDown = (error: unknown): void => {
    const reason = error instanceof StoreError ? error.message.slice(name.length + 2) : 'its files cannot be used'
    if (state.state !== 'down' || state.reason !== reason) state = { state: 'down', since: Date.now(), reason }
  }

  /** A sweep writes, so it shows every few seconds whether the disk works. */
  const swept = (error?: unknown): void => {
    if (closed) return
    if (error !== undefined) goDown(error)
    else if (state.state !== 'up') state = { state: 'up', since: Date.now() }
  }

  const database = (): EmbeddedDatabase => {
    if (closed) throw new StoreError('closed', name, `${name}: closed`, 'no')
    if (opened !== undefined) return opened.database
    try {
      const fresh = openDatabase(name, join(options.dir, name))
      opened = { database: fresh, stopSweep: startSweep(fresh, swept, options.sweepEvery) }
      if (state.state !== 'up') state = { state: 'up', since: Date.now() }
      return fresh
    } catch (error) {
      goDown(error)
      throw error
    }
  }

  return {
    name,
    ...createEntries(database),
    ...createGroups(database, layoutOf(options.namespace).groupPrefix),
    health: () => ({
      ...state,
      checkedAt: Date.now(),
      readable: state.state === 'up',
      writable: state.state === 'up',
    }),
    close: async () => {
      if (closed) return
      closed = true
      opened?.stopSweep()
      await opened?.database.close()
    },
  }
}
