import type { Identity } from '../../instances/instance.js'

/**
 * What lies at `layout.sentinel`: four words.
 *
 *     <run id> <replication id> <epoch ms> <state>
 *
 * It names the run of the server for which it was written, so a server that was started again says so itself, to every
 * process, also to one that knows nothing of it. Each id is '-' where INFO is hidden. The state is 'whole', or why kept
 * data still has to be compared with its other place, which was away. It lacks some: 'empty' or 'behind'. As far as
 * anybody knows it lacks none: 'new' (empty, and nobody knew it before), 'restarted' (with its append-only file).
 */
export type Wholeness = 'whole' | Partial
type Partial = 'empty' | 'behind' | 'new' | 'restarted'

/**
 * What came back. intact: the server that went. promoted: a replica of it. behind: the server with an older snapshot of
 * its data. empty: without any, or emptied. `known`: this was found before, and only kept data is still to be repaired.
 */
export type Return =
  | { readonly kind: 'intact' }
  | { readonly kind: 'promoted' | 'behind' | 'empty'; readonly known: boolean }

const HIDDEN = '-'
const kinds: ReadonlyMap<string | undefined, 'empty' | 'behind'> = new Map([
  ['empty', 'empty'],
  ['new', 'empty'],
  ['behind', 'behind'],
  ['restarted', 'behind'],
])
/** ms that clocks of hosts may differ by, and then some. */
const SKEW = 5_000

export const sentinelOf = ({ runId, replication }: Identity, state: Wholeness, now: number): string =>
  [runId ?? HIDDEN, replication ?? HIDDEN, now, state].join(' ')

/** Where INFO is hidden, nothing but an emptied server is recognised. */
export const judge = (identity: Identity, now: number): Return => {
  const { sentinel, runId } = identity
  if (sentinel === undefined) return { kind: 'empty', known: false }
  const [run, replication, plantedAt, state] = sentinel.split(' ')
  if (run === runId || runId === undefined || run === HIDDEN) {
    const kind = kinds.get(state)
    return kind === undefined ? { kind: 'intact' } : { kind, known: true }
  }
  const promoted =
    identity.formerReplication === replication && state === 'whole' && ranBefore(identity, Number(plantedAt), now)
  return { kind: promoted ? 'promoted' : 'behind', known: false }
}

export const stateIn = (sentinel: string | undefined): string | undefined => sentinel?.split(' ')[3]

/** Whether kept data that it should have isn't there, so that nobody may be told what it holds. */
export const lacks = (state: string | undefined): boolean => state === 'empty' || state === 'behind'

/** The state of one that can't be compared with its other place now. `knew`: it is not seen for the first time. */
export const stateApart = (identity: Identity, found: Exclude<Return, { kind: 'intact' }>, knew: boolean): Partial => {
  const was = stateIn(identity.sentinel)
  if (found.kind === 'empty') return knew || was === 'empty' ? 'empty' : 'new'
  if (found.known) return was === 'restarted' ? was : 'behind'
  return found.kind === 'behind' && identity.appendOnly && !lacks(was) ? 'restarted' : 'behind'
}

/**
 * A primary with replicas that starts again from an old snapshot names its former replication id too. But it can't have
 * been running when the sentinel was planted.
 */
const ranBefore = ({ uptime }: Identity, plantedAt: number, now: number): boolean =>
  uptime !== undefined && uptime > now - plantedAt + SKEW
