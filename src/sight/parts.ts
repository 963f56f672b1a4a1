import type { HealthReport } from '../../types/index.js'
import type { CacheEngine } from '../cache/engine.js'
import type { CopiesOf } from '../cache/l1/l1.js'
import type { Failover } from '../failover/open-failover.js'
import type { Looks } from '../instances/looks.js'
import type { Meters } from '../metrics/meters.js'
import type { Settings } from '../settings/settings.js'
import type { HotStore } from '../state/hot-store.js'
import type { HotReads } from './hot-reads.js'
import type { Heartbeat } from './process-heartbeat.js'
import type { Timeline } from './timeline.js'

/** What there is to look at, and by what it may be changed. */
export interface SightParts {
  readonly settings: Settings
  readonly production: boolean
  readonly processId: string
  /** Epoch ms. */
  readonly startedAt: number
  readonly failover: Pick<Failover, 'landscape' | 'shelves' | 'groups' | 'progress'>
  readonly health: () => HealthReport
  /** By instance; embedded ones have none. */
  readonly looks: ReadonlyMap<string, Looks>
  readonly meters: Meters
  readonly copies: CopiesOf
  readonly timeline: Timeline
  readonly reads: HotReads
  readonly heartbeat: Heartbeat
  readonly engine: CacheEngine
  readonly hot: HotStore
  /** State has our adapter. */
  readonly ours: () => boolean
  /** What is left when no instance is: files of this machine, or the app's own state adapter. */
  readonly lastPlace: () => 'embedded' | 'motia-state'
  /** Treats an instance as gone for so many ms. */
  readonly drill: (instance: string, ms: number) => void
}
