import type { Instance, ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import { steadyNow } from '../time-left.js'
import type { CopySites } from './copy-sites.js'
import { endCall, leaveCall, overAnswer, sweptCall } from './outage-scripts.js'
import type { OutageTroubles } from './outage-troubles.js'

/** What is still to be done about a record that may be there. */
interface Owed {
  /** leave: say goodbye, and be the last if nobody else is left. end: only look whether somebody is. */
  readonly call: 'leave' | 'end'
  /** Not before (steadyNow). */
  readonly due: number
  /** Ids whose copies are to be removed. */
  readonly over: readonly string[]
}

/** What is left of an outage when this process has nothing more to do with it. */
export interface Left {
  readonly sites: CopySites
  registered: boolean
  /** By instance. */
  readonly owed: Map<string, Owed>
}

interface LeavingParts {
  readonly homes: ReadonlyMap<string, Left>
  readonly layout: Layout
  readonly processId: string
  readonly reachable: () => Instance[]
  /** Undefined: it couldn't answer. */
  readonly ask: (home: string, instance: Instance, call: ScriptCall, intent: 'change') => Promise<unknown>
  readonly troubles: OutageTroubles
}

/** ms between two looks at a record. Those who are still registered end it themselves, unless they are killed. */
const LOOK_EVERY = 5_000

/**
 * Leaves no record and no copy behind, whoever made it, also on an instance that was away itself when the outage ended,
 * and where processes are killed: the record names what is to be removed until it is, and is looked at until it is gone.
 */
export const createLeaving = ({ homes, layout, processId, reachable, ask, troubles }: LeavingParts) => {
  const tidying = new Set<string>()

  /** Whether nobody is left there, as far as can be asked. */
  const settleAt = async (home: string, { owed }: Left, instance: Instance): Promise<boolean> => {
    const { name } = instance
    const call = owed.get(name)?.call
    if (call === undefined) return true
    const key = layout.outage(home)
    const reply = await ask(home, instance, call === 'leave' ? leaveCall(key, processId) : endCall(key), 'change')
    const over = overAnswer(reply)
    if (over?.length === 0) troubles.over(name, home, 'copies')
    const due = steadyNow() + LOOK_EVERY
    // What was left meanwhile has to be told.
    if (call === 'end' && owed.get(name)?.call === 'leave') return true
    if (over === undefined) owed.set(name, { call, due, over: [] })
    // A last sign of life may still have been on its way.
    else if (call === 'leave' || over.length > 0) owed.set(name, { call: 'end', due, over })
    else owed.delete(name)
    // Of one that can't answer, what is registered there ends by itself.
    return over !== undefined || reply === undefined
  }
  const settle = async (home: string, one: Left, instances: readonly Instance[]): Promise<boolean> => {
    const last = await Promise.all(instances.map((instance) => settleAt(home, one, instance)))
    return last.every((each) => each)
  }

  const sweepAt = async (home: string, { owed }: Left, instance: Instance): Promise<void> => {
    const known = owed.get(instance.name)
    if (known === undefined || known.over.length === 0) return
    owed.set(instance.name, { ...known, over: [] })
    try {
      for (const id of known.over) await instance.clear(layout.standIn(home, id), { abandoned: true })
      await instance.script(sweptCall(layout.outage(home), known.over), 'change')
      troubles.over(instance.name, home, 'copies')
    } catch (error) {
      // The record still names them, for the next look.
      if (!(error instanceof StoreError)) throw error
      troubles.met(instance.name, home, 'copies', error)
    }
  }
  const sweep = async (home: string, one: Left): Promise<void> => {
    await Promise.all(reachable().map((instance) => sweepAt(home, one, instance)))
  }

  return {
    owe: ({ owed }: Left, instance: string, call: Owed['call']): void => {
      const known = owed.get(instance)
      owed.set(instance, { call: known?.call === 'leave' ? 'leave' : call, due: 0, over: known?.over ?? [] })
    },
    settle,
    sweep,
    tidy: async (): Promise<void> => {
      for (const [home, one] of homes) {
        if (one.registered || tidying.has(home)) continue
        const now = steadyNow()
        const isDue = ({ name }: Instance): boolean => (one.owed.get(name)?.due ?? Number.POSITIVE_INFINITY) <= now
        const due = reachable().filter((instance) => instance.writable() && isDue(instance))
        if (due.length === 0) continue
        tidying.add(home)
        await settle(home, one, due)
        await sweep(home, one)
        tidying.delete(home)
      }
    },
  }
}
