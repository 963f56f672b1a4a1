import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
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

export const askPlace = async (place: PlaceLease, ask: LeaseAsk): Promise<LeaseAnswer> => {
  const request = requestOf(ask)
  try {
    return answerOf(await place.grant(request), place, request.ms)
  } catch (error) {
    // It may have been granted, and nobody knows of it.
    if (error instanceof StoreError && error.applied === 'unknown') void giveBack(place, request.ms)
    throw error
  }
}

/** `ms`: its life. */
export const answerOf = (grant: Grant, place: GrantedLease, ms: number): LeaseAnswer =>
  'granted' in grant ? { lease: sharedLease(place, grant.died, ms) } : grant

/** ms between two tries. */
const AGAIN = 100

/**
 * Others would wait for what lies there until it ends by itself. Resolves when its place was told once; where that
 * couldn't be asked just then, it is told as soon as it can be, as long as anything may lie there. Never rejects: where
 * anything else is wrong, the lease's own end is what helps.
 */
export const giveBack = async (place: Pick<GrantedLease, 'release'>, ms: number, end?: LeaseEnd): Promise<void> => {
  const until = performance.now() + ms
  const told = (): Promise<boolean> =>
    place.release(end).then(
      () => true,
      (error) => !(error instanceof StoreError) || !isOutage(error),
    )
  const goOn = async (): Promise<void> => {
    while (performance.now() < until) {
      await setTimeout(AGAIN, undefined, { ref: false })
      if (await told()) return
    }
  }
  if (!(await told())) void goOn()
}

const sharedLease = (place: GrantedLease, died: boolean, ms: number): ShelfLease => ({
  shared: true,
  noted: died,
  fill: async (write) => {
    try {
      return (await place.fill(write)) ? 'stored' : 'overtaken'
    } catch (error) {
      if (!(error instanceof StoreError) || !isOutage(error)) throw error
      // With its place the lease is lost, and what happened meanwhile elsewhere can't be known.
      void giveBack(place, ms)
      return 'overtaken'
    }
  },
  // As long as nobody says that it is over, whoever computes goes on.
  renew: (ms) =>
    place.renew(Math.min(ms, LONGEST_LEASE)).catch((error) => {
      if (error instanceof StoreError) return true
      throw error
    }),
  release: (why) => giveBack(place, ms, why),
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
