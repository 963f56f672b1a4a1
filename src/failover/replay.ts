import { type Instance, isOutage, type ScriptCall } from '../instances/instance.js'
import { StoreError } from '../instances/store.js'
import type { Pending } from './journal.js'
import type { Plan } from './replay-plan.js'

/** What became of a batch. What isn't named here stays in the journal. */
export interface Replayed {
  readonly done: readonly Pending[]
  readonly aside: readonly { readonly pending: Pending; readonly reason: string }[]
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
 * given up with the reason. Rejects where the instance can't be reached; what was done until then is done again later.
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
      const calls = trip.map(({ call }) => call)
      const outcomes = await instance.scripts(calls, 'change', patience(instance)).catch((error) => {
        if (isFatal(error)) throw error
        return calls.map(() => error)
      })
      for (const [i, { pending, call }] of trip.entries()) {
        const outcome = outcomes[i]
        if (!(outcome instanceof StoreError)) done.push(pending)
        else if (isFatal(outcome)) throw outcome
        else await once(pending, () => instance.script(call, 'change', patience(instance)))
      }
    }
  }

  for (const run of runsOf(planned)) {
    const first = run[0]
    if (first?.plan.do === 'remove') await removeAll(run)
    else if (first?.plan.do === 'script') await sendAll(run)
    else {
      for (const { pending, plan } of run) {
        if (plan.do === 'aside') aside.push({ pending, reason: plan.reason })
        else if (plan.do === 'work') await once(pending, () => plan.work().catch((e) => again(e, plan.work)))
      }
    }
  }
  return { done, aside }
}

const again = (error: unknown, work: () => Promise<void>): Promise<void> => {
  if (isFatal(error)) throw error
  return work()
}

/**
 * Neighbours that can travel together. An increment must not overtake the value it was added to, and scripts of one trip
 * may: those that a server doesn't know yet run last.
 */
const runsOf = (planned: readonly Planned[]): Planned[][] => {
  const runs: Planned[][] = []
  let last = ''
  for (const each of planned) {
    const kind = `${each.plan.do} ${each.pending.entry.kind === 'delta'}`
    if (kind === last) runs.at(-1)?.push(each)
    else runs.push([each])
    last = kind
  }
  return runs
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
