import type { Instance, ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { StoreError } from '../../instances/store.js'
import type { CopySites } from './copy-sites.js'
import { leaveCall } from './outage-scripts.js'

/** What is left of an outage when this process has nothing more to do with it. */
export interface Left {
  readonly sites: CopySites
  registered: boolean
  /** Prefixes of copies that nobody reads any more. */
  readonly abandoned: { readonly standIn: string; readonly prefix: string }[]
  /** Instances that don't know yet that this process has left. */
  readonly untold: Set<string>
}

interface LeavingParts {
  readonly homes: ReadonlyMap<string, Left>
  readonly layout: Layout
  readonly processId: string
  readonly reachable: () => Instance[]
  /** Undefined: it couldn't answer. */
  readonly ask: (instance: Instance, call: ScriptCall, intent: 'change') => Promise<unknown>
}

/** Leaves no record and no copy behind, also on an instance that was away itself when the outage ended. */
export const createLeaving = ({ homes, layout, processId, reachable, ask }: LeavingParts) => {
  const tidying = new Set<string>()

  /** Says goodbye wherever that is still to be done and can be. Whether we were the last, as far as is known. */
  const leave = async (home: string, one: Left): Promise<boolean> => {
    const used = one.sites.leave()
    const leaveAt = async (instance: Instance): Promise<boolean> => {
      const { name } = instance
      const reply = await ask(instance, leaveCall(layout.outage(home), processId), 'change')
      if (reply === undefined) return true // What is registered there ends by itself; the rest is for the next time.
      one.untold.delete(name)
      const prefixes = used.get(name) ?? []
      used.delete(name)
      if (reply !== 1) return false
      const again = one.sites.joined.get(name)?.prefix
      for (const prefix of prefixes) if (prefix !== again) one.abandoned.push({ standIn: name, prefix })
      return true
    }
    const targets = reachable().filter(({ name }) => one.untold.has(name))
    const left = await Promise.all(targets.map(leaveAt))
    for (const [standIn, prefixes] of used) one.sites.keep(standIn, prefixes)
    return left.every((last) => last)
  }

  const sweep = async ({ abandoned }: Left): Promise<void> => {
    for (const each of [...abandoned]) {
      const instance = reachable().find(({ name }) => name === each.standIn)
      if (instance === undefined) continue
      try {
        await instance.clear(each.prefix, { abandoned: true })
        abandoned.splice(abandoned.indexOf(each), 1)
      } catch (error) {
        // For the next time; the copies have an end of their own.
        if (!(error instanceof StoreError)) throw error
      }
    }
  }

  return {
    leave,
    sweep,
    tidy: async (): Promise<void> => {
      for (const [home, one] of homes) {
        const owed = (name: string): boolean =>
          one.untold.has(name) || one.abandoned.some(({ standIn }) => standIn === name)
        if (one.registered || tidying.has(home)) continue
        if (!reachable().some((each) => each.writable() && owed(each.name))) continue
        tidying.add(home)
        await leave(home, one)
        await sweep(one)
        tidying.delete(home)
      }
    },
  }
}
