import type { HealthReport } from '../../types/index.js'
import type { EngineParts } from '../cache/create-engine.js'
import type { CacheEngine } from '../cache/engine.js'
import type { CopiesOf } from '../cache/l1/l1.js'
import type { TiersEmitter } from '../events.js'
import type { Shelves } from '../failover/shelf.js'
import type { Report } from '../report.js'
import type { CategorySettings, Settings } from '../settings/settings.js'
import type { HotStore } from '../state/hot-store.js'
import { countSources } from './counted-shelves.js'
import { measureEngine, measureLease } from './measured-engine.js'
import { createMeters, type Meters } from './meters.js'
import { countMoves } from './moves.js'
import { createExposition, type Exposition } from './prometheus.js'
import { createTargets } from './span-targets.js'
import { type Caller, createSpans } from './spans.js'
import { measureState, type StateMeter } from './state-meter.js'

export interface MeasuredEngine {
  readonly engine: CacheEngine
  /** The same, for one run of a step: who traces sees whose calls it has. */
  engineFor(caller: Caller): CacheEngine
}

/** All that is counted, and what it is counted at. */
export interface Measures {
  readonly meters: Meters
  /** What the engine tells of itself. */
  readonly watch: Required<Pick<EngineParts, 'watchLease' | 'compressed' | 'corrupt' | 'waited'>>
  shelves<S extends Shelves>(shelves: S): S
  engine(engine: CacheEngine): MeasuredEngine
  state(hot: HotStore): HotStore
  /** So many entries reached an instance that had missed them. */
  replayed(instance: string, entries: number): void
  /** What a scrape gets; opened by the first one. */
  exposition(parts: { health(): HealthReport; readonly copies: CopiesOf }): Promise<Exposition>
}

/** `servedBy`: who answers for a category now. */
export const createMeasures = (
  settings: Settings,
  parts: {
    readonly events: Pick<TiersEmitter, 'on'>
    readonly report: Report
    readonly servedBy: (category: CategorySettings) => string | undefined
  },
): Measures => {
  const { events, report, servedBy } = parts
  const spans = createSpans({ report, targetOf: createTargets(settings, servedBy) })
  const meters = createMeters(settings, Date.now)
  const moves = countMoves(events)
  const elapsed = (): number => performance.now()
  const replayed = new Map<string, number>()
  let state: StateMeter | undefined
  return {
    meters,
    watch: {
      watchLease: (lease, key) => measureLease(lease, meters.of(lease.category, key), elapsed),
      compressed: (category, before, after) => meters.of(category, '').compressed(before, after),
      corrupt: (category, why) => meters.of(category, '').corrupt(why),
      waited: (category, ms) => meters.of(category, '').waited(ms),
    },
    shelves: (shelves) => countSources(shelves, meters),
    engine: (engine) => {
      const measured = measureEngine(engine, meters, elapsed, spans.of(undefined))
      const callers = new WeakMap<Caller, CacheEngine>()
      return {
        engine: measured,
        engineFor: (caller) => {
          if (!spans.on()) return measured
          const known = callers.get(caller) ?? measureEngine(engine, meters, elapsed, spans.of(caller))
          callers.set(caller, known)
          return known
        },
      }
    },
    state: (hot) => {
      const measured = measureState(hot, elapsed)
      state = measured.meter
      return measured.hot
    },
    replayed: (instance, entries) => void replayed.set(instance, (replayed.get(instance) ?? 0) + entries),
    exposition: (parts) => createExposition({ ...parts, meters, moves, replayed, state: () => state }),
  }
}
