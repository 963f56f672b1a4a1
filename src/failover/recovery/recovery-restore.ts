import type { Identity, Instance } from '../../instances/instance.js'
import type { Report } from '../../report.js'
import { lacks, type Return, sentinelOf, type Wholeness } from './identity.js'
import type { Repaired } from './repair.js'
import type { DataPlaces } from './repair-places.js'

interface RestoreParts {
  readonly places: DataPlaces
  readonly report: Report
  readonly now: () => number
  /** Cached entries of the past are gone. */
  readonly onCleared: () => void
}

export type Lost = Exclude<Return, { kind: 'intact' }>

/** What is to be made good. */
export type Loss = Lost & {
  /** What it is as long as its other place is away. */
  readonly state: Exclude<Wholeness, 'whole'>
  /** This process found it here with a sentinel before. */
  readonly seen: boolean
}

/**
 * Makes good what an instance lost, as far as others have it, and plants the sentinel that says how far that is, which it
 * answers.
 */
export const restore = async (
  instance: Instance,
  identity: Identity,
  loss: Loss,
  repair: (instance: Instance, older: boolean) => Promise<Repaired>,
  { places, report, now, onCleared }: RestoreParts,
): Promise<string> => {
  const { name } = instance
  const empty = loss.kind === 'empty'
  if (!loss.known && !identity.appendOnly && lacks(loss.state) && loss.kind !== 'promoted') {
    for (const { keyPrefix, enumerable, name: category } of await places.cachedAt(instance)) {
      if (enumerable) await instance.clear(keyPrefix)
      // Of one without a sentinel hardly anything is left.
      else if (!empty)
        report.warn(`${name}  holds an older state of '${category}', whose keys can't be listed to clear them`)
    }
  }
  onCleared()
  // With an append-only file it comes back with what it had; a replica lacks what was on its way to it.
  const repaired = await repair(instance, !empty && (!identity.appendOnly || loss.kind === 'promoted'))
  const whole = repaired.missing.length === 0
  const sentinel = sentinelOf(identity, whole ? 'whole' : loss.state, now())
  await instance.plant(sentinel)
  const mirrored = places.sharedBy(name).length > 0
  const line = whole ? whenWhole(loss, identity, repaired, mirrored) : whenApart(loss, identity, repaired)
  if (line !== undefined) report.warn(`${name}  ${line}`)
  return sentinel
}

/** Undefined: nothing that anybody missed. */
const whenWhole = (
  loss: Loss,
  identity: Identity,
  { compared, brought }: Repaired,
  mirrored: boolean,
): string | undefined => {
  const repaired = `repaired from its mirror (${compared} entries compared)`
  if (loss.known) {
    if (brought > 0) return `lacked kept data: ${repaired}`
    return lacks(loss.state)
      ? `its kept data is read again: its mirror has no other (${compared} entries compared)`
      : undefined
  }
  const what = whatHappened(loss, identity, brought)
  if (what === undefined) return undefined
  if (mirrored) return brought > 0 || lacks(loss.state) ? `${what}: ${repaired}` : undefined
  return lacks(loss.state) ? `${what}: there is no mirror to repair it from` : undefined
}

const whenApart = (loss: Loss, identity: Identity, { missing, brought }: Repaired): string | undefined => {
  if (loss.known || !lacks(loss.state)) return undefined
  const until = `what ${missing.join(' and ')} holds of it is brought back when that can be read; until then its kept data isn't read`
  return `${whatHappened(loss, identity, brought) ?? 'may lack kept data'}: ${until}`
}

/** Undefined: nothing that is known. */
const whatHappened = ({ kind, state, seen }: Loss, { appendOnly }: Identity, brought: number): string | undefined => {
  if (kind === 'promoted') return 'is a promoted replica now, which may lack the last writes'
  if (kind === 'behind') {
    if (!appendOnly) return 'came back with an older snapshot of its data'
    return brought > 0 ? 'was started again and lacked kept data' : undefined
  }
  // One that nobody knew may be new, or be written to for the first time.
  if (state === 'new') return brought > 0 ? 'lacked kept data' : undefined
  return seen || brought > 0 ? 'has lost its data' : undefined
}
