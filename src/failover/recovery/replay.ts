import { type Instance, isOutage, type ScriptCall } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import type { Pending } from '../journal/journal.js'
import type { Plan } from './replay-plan.js'

/** What became of a batch. What isn't named here stays in the journal. */
export interface Replayed {
  readonly done: readonly Pending[]
  readonly aside: readonly { readonly pending: Pending; readonly reason: string }[]
  /** The instance couldn't take the rest. */
  readonly failed?: { readonly error: unknown }
}

/** Texts of one round trip, in bytes at most about. */
const TRIP = 512 * 1024

/** ms a round trip may take: nobody waits for its answer. */
export const patience = (instance: Instance): { readonly timeout: number } => ({
  timeout: Math.max(1_000, 3 * instance.deadline('write')),
})

/** Nothing more can be brought there now. What else a server refuses is refused for good. */
export const isFatal = (error: unknown): boolean =>
  !(error instanceof StoreError) ||
  isOutage(error) ||
  error.kind === 'busy' ||
  error.kind === 'closed' ||
  error.kind === 'configuration' ||
  error.kind === 'journal'

type Planned = { readonly pending: Pending; readonly plan: Plan }

/**
 * Brings a batch to an instance, in order, as far as order matters. What is refused is tried once more on its own, then
 * given up with the reason. Never rejects.
 */
export const replay = async (instance: Instance, planned: readonly Planned[]): Promise<Replayed> => {
  const done: Pending[] = []
  const aside: { pending: Pending; reason: string }[] = []
  const once = async (pending: Pending, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
      done.push(pending)
    } catch (error) {
      if (isFatal(error)) throw error
      aside.push({ pending, reason: error instanceof Error ? error.message : String(error) })
    }
  }

  const removeAll = async (run: readonly Planned[]): Promise<void> => {
    if (run.length === 0) return
    const keys = run.flatMap(({ plan }) => (plan.do === 'remove' ? [plan.redisKey] : []))
    try {
      await instance.remove(keys, patience(instance))
      done.push(...run.map(({ pending }) => pending))
    } catch (error) {
      if (isFatal(error)) throw error
      for (const [i, { pending }] of run.entries()) {
        await once(pending, () => instance.remove([keys[i] ?? ''], patience(instance)))
      }
    }
  }

  const sendAll = async (run: readonly Planned[]): Promise<void> => {
    for (const trip of tripsOf(run)) {
      if (trip.length === 0) return
      const calls = trip.map(({ call }) => call)
      const outcomes = await instance.scripts(calls, 'change', patience(instance)).catch((error) => {
        if (isFatal(error)) throw error
        return calls.map(() => error)
      })
      const failed = trip.flatMap(({ pending, call }, i) => {
        const outcome = outcomes[i]
        if (outcome instanceof StoreError) return [{ pending, call, outcome }]
        done.push(pending)
        return []
      })
      for (const { pending, call, outcome } of failed) {
        if (isFatal(outcome)) throw outcome
        await once(pending, () => instance.script(call, 'change', patience(instance)))
      }
    }
  }

  const bring = async (part: readonly Planned[]): Promise<void> => {
    const of = (kind: Plan['do'], delta: boolean): Planned[] =>
      part.filter(({ plan, pending }) => plan.do === kind && (pending.entry.kind === 'delta') === delta)
    await removeAll(of('remove', false))
    await removeAll(of('remove', true))
    // An increment must not overtake the value it was added to.
    await sendAll(of('script', false))
    await sendAll(of('script', true))
    for (const { pending, plan } of part) {
      if (plan.do === 'aside') aside.push({ pending, reason: plan.reason })
      else if (plan.do === 'work') await once(pending, () => plan.work().catch((error) => again(error, plan.work)))
    }
  }

  try {
    for (const part of partsOf(planned)) await bring(part)
  } catch (error) {
    return { done, aside, failed: { error } }
  }
  return { done, aside }
}

const again = (error: unknown, work: () => Promise<void>): Promise<void> => {
  if (isFatal(error)) throw error
  return work()
}

/**
 * Each ends with what concerns many keys, and must not come before its time. In one part no two entries are about the
 * same key, except for increments.
 */
const partsOf = (planned: readonly Planned[]): Planned[][] => {
  const parts: Planned[][] = [[]]
  for (const each of planned) {
    parts.at(-1)?.push(each)
    if (each.plan.do === 'work') parts.push([])
  }
  return parts
}

const tripsOf = (run: readonly Planned[]): { readonly pending: Pending; readonly call: ScriptCall }[][] => {
  const trips: { pending: Pending; call: ScriptCall }[][] = [[]]
  let size = 0
  for (const { pending, plan } of run) {
    if (plan.do !== 'script') continue
    const { entry } = pending
    size += entry.kind === 'value' ? entry.text.length : 0
    if (size > TRIP && trips.at(-1)?.length !== 0) {
      trips.push([])
      size = entry.kind === 'value' ? entry.text.length : 0
    }
    trips.at(-1)?.push({ pending, call: plan.call })
  }
  return trips
}
