import type { Instance } from '../../instances/instance.js'
import { endedWithin } from '../time-left.js'

/** What a process has to find out before it uses an instance that it meets for the first time. */
export interface FirstMeetings {
  /**
   * What to wait for before a call is begun. Undefined: nothing, from the end of the first meeting on. `kept`: what it
   * lacks of such data only the others can tell, so they are waited for as well, as long as they are being connected to.
   */
  hold(
    instance: string,
    wanted: { readonly kept: boolean; readonly limit?: number | undefined },
  ): Promise<void> | undefined
}

interface MeetingsParts {
  readonly instances: ReadonlyMap<string, Instance>
  /** It isn't, or may not be, what it was when somebody used it last. */
  readonly doubtful: (instance: string) => boolean
  /** Looks at what it holds. Never rejects. */
  readonly check: (instance: string) => Promise<void>
}

/**
 * An instance may have come back empty, or with older data, a moment before this process started. Who it is comes with
 * the first questions of its connection, so first calls wait for that, as they wait for the connection; and, where it
 * isn't the one that was left, a little longer, until somebody has looked at what it holds. After that they go where
 * the truth is as far as it is known.
 */
export const createFirstMeetings = ({ instances, doubtful, check }: MeetingsParts): FirstMeetings => {
  const over = new Set<string>()
  const meetings = new Map<string, Promise<void>>()

  const meet = async (instance: Instance, kept: boolean, lane: string): Promise<void> => {
    await instance.connect()
    if (doubtful(instance.name)) {
      const all = [...instances.values()]
      // They may be farther away than a deadline here.
      const connected = Promise.all(all.map((other) => other.connect()))
      await endedWithin(instance.deadline('write'), check(instance.name))
      if (kept) {
        await connected
        // Nobody could compare it with them until now.
        const limit = Math.max(...all.map((each) => each.deadline('write')))
        if (doubtful(instance.name)) await endedWithin(limit, check(instance.name))
      }
    }
    over.add(lane)
  }

  return {
    hold: (name, { kept, limit }) => {
      const lane = kept ? `${name} kept` : name
      if (over.has(lane)) return undefined
      const instance = instances.get(name)
      if (instance === undefined) return undefined
      const meeting = meetings.get(lane) ?? meet(instance, kept, lane)
      meetings.set(lane, meeting)
      return limit === undefined ? meeting : endedWithin(limit, meeting)
    },
  }
}

/**
 * The methods of `current()`, each of which first waits for `hold()` where there is something to wait for. They are
 * looked up then, because what is learned meanwhile may have put another object in its place.
 */
export const held = <S extends object>(current: () => S, hold: () => Promise<void> | undefined): S => {
  const call = (name: string, args: unknown[]): unknown => {
    const method: (...args: unknown[]) => unknown = Reflect.get<object, string>(current(), name)
    return method(...args)
  }
  const methods = Object.keys(current()).map((name) => [
    name,
    (...args: unknown[]) => {
      const wait = hold()
      return wait === undefined ? call(name, args) : wait.then(() => call(name, args))
    },
  ])
  return Object.fromEntries(methods)
}
