import type { HealthReport } from '../../../types/index.js'
import type { Add, Sample } from './samples.js'
import type { ExpositionSources } from './sources.js'

const states = ['up', 'suspect', 'down', 'probing', 'catching-up'] as const

const tracking = ['on', 'off', 'refused'] as const

/** How each instance is, and what it lacks. */
export const addInstances = (add: Add, { health, replayed }: ExpositionSources): void => {
  type Instance = HealthReport['instances'][number]
  const per = (value: (instance: Instance) => number | undefined) => (): readonly Sample[] =>
    health().instances.flatMap((instance) => {
      const known = value(instance)
      return known === undefined ? [] : [{ labels: { instance: instance.name }, value: known }]
    })
  add('gauge', 'instance_state', '1 for the state that an instance is in', () =>
    health().instances.flatMap(({ name, state }) =>
      states.map((each) => ({ labels: { instance: name, state: each }, value: each === state ? 1 : 0 })),
    ),
  )
  add('gauge', 'tracking_state', '1 for whether it tells of changes, so that copies can be kept long', () =>
    health().instances.flatMap((instance) =>
      tracking.map((each) => ({
        labels: { instance: instance.name, state: each },
        value: each === instance.tracking ? 1 : 0,
      })),
    ),
  )
  add('counter', 'replayed_total', 'Entries of the journal that reached it after it had missed them', () =>
    health().instances.map(({ name }) => ({ labels: { instance: name }, value: replayed.get(name) ?? 0 })),
  )
  add(
    'gauge',
    'instance_readable',
    'Whether it is read from',
    per(({ readable }) => Number(readable)),
  )
  add(
    'gauge',
    'instance_writable',
    'Whether it is written to',
    per(({ writable }) => Number(writable)),
  )
  add(
    'gauge',
    'instance_latency_seconds',
    'Median of recent probes',
    per(({ latency }) => latency && latency / 1_000),
  )
  add(
    'gauge',
    'instance_memory_used_bytes',
    'Memory in use',
    per(({ memory }) => memory?.used),
  )
  add(
    'gauge',
    'instance_memory_max_bytes',
    'maxmemory; 0 is no limit',
    per(({ memory }) => memory?.max),
  )
  add(
    'gauge',
    'journal_entries',
    'Writes that have still to reach it',
    per(({ journal }) => journal.entries),
  )
  add(
    'gauge',
    'journal_bytes',
    'Their size',
    per(({ journal }) => journal.bytes),
  )
  add(
    'gauge',
    'journal_aside',
    'Writes that could not be replayed',
    per(({ journal }) => journal.aside ?? 0),
  )
}

/** Categories that left home, and came back. */
export const addMoves = (add: Add, { moves }: ExpositionSources): void => {
  const per = (counts: ReadonlyMap<string, number>) => (): readonly Sample[] =>
    [...counts].map(([category, value]) => ({ labels: { category }, value }))
  add('counter', 'failovers_total', 'How often a category moved away from home', per(moves.failover))
  add('counter', 'failbacks_total', 'How often a category moved back', per(moves.failback))
}
