import type { Instance } from '../instances/instance.js'
import type { EntryStore } from '../instances/store.js'
import type { CategorySettings } from '../settings/settings.js'
import type { Journal } from './journal/journal.js'
import type { Clock } from './versions/clock.js'

/** Everything that failover works with, the same for all categories. */
export interface Landscape {
  readonly clock: Clock
  /** Undefined where no folder can be written, or it is another machine's. */
  readonly journal: Journal | undefined
  /** Every instance that is a Redis, in order of configuration. */
  readonly instances: ReadonlyMap<string, Instance>
  /** The category of a name, also of one that only another process or an earlier configuration used. */
  categoryOf(name: string): CategorySettings
  /** What an instance is called in files, where another server under its name must not meet what was kept for the first. */
  idOf(instance: string): string
  /**
   * Calls may go straight to the instance: it reads and writes, isn't catching up, and nothing in the journal waits for
   * it. Asked before every call, so it costs next to nothing.
   */
  calm(instance: string): boolean
  /**
   * It is up and lacks kept data that its other place has, which is away: what it holds of that isn't the truth. Asked
   * before every call, too.
   */
  behind(instance: string): boolean
  /** It is behind only because it is as new as the other, and the two were not compared yet: better asked than nobody. */
  unsure(instance: string): boolean
  /** It came back with older data before this process started, and its cached entries are still to be cleared. */
  stale(instance: string): boolean
  /** Those that can serve instead of `home` now, best first: they read and write, and have nothing to catch up with. */
  standInsOf(home: string): readonly Instance[]
  /** Where copies of what is kept at `home` lie: the instance after it in order of configuration, around the corner, unless that is the same server. Undefined: there is none. */
  mirrorOf(home: string): Instance | undefined
  /** For cached data when no instance can stand in. Undefined: there is none. */
  readonly lastResort: LastResortStore | undefined
}

/** What is needed of a place where cached data lies when no instance can serve it. */
export interface LastResortStore
  extends Pick<EntryStore, 'read' | 'readMany' | 'write' | 'remove' | 'swap' | 'life' | 'scan' | 'clear'> {
  /** Whether there is one now. @default true */
  available?(): boolean
}
