import type { Identity, Instance } from '../instances/instance.js'
import type { Report } from '../report.js'
import { type Return, sentinelOf } from './identity.js'
import type { Repaired } from './repair.js'
import type { Places } from './repair-places.js'

interface RestoreParts {
  readonly places: Places
  readonly report: Report
  readonly now: () => number
}

export type Lost = Exclude<Return, { kind: 'intact' }>

/**
 * Makes good what an instance lost, as far as others have it, and plants the sentinel that says how far that is. Answers
 * it if nothing is left to do. `wasKnown`: it was whole before, in this process's time.
 */
export const restore = async (
  instance: Instance,
  identity: Identity,
  found: Lost,
  wasKnown: boolean,
  repair: (instance: Instance, behind: boolean) => Promise<Repaired>,
  { places, report, now }: RestoreParts,
): Promise<string | undefined> => {
  const { name } = instance
  const empty = found.kind === 'empty'
  if (found.kind === 'behind' && !found.known && !identity.appendOnly) {
    for (const { keyPrefix, enumerable, name: category } of places.cachedAt(name)) {
      if (enumerable) await instance.clear(keyPrefix)
      else report.warn(`${name}  holds an older state of '${category}', whose keys can't be listed to clear them`)
    }
  }
  const { missing, compared } = await repair(instance, !empty)
  const whole = missing.length === 0
  const sentinel = sentinelOf(identity, whole ? 'whole' : empty ? 'empty' : 'behind', now())
  await instance.plant(sentinel)
  const then = !whole
    ? `what ${missing.join(' and ')} holds of it is brought back when that can be read`
    : places.sharedBy(name).length === 0
      ? 'there is no mirror to repair it from'
      : `repaired from its mirror (${compared} entries compared)`
  // An empty one that nobody knew, and for which nobody has anything, is new.
  if (!empty || wasKnown || compared > 0) report.warn(`${name}  ${whatHappened(found)}: ${then}`)
  return whole ? sentinel : undefined
}

const whatHappened = ({ kind, known }: Lost): string => {
  if (known) return 'lacked kept data since it came back'
  if (kind === 'empty') return 'has lost its data'
  return kind === 'promoted'
    ? 'is a promoted replica now, which may lack the last writes'
    : 'came back with an older snapshot of its data'
}
