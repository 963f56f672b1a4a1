import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClockStore } from './clock.js'

/**
 * A ClockStore in `<dir>/clock`. One file per process, so that no process can lower what another reserved; a new one
 * takes over the highest and removes the others, which their owners write again. A reservation survives the process,
 * not a power cut: after that the wall clock has moved on. Throws what the file system throws.
 */
export const createClockFiles = (dir: string, processId: string): ClockStore => {
  const folder = join(dir, 'clock')
  const own = join(folder, processId)
  let others: string[] | undefined

  const timeIn = (name: string): number => {
    try {
      const time = Number(readFileSync(join(folder, name), 'utf8'))
      return Number.isSafeInteger(time) ? time : 0
    } catch {
      return 0 // Another process has just removed it, having reserved at least as much.
    }
  }

  return {
    highest: () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      others = readdirSync(folder).filter((name) => name !== processId && !name.endsWith('.new'))
      return [processId, ...others].reduce((most, name) => Math.max(most, timeIn(name)), 0)
    },

    reserve: (until) => {
      const fresh = `${own}.new`
      writeFileSync(fresh, String(Math.ceil(until)), { mode: 0o600 })
      renameSync(fresh, own)
      for (const name of others ?? []) if (timeIn(name) <= until) rmSync(join(folder, name), { force: true })
      others = undefined
    },
  }
}
