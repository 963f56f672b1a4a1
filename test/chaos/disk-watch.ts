import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Call, now } from './history.ts'

const EVERY = 100
/** ms. A third of what a write may take: what is acknowledged in an outage waits for its flush. */
const SLOW = 100

/** When the disk under a folder was slow, for everybody on this machine. */
export interface DiskWatch {
  /** Whether a flushed write took long at some time of the call. */
  wasSlow(call: Pick<Call, 'began' | 'ended'>): boolean
  stop(): Promise<void>
}

export const watchDisk = async (folder: string): Promise<DiskWatch> => {
  const file = await open(join(folder, 'disk-watch'), constants.O_CREAT | constants.O_WRONLY | constants.O_DSYNC)
  const slow: { readonly from: number; readonly to: number }[] = []
  const ending = new AbortController()
  const look = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const asked = now()
      await file.write('.', 0)
      if (now() - asked > SLOW) slow.push({ from: asked, to: now() })
      await setTimeout(EVERY, undefined, { signal: ending.signal }).catch(() => undefined) // the end
    }
  }
  const looking = look()
  return {
    wasSlow: ({ began, ended }) => slow.some(({ from, to }) => from < ended && to > began),
    stop: async () => {
      ending.abort()
      await looking
      await file.close()
    },
  }
}
