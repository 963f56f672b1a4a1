import fc from 'fast-check'
import { Redis } from 'ioredis'
import { type Clock, lowestAt, type Version } from '../../../src/failover/versions/clock.ts'
import type { KeptCall } from '../../../src/failover/versions/kept-call.ts'
import { highest, type KeptWrite, type KeyState, merge, noState, put } from '../../../src/failover/versions/merge.ts'
import { runScript } from '../../../src/instances/scripts.ts'
import { inCharge } from '../../support/redis-process.ts'

const NOW = Date.now()
export const versionOf = (n: number): Version => lowestAt(NOW + n)
export const ceiling = versionOf(1_000)
/** A clock that stands still, so that model and scripts mean the same ceiling. */
export const stillClock: Clock = {
  processId: '00000000',
  next: () => ceiling,
  witness: () => true,
  horizon: () => versionOf(60_000),
}

export const runCall = async <T>(redis: Redis, call: KeptCall<T>): Promise<T> =>
  call.answer(await runScript(redis, call.script, call.keys, call.args))

export const openRedis = (url: string): Redis => new Redis(url, { maxRetriesPerRequest: 0, ...inCharge })

/** ms; far enough apart that it doesn't matter when something was written. */
const lives = [600_000, 6_000_000, 60_000_000]
export const lifeOf = ({ endsAt = Number.NaN }: { readonly endsAt?: number | undefined }): number => endsAt - NOW

const version = fc.integer({ min: 1, max: 6 }).map(versionOf)
const key = fc.constantFrom('a', '*', 'a:b')
/** By version: two texts with one version differ in nothing else. */
export const tagsOf = (of: Version): string[] =>
  ['red', 'blue'].filter((_, i) => (Number.parseInt(of.slice(0, 12), 16) >> i) & 1)

export type Step =
  | { readonly do: 'put' | 'merge'; readonly key: string; readonly write: LiveWrite }
  | { readonly do: 'put' | 'merge'; readonly key?: undefined; readonly write: ScopeWrite }
  | { readonly do: 'foreign'; readonly key: string; readonly kind: number }
type LiveWrite = Extract<KeptWrite, { kind: 'value' | 'tombstone' }>
type ScopeWrite = Extract<KeptWrite, { kind: 'clear' | 'tag' }>

const how = fc.constantFrom('put' as const, 'merge' as const, 'merge' as const)
const value = fc
  .tuple(version, fc.constantFrom('x', 'y'), fc.constantFrom(...lives))
  .map(([of, text, life]): LiveWrite => ({ kind: 'value', version: of, text, tags: tagsOf(of), endsAt: NOW + life }))
const tombstone = version.map((of): LiveWrite => ({ kind: 'tombstone', version: of }))
const clear = version.map((of): ScopeWrite => ({ kind: 'clear', version: of }))
const tagged = fc
  .tuple(version, fc.constantFrom('red', 'blue'))
  .map(([of, tag]): ScopeWrite => ({ kind: 'tag', version: of, tag }))

const onKey: fc.Arbitrary<Step> = fc.record({ do: how, key, write: fc.oneof(value, value, tombstone) })
const onScope = (scope: fc.Arbitrary<ScopeWrite>): fc.Arbitrary<Step> => fc.record({ do: how, write: scope })
const foreign: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('foreign' as const),
  key,
  kind: fc.integer({ min: 0, max: 5 }),
})
export const entrySteps = fc.array(fc.oneof(onKey, onKey, onKey, onScope(clear), onScope(tagged), foreign), {
  maxLength: 14,
})
export const groupSteps = fc.array(fc.oneof(onKey, onKey, onKey, onScope(clear), foreign), { maxLength: 14 })

/** All keys of one scope, by the pure rule. */
export const createModel = () => {
  const states = new Map<string, KeyState>()
  let scope: KeyState = noState
  const of = (name: string): KeyState => states.get(name) ?? scope

  return {
    of,
    names: ['a', '*', 'a:b'],
    /** A value from somebody who knows nothing of versions. */
    foreign: (name: string): void => {
      states.set(name, { ...of(name), slot: 'foreign' })
    },
    /** Whether it was refused. */
    put: (name: string, write: LiveWrite): boolean => {
      const outcome = put(of(name), write)
      if ('state' in outcome) states.set(name, outcome.state)
      return 'refused' in outcome
    },
    /** A live clear reaches foreign values too, and needs no marker for each of them. */
    putClear: (cleared: Version): void => {
      for (const [name, state] of states) {
        const live = state.slot === 'foreign' ? { ...state, slot: undefined } : state
        states.set(name, merge(live, { kind: 'clear', version: cleared }, ceiling))
      }
      scope = merge(scope, { kind: 'clear', version: cleared }, ceiling)
    },
    merge: (name: string, write: KeptWrite): void => {
      states.set(name, merge(of(name), write, ceiling))
    },
    mergeAll: (write: ScopeWrite): void => {
      for (const [name, state] of states) states.set(name, merge(state, write, ceiling))
      scope = merge(scope, write, ceiling)
    },
    cleared: (): Version | undefined => scope.cleared,
    tag: (tag: string): Version | undefined => scope.tags.get(tag),
    /** The highest version that a live clear of a group must be above. */
    top: (): Version | undefined =>
      highest(
        scope.cleared,
        ...[...states.values()].flatMap(({ slot, deleted }) => [
          deleted,
          slot === 'foreign' ? undefined : slot?.version,
        ]),
      ),
  }
}
