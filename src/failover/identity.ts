import type { Identity } from '../instances/instance.js'

/**
 * What lies at `layout.sentinel`: four words.
 *
 *     <run id> <replication id> <epoch ms> <state>
 *
 * It names the run of the server for which it was written, so a server that was started again says so itself, to every
 * process, also to one that knows nothing of it. Each id is '-' where INFO is hidden. The state is 'whole', or why kept
 * data still has to be brought there from its other place, which was away: 'empty' or 'behind'.
 */
export type Wholeness = 'whole' | 'empty' | 'behind'

/**
 * What came back. intact: the server that went. promoted: a replica of it. behind: the server with an older snapshot of
 * its data. empty: without any, or emptied. `known`: this was found before, and only kept data is still to be repaired.
 */
export type Return =
  | { readonly kind: 'intact' }
  | { readonly kind: 'promoted' | 'behind' | 'empty'; readonly known: boolean }

const HIDDEN = '-'
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
    return state === 'empty' || state === 'behind' ? { kind: state, known: true } : { kind: 'intact' }
  }
  const promoted =
    identity.formerReplication === replication && state === 'whole' && ranBefore(identity, Number(plantedAt), now)
  return { kind: promoted ? 'promoted' : 'behind', known: false }
}

/**
 * A primary with replicas that starts again from an old snapshot names its former replication id too. But it can't have
 * been running when the sentinel was planted.
 */
const ranBefore = ({ uptime }: Identity, plantedAt: number, now: number): boolean =>
  uptime !== undefined && uptime > now - plantedAt + SKEW
