import type { RedisTiers } from '../../types/index.ts'
import { readCounter } from './healed.ts'
import { cacheKey, identity, itemKey, placeOf, scopesOf, tagOf } from './places.ts'
import type { Intended, Recorder } from './recorder.ts'
import { createManyCalls, type Time } from './workload-many.ts'

export interface Workload {
  /** One call of a random kind on a random key. */
  step(): Promise<void>
  /** One call of every kind, all at once. */
  everyKind(): Promise<void>
}

export interface WorkloadOptions {
  readonly tiers: RedisTiers
  readonly recorder: Recorder
  /** Makes values unique. */
  readonly name: string
  readonly random: () => number
  /** Keys that all writers share, per scope. @default 8 */
  readonly shared?: number
  /** Steps change nothing. */
  readonly readsOnly?: boolean | undefined
  /** Other processes compute the same keys. */
  readonly others?: boolean | undefined
}

/** design.md's deadlines, ms: what each call has at least. */
const READ = 150
const WRITE = 300
/** A step of getOrSet, of which it has a few: look, be granted the lease, compute at once, store or be told what is stored. */
const STEPS = 4
/** Whoever asks while another process computes waits for that, or for the lease of one that is gone to end. */
const HARD_TIMEOUT = 10_000

const entries = scopesOf('cached', 'kept')
const cached = scopesOf('cached')
const groups = scopesOf('state')
const counters = scopesOf('counter', 'tally')

