import { isOutage } from '../../instances/instance.js'
import { StoreError } from '../../instances/store.js'
import {
  answerOf,
  askPlace,
  type GrantedLease,
  giveBack,
  isDenied,
  newToken,
  ownLease,
  type PlaceLease,
  requestOf,
  unleased,
} from '../leases/place-lease.js'
import { storeLease } from '../leases/store-lease.js'
import type { EntryName, LeaseAnswer, LeaseAsk, Shelf } from '../shelf.js'
import type { CopyLease } from '../stand-in/copy-leases.js'
import { storeWrite } from '../store-write.js'
import { steadyNow } from '../time-left.js'
import { createMemory } from './cached-memory.js'
import type { CachedReads } from './cached-reads.js'
import { type CachedSetting, keyOf } from './cached-setting.js'

/** Nobody there shall wait for it. */
const givenUp = async (lease: Pick<GrantedLease, 'release'>, ms: number): Promise<false> => {
  await giveBack(lease, ms)
  return false
}

/**
 * Leases of a cached category, where its entries are read now: at home, else on a stand-in, else this process's own. A
 * fill goes only there, as long as that is still where they are read: what happened elsewhere since isn't known there.
 */
export const createCachedLeases = (
  setting: CachedSetting,
  { whereOf }: Pick<CachedReads, 'whereOf'>,
  write: Shelf['write'],
): Shelf['lease'] => {
  const { category, home, overlay, copies, settle, writing, parts } = setting
  const { landscape, outages } = parts
  const { mayStray, remember, removeOld, invalid, writeTime } = createMemory(setting)
  const atHome = (name: EntryName): boolean => landscape.calm(home.name) || whereOf(name) === 'home'

  /** What is written there now, at home: older copies elsewhere must not hide it. */
  const settled = async (name: EntryName, startedAt: number): Promise<void> => {
    const involved = !landscape.calm(home.name) && outages.involved(home.name)
    settle(startedAt, involved ? (await copies.remove([keyOf(name)], writeTime(startedAt), false)).reached : undefined)
  }

  const homeLease = (name: EntryName, ms: number): PlaceLease => {
    const place = storeLease(home, category, name, () => writing)
    return {
      ...place,
      fill: async (filling) => {
        const startedAt = steadyNow()
        // Home was away meanwhile: what happened since isn't all known there yet.
        if (!atHome(name) || (!landscape.calm(home.name) && overlay.about([filling]).invalid)) return givenUp(place, ms)
        const filled = await place.fill(filling)
        if (filled) await settled(name, startedAt)
        return filled
      },
    }
  }

  const copyLease = (name: EntryName, held: CopyLease, ms: number): GrantedLease => ({
    ...held,
    fill: async (filling) => {
      const time = writeTime(steadyNow())
      if (atHome(name)) return givenUp(held, ms)
      await remember([invalid(name)], time, 'no')
      removeOld([name], false)
      const reached = await held.fill(storeWrite(category, filling), time)
      if (reached === undefined) return false
      settle(time.startedAt, reached)
      return true
    },
  })

  /** No instance can stand in: what is computed goes to files of this server, if it still is so then. */
  const lastLease = (name: EntryName): LeaseAnswer =>
    ownLease(async (filling) => {
      const time = writeTime(steadyNow())
      if (atHome(name) || !mayStray()) return 'overtaken'
      await remember([invalid(name)], time, 'no')
      removeOld([name], false)
      const reached = await copies.writeLast(storeWrite(category, filling), time)
      if (reached === undefined) return 'overtaken'
      settle(time.startedAt, reached)
      return 'stored'
    })

  const elsewhere = async (name: EntryName, ask: LeaseAsk, startedAt: number): Promise<LeaseAnswer> => {
    if (copies.leases === undefined || !mayStray()) return lastLease(name)
    const request = requestOf(ask)
    const granted = await copies.leases.grant(keyOf(name), newToken(), request, writeTime(startedAt))
    if (granted === undefined) return lastLease(name)
    return answerOf(granted.grant, copyLease(name, granted.held, request.ms), request.ms)
  }

  const askHome = async (name: EntryName, ask: LeaseAsk): Promise<LeaseAnswer> => {
    const answer = await askPlace(homeLease(name, ask.ms), ask)
    // What bears a tag that waits for replay isn't there for readers.
    if (!('found' in answer) || landscape.calm(home.name) || !overlay.tagged(answer.found)) return answer
    return askPlace(homeLease(name, ask.ms), { ...ask, seen: { text: answer.found } })
  }

  return async (name, ask) => {
    const startedAt = steadyNow()
    if (!atHome(name)) return elsewhere(name, ask, startedAt)
    try {
      return await askHome(name, ask)
    } catch (error) {
      if (isDenied(error)) return unleased(write)
      if (error instanceof StoreError && isOutage(error)) return elsewhere(name, ask, startedAt)
      throw error
    }
  }
}
