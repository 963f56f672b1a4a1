import { randomBytes } from 'node:crypto'
import { isOutage } from '../../instances/instance.js'
import { type Grant, type LeaseEnd, type LeaseRequest, LONGEST_LEASE, StoreError } from '../../instances/store.js'
import type { LeaseAnswer, LeaseAsk, Shelf, ShelfLease, ShelfWrite } from '../shelf.js'

/** A lease on one key that was granted, as one place keeps it. Calls reject with StoreErrors. */
export interface GrantedLease {
  renew(ms: number): Promise<boolean>
  /** False: it is over, or nobody can tell. */
  fill(write: ShelfWrite): Promise<boolean>
  release(end: LeaseEnd | undefined): Promise<void>
}

export interface PlaceLease extends GrantedLease {
  grant(request: LeaseRequest): Promise<Grant>
}

/** Nobody else's. */
export const newToken = (): string => randomBytes(9).toString('base64url')

export const requestOf = ({ ms, seen, despiteFailure }: LeaseAsk): LeaseRequest => ({
  ms: Math.min(ms, LONGEST_LEASE),
  seen,
  despiteFailure,
})

export const askPlace = async (place: PlaceLease, ask: LeaseAsk): Promise<LeaseAnswer> =>
  answerOf(await place.grant(requestOf(ask)), place)

export const answerOf = (grant: Grant, place: GrantedLease): LeaseAnswer =>
  'granted' in grant ? { lease: sharedLease(place, grant.died) } : grant

const sharedLease = (place: GrantedLease, died: boolean): ShelfLease => ({
  shared: true,
  noted: died,
  fill: async (write) => {
    try {
      return (await place.fill(write)) ? 'stored' : 'overtaken'
    } catch (error) {
      // With its place the lease is lost, and what happened meanwhile elsewhere can't be known.
      if (error instanceof StoreError && isOutage(error)) return 'overtaken'
      throw error
    }
  },
  // As long as nobody says that it is over, whoever computes goes on.
  renew: (ms) => place.renew(Math.min(ms, LONGEST_LEASE)).catch(orElse(true)),
  release: (why) => place.release(why).catch(orElse(undefined)),
})

/** The lease of a process that has only itself to keep order. */
export const ownLease = (fill: ShelfLease['fill']): LeaseAnswer => ({
  lease: { shared: false, noted: false, fill, renew: async () => true, release: async () => undefined },
})

/** As if there were no leases. */
export const unleased = (write: Shelf['write']): LeaseAnswer =>
  ownLease(async (filling) => {
    await write([filling])
    return 'stored'
  })

/** The user may run no scripts, or not touch what is ours: then leases aren't to be had, and all else works. */
export const isDenied = (error: unknown): boolean =>
  error instanceof StoreError &&
  (error.kind === 'refused' || (error.kind === 'configuration' && error.instanceFault !== true))

/** For a call that changes nothing for its caller where it fails. */
export const orElse =
  <T>(value: T) =>
  (error: unknown): T => {
    if (error instanceof StoreError) return value
    throw error
  }
