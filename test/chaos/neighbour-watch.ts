import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type Call, now } from './history.ts'
import type { LoopWatch } from './loop-watch.ts'

const EVERY = 20
/** ms. A server that nothing is wrong with answers in one. */
const SLOW = 30

/** When this machine had no time for servers that nothing is wrong with: then others may honestly seem to be away. */
export interface NeighbourWatch {
  /** Whether an answer was late meanwhile, or this process. */
  wasStarved(during: Pick<Call, 'began' | 'ended'>): boolean
  stop(): Promise<void>
}

/** `url`: of a server that gets no fault. */
export const watchNeighbour = async (url: string, loop: LoopWatch): Promise<NeighbourWatch> => {
  const redis = new Redis(url, { lazyConnect: true })
  redis.on('error', () => undefined) // while it has the fault as well
  await redis.connect()
  const slow: { readonly from: number; readonly to: number }[] = []
  const ending = new AbortController()
  const look = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const [asked, late] = [now(), loop.total()]
      await redis.ping()
      if (now() - asked > SLOW || loop.total() - late > SLOW) slow.push({ from: asked, to: now() })
      await setTimeout(EVERY, undefined, { signal: ending.signal }).catch(() => undefined) // the end
    }
  }
  // Where it has the fault as well it fails, and says nothing more.
  const looking = look().catch(() => undefined)
  return {
    wasStarved: ({ began, ended }) => slow.some(({ from, to }) => from < ended && to > began),
    stop: async () => {
      ending.abort()
      redis.disconnect()
      await looking
    },
  }
}
