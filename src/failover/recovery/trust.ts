import type { Identity, Instance } from '../../instances/instance.js'
import type { Landscape } from '../landscape.js'
import { judge, lacks, stateApart, stateIn, type Wholeness } from './identity.js'
import type { Lost } from './recovery-restore.js'
import type { DataPlaces } from './repair-places.js'

/** What a process knows of whether instances hold what they should. */
export interface Trust {
  /**
   * This process has just connected to it for the first time: until somebody has looked at what it holds, it is trusted
   * only if it is what it was when it was left.
   */
  meet(instance: string, identity: Identity): void
  /** The run of the server that this process works with. */
  ran(instance: string, runId: string | undefined): void
  /** As `ran`, unless one is known. */
  ranAtFirst(instance: string, runId: string | undefined): void
  /** It was found or left with this sentinel. */
  note(instance: string, sentinel: string | undefined): void
  /** The one that was noted last. */
  sentinel(instance: string): string | undefined
  /** What it is as long as it can't be compared with its other place. `returned`: it was away. */
  apart(instance: string, identity: Identity, found: Lost, returned: boolean): Exclude<Wholeness, 'whole'>
  /** From now on it lacks kept data. */
  lost(instance: string): void
  /** Its cached entries of the past are gone. */
  cleared(instance: string): void
  /** Whether what it lacks can be read elsewhere. */
  canMend(instance: string): boolean
  /** Another one that can be read has what it should, and had so before this process came. */
  knowBetter(instance: string): boolean
  /** It was met, isn't what it was, and nobody has made that good yet. */
  doubtful(instance: string): boolean
  /** The same, and its cached entries are of the past. */
  stale(instance: string): boolean
  /**
   * It lacks kept data that only its other place has, which couldn't be read yet: what it holds of that isn't the truth.
   * Ends with the next `check` after the other can be read.
   */
  behind(instance: string): boolean
  /** It is behind at most because it is new, as its other place was, and nobody has compared the two yet. */
  unsure(instance: string): boolean
  /** It is behind, and what it lacks can be read now. */
  mendable(instance: string): boolean
}

interface Doubt {
  /** Cached entries are of the past. */
  readonly stale: boolean
  /** As far as anybody knows nobody has used it before. */
  readonly anew: boolean
}

interface Known {
  /** The run of the server that this process worked with. */
  met?: string | undefined
  sentinel?: string | undefined
}

export const createTrust = (landscape: Landscape, places: DataPlaces, now: () => number): Trust => {
  const known = new Map<string, Known>()
  const lacking = new Set<string>()
  /** Not what they were, or not compared with their other places yet. */
  const doubts = new Map<string, Doubt>()
  /** Those that are known to be there, not only not known to be away. */
  const acquainted = new Set<string>()
  /** Nobody was known to have used them when they were met. */
  const newcomers = new Set<string>()
  const of = (name: string): Known => {
    const found: Known = known.get(name) ?? {}
    known.set(name, found)
    return found
  }

  const note = (name: string, sentinel: string | undefined): void => {
    of(name).sentinel = sentinel
    acquainted.add(name)
    const state = stateIn(sentinel)
    if (lacks(state)) lacking.add(name)
    if (state === 'whole') {
      lacking.delete(name)
      doubts.delete(name)
    } else doubts.set(name, { stale: false, anew: state === 'new' && doubts.get(name)?.anew === true })
  }

  const othersOf = (name: string): Instance[] =>
    places.sharedBy(name).flatMap(({ other }) => landscape.instances.get(other) ?? [])
  const canMend = (name: string): boolean => othersOf(name).some((other) => other.readable())
  const vouched = (name: string): Instance[] =>
    othersOf(name).filter(
      (other) => other.readable() && acquainted.has(other.name) && !lacking.has(other.name) && !doubts.has(other.name),
    )
  /** Of two that nobody can vouch for, one is as good as the other. */
  const isBetter = (name: string): boolean => vouched(name).length > 0
  const isUsed = (name: string): boolean => vouched(name).some((other) => !newcomers.has(other.name))

  return {
    meet: (name, identity) => {
      const found = judge(identity, now())
      if (found.kind === 'intact') return note(name, identity.sentinel)
      acquainted.add(name)
      of(name).met ??= identity.runId
      const state = stateIn(identity.sentinel)
      if (found.known && lacks(state)) lacking.add(name)
      const anew = found.kind === 'empty' && !lacks(state)
      if (anew) newcomers.add(name)
      doubts.set(name, { stale: found.kind === 'behind' && !found.known && !identity.appendOnly, anew })
    },
    ran: (name, runId) => {
      of(name).met = runId
    },
    ranAtFirst: (name, runId) => {
      of(name).met ??= runId
    },
    note,
    sentinel: (name) => known.get(name)?.sentinel,

    apart: (name, identity, found, returned) => {
      const { sentinel, met } = of(name)
      // The same run may be without a sentinel because nobody has planted one yet.
      const again = returned && met !== undefined && met !== identity.runId
      const knew = identity.sentinel === undefined && again
      // Somebody who saw it for the first time may have been here before.
      const anew = stateIn(sentinel) === 'new' && stateIn(identity.sentinel) === 'new'
      return stateApart(identity, found, knew || (sentinel !== undefined && !anew))
    },
    lost: (name) => {
      lacking.add(name)
    },
    cleared: (name) => {
      const doubt = doubts.get(name)
      if (doubt !== undefined) doubts.set(name, { ...doubt, stale: false })
    },
    canMend,
    knowBetter: isUsed,
    doubtful: (name) => doubts.has(name),
    stale: (name) => doubts.get(name)?.stale === true,
    behind: (name) => lacking.has(name) || (doubts.has(name) && isBetter(name)),
    unsure: (name) => !lacking.has(name) && doubts.get(name)?.anew === true && !isUsed(name),
    mendable: (name) => (lacking.has(name) || doubts.has(name)) && canMend(name),
  }
}
