import { LATENCY_CLASSES, latencyClass } from './latency.js'
import { createMinutes, type Minute } from './minutes.js'
import type { ReadOutcome } from './read-outcome.js'

/** What is asked of a cache, as metrics name it. */
export type Operation = Reading | Writing
type Reading = 'get' | 'getMany' | 'getEntry' | 'getOrSet' | 'has' | 'keys'
type Writing =
  | 'set'
  | 'setMany'
  | 'delete'
  | 'deleteMany'
  | 'expire'
  | 'touch'
  | 'increment'
  | 'invalidateTags'
  | 'clear'
/** Why what lies at a key is none of ours to answer. */
export type Corruption = 'unreadable' | 'schema'

/** Counts what happens in one category. On the path of every call: nothing here allocates. */
export interface CategoryMeter {
  /** A call ended after so many ms. */
  called(operation: Operation, ms: number, failed: boolean): void
  /** So many keys were read with this outcome. */
  read(outcome: ReadOutcome, many: number): void
  /** Something was found there: an instance's name, 'embedded', 'motia-state'. */
  found(source: string): void
  /** What was found is as if it weren't there. */
  corrupt(why: Corruption): void
  /** A call waited so many ms for somebody else's computation. */
  waited(ms: number): void
  /** A factory or loader ended after so many ms. */
  computed(ms: number, failed: boolean): void
  /** A value was compressed to be stored, from so many bytes to so many. */
  compressed(before: number, after: number): void
  figures(): CategoryFigures
}

/** Calls of one kind, or computations. */
export interface Timed {
  readonly count: number
  readonly errors: number
  /** ms of all together. */
  readonly sum: number
  /** How many by class of latency.ts. */
  readonly classes: Uint32Array
}

/** Since the server started. */
export interface CategoryFigures {
  readonly operations: ReadonlyMap<Operation, Timed>
  readonly reads: Readonly<Record<ReadOutcome, number>>
  /** How often something was found where. */
  readonly sources: ReadonlyMap<string, { readonly count: number }>
  readonly corrupt: Readonly<Record<Corruption, number>>
  readonly waits: Timed
  readonly computations: Timed
  /** Bytes of values that were compressed to be stored. */
  readonly compression: { readonly before: number; readonly after: number }
  readonly hour: readonly Minute[]
  /** Of all calls of the hour, by the classes of latency. */
  readonly hourLatencies: () => readonly number[]
}

const reading: ReadonlySet<string> = new Set<Reading>(['get', 'getMany', 'getEntry', 'getOrSet', 'has', 'keys'])
/** Whether such a call reads; else it writes. */
export const isReading = (operation: Operation): boolean => reading.has(operation)
const minuteField = { hit: 'hits', stale: 'stale', miss: 'misses' } as const

interface Counting extends Timed {
  count: number
  errors: number
  sum: number
}

export const startCounting = (): Counting => ({
  count: 0,
  errors: 0,
  sum: 0,
  classes: new Uint32Array(LATENCY_CLASSES),
})

/** Answers the class of the duration. */
export const count = (timed: Counting, ms: number, failed: boolean): number => {
  const at = latencyClass(ms)
  timed.count += 1
  timed.sum += ms
  timed.classes[at] = (timed.classes[at] ?? 0) + 1
  if (failed) timed.errors += 1
  return at
}

/** `now`: epoch ms. */
export const createCategoryMeter = (now: () => number): CategoryMeter => {
  const minutes = createMinutes(now)
  const calls = new Map<Operation, Counting>()
  const computations = startCounting()
  const compression = { before: 0, after: 0 }
  const reads = { hit: 0, stale: 0, miss: 0 }
  const sources = new Map<string, { count: number }>()
  const corrupt = { unreadable: 0, schema: 0 }
  const waits = startCounting()

  const callsOf = (operation: Operation): Counting => {
    let known = calls.get(operation)
    if (known === undefined) {
      known = startCounting()
      calls.set(operation, known)
    }
    return known
  }
  return {
    called: (operation, ms, failed) => {
      const latency = count(callsOf(operation), ms, failed)
      minutes.called(isReading(operation) ? 'reads' : 'writes', latency, failed)
    },
    read: (outcome, many) => {
      reads[outcome] += many
      minutes.count(minuteField[outcome], many)
    },
    found: (source) => {
      const known = sources.get(source)
      if (known === undefined) sources.set(source, { count: 1 })
      else known.count += 1
    },
    corrupt: (why) => {
      corrupt[why] += 1
    },
    waited: (ms) => void count(waits, ms, false),
    computed: (ms, failed) => {
      count(computations, ms, failed)
      minutes.count('computed', 1)
    },
    compressed: (before, after) => {
      compression.before += before
      compression.after += after
    },
    figures: () => ({
      ...{ operations: calls, reads, sources, corrupt, waits, computations, compression },
      hour: minutes.hour(),
      hourLatencies: minutes.latencies,
    }),
  }
}