export const createWorkload = (options: WorkloadOptions): Workload => {
  const { tiers, recorder, name, random, shared = 8, readsOnly = false, others = false } = options
  const { cache, state } = tiers
  const { run } = recorder
  /** The one in force: longer where answers take their time, as docs/how-it-works.md says; deadlines.test.ts has the rule. */
  const limit = (kind: 'read' | 'write', least: number): number =>
    Math.max(least, ...tiers.health().instances.map(({ deadline }) => deadline?.[kind] ?? 0))
  const reading = (): Time => ({ limit: limit('read', READ), each: READ })
  const writing = (): Time => ({ limit: limit('write', WRITE), each: WRITE })
  let count = 0
  /** Keys that only this writer uses, once: what is lost of them stays lost. */
  const own = new Map<string, string[]>()

  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const sharedKeys = (scope: string): string[] => Array.from({ length: shared }, (_, i) => `${scope}/k${i}`)
  const keyOf = (scope: string): string => {
    const once = own.get(scope) ?? []
    return once.length > 0 && random() < 0.3 ? pick(once) : pick(sharedKeys(scope))
  }
  const writtenKey = (scope: string): string => {
    if (random() < 0.7) return pick(sharedKeys(scope))
    const key = `${scope}/${name}-${++count}`
    own.set(scope, [...(own.get(scope) ?? []), key].slice(-50))
    return key
  }
  const value = (key: string): { id: string; text: string } => {
    const id = `${key}|${name}-${++count}`
    // Some travel on the connection for large values.
    return {
      id,
      text: random() < 0.01 ? `${id}|${'x'.repeat(70_000)}` : random() < 0.3 ? `${id}|${'x'.repeat(300)}` : id,
    }
  }
  const readOf = (key: string, op: string, time: Partial<Time> & Pick<Time, 'limit'>, got: unknown): Intended => ({
    does: 'read',
    op,
    key,
    ...time,
    value: got === undefined || got === null ? null : identity(got),
  })

  /** Two shared ones, a tagged one among them half of the time, and perhaps one of its own. */
  const some = (scope: string): string[] => {
    const keys = sharedKeys(scope)
    return [...new Set([pick(random() < 0.5 ? keys.slice(0, 2) : keys), pick(keys), keyOf(scope)])]
  }
  const all = (scope: string): string[] => [...sharedKeys(scope), ...(own.get(scope) ?? [])]
  const many = createManyCalls({ tiers, recorder, some, all, value, reading, writing })

  const get = (scope: string): Promise<void> => {
    const key = keyOf(scope)
    const time = reading()
    return run(
      { does: 'read', op: 'cache.get', key, ...time },
      () => cache.get(cacheKey(key), { category: placeOf(key).name }),
      (got) => [readOf(key, 'cache.get', time, got)],
    )
  }
  const set = (scope: string): Promise<void> => {
    const key = writtenKey(scope)
    const { id, text } = value(key)
    const tag = tagOf(key)
    return run({ does: 'put', op: 'cache.set', key, value: id, tag, ...writing() }, () =>
      cache.set(cacheKey(key), text, {
        ...{ category: placeOf(key).name, ttl: '1h' },
        ...(tag !== undefined && { tags: [tag] }),
      }),
    )
  }
  const remove = (scope: string): Promise<void> => {
    const key = keyOf(scope)
    return run({ does: 'remove', op: 'cache.delete', key, ...writing() }, () =>
      cache.delete(cacheKey(key), { category: placeOf(key).name }),
    )
  }
  const getOrSet = (): Promise<void> => {
    const key = pick(sharedKeys('fills'))
    const { id } = value(key)
    const { limit, each } = writing()
    const time = others ? { limit: HARD_TIMEOUT, each } : { limit: STEPS * limit, each }
    const place = { op: 'cache.getOrSet', key, ...time }
    const stored = { does: 'put', ...place, value: id, outcome: 'unknown' } as const
    return run(
      { does: 'read', ...place },
      () => cache.getOrSet(cacheKey(key), () => id, { category: placeOf(key).name, ttl: '2s' }),
      // What was computed may be stored or not.
      (got) => [...(got === id ? [stored] : []), readOf(key, place.op, time, got)],
      stored,
    )
  }
  const increment = (scope: string): Promise<void> => {
    const key = pick(sharedKeys(scope).slice(0, 2))
    const by = 1 + Math.floor(random() * 3)
    const adds = { does: 'add', op: 'cache.increment', key, by, ...writing() } as const
    return run(
      adds,
      () => cache.increment(cacheKey(key), { category: placeOf(key).name, by, ttl: '1h' }),
      (total) => [{ ...adds, total }],
    )
  }
  const countOf = (scope: string): Promise<void> =>
    readCounter(tiers, recorder, pick(sharedKeys(scope).slice(0, 2)), reading())
  // It goes in batches, each with a deadline of its own.
  const clear = (): Promise<void> => {
    const { limit, each } = writing()
    return run({ does: 'clear', op: 'cache.clear', scope: 'notifications', limit: 3 * limit, each }, () =>
      cache.clear({ category: 'notifications' }),
    )
  }

  const stateGet = (scope: string): Promise<void> => {
    const key = keyOf(scope)
    const time = reading()
    return run(
      { does: 'read', op: 'state.get', key, ...time },
      () => state.get(scope, itemKey(key)),
      (got) => [readOf(key, 'state.get', time, got)],
    )
  }
  const stateSet = (scope: string): Promise<void> => {
    const key = writtenKey(scope)
    const { id, text } = value(key)
    return run({ does: 'put', op: 'state.set', key, value: id, ...writing() }, () =>
      state.set(scope, itemKey(key), text),
    )
  }
  const stateDelete = (scope: string): Promise<void> => {
    const key = keyOf(scope)
    return run({ does: 'remove', op: 'state.delete', key, ...writing() }, () => state.delete(scope, itemKey(key)))
  }
  const getGroup = (scope: string): Promise<void> => {
    const expected = all(scope)
    const time = reading()
    return run(
      { does: 'read', op: 'state.getGroup', key: `${scope}/k0`, ...time },
      () => state.getGroup<unknown>(scope),
      (items) => {
        const found = new Map(items.map((item) => [identity(item).split('|')[0] ?? '', item]))
        const every = new Set([...expected, ...found.keys()])
        return [...every].map((key) => readOf(key, 'state.getGroup', time, found.get(key)))
      },
    )
  }
  const stateClear = (): Promise<void> =>
    run({ does: 'clear', op: 'state.clear', scope: 'wiped', ...writing() }, () => state.clear('wiped'))

  type Kind = readonly [weight: number, call: () => Promise<void>]
  const reads: readonly Kind[] = [
    [22, () => get(pick(entries))],
    [4, () => many.getMany(pick(entries))],
    [4, () => countOf(pick(counters))],
    [0.5, () => many.list(pick(entries))],
    [14, () => stateGet(pick(groups))],
    [4, () => getGroup(pick(groups))],
  ]
  const changes: readonly Kind[] = [
    [18, () => set(pick(entries))],
    [6, () => remove(pick(entries))],
    [4, () => many.setMany(pick(entries))],
    [2, () => many.deleteMany(pick(entries))],
    [2, () => many.invalidateTag(pick(entries))],
    [1, () => many.expire(pick(cached))],
    [3, () => many.touch(pick(entries))],
    [5, getOrSet],
    [6, () => increment(pick(counters))],
    [0.3, clear],
    [16, () => stateSet(pick(groups))],
    [6, () => stateDelete(pick(groups))],
    [0.3, stateClear],
  ]
  const kinds = readsOnly ? reads : [...reads, ...changes]
  const weights = kinds.reduce((sum, [weight]) => sum + weight, 0)

  return {
    step: () => {
      let at = random() * weights
      for (const [weight, call] of kinds) {
        at -= weight
        if (at < 0) return call()
      }
      return get(pick(entries))
    },
    everyKind: async () => {
      await Promise.all([
        ...entries.flatMap((scope) => [get(scope), set(scope), remove(scope)]),
        ...entries.flatMap((scope) => [many.getMany(scope), many.setMany(scope), many.deleteMany(scope)]),
        ...entries.map(many.invalidateTag),
        ...cached.map(many.expire),
        ...entries.flatMap((scope) => [many.touch(scope), many.list(scope)]),
        getOrSet(),
        ...counters.map(increment),
        ...counters.map(countOf),
        clear(),
        ...groups.flatMap((scope) => [stateGet(scope), stateSet(scope), stateDelete(scope), getGroup(scope)]),
        stateClear(),
      ])
    },
  }
}

/** A small generator with a seed, so that a run can be repeated: mulberry32. */
export const seeded = (seed: number): (() => number) => {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = a
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
