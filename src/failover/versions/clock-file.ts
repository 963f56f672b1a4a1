import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClockStore } from './clock.js'

/** Runs evenly, whatever becomes of the wall clock, and is the same for all processes of a running system. */
export interface Uptime {
  /** ms. */
  now(): number
  /** Names the running system; undefined: it can't be named, so the times of two processes can't be compared. */
  readonly boot: string | undefined
}

/** What a process says of its clock. All but the first only where the system can be named. */
type Row = readonly [until: string, ahead: string, wall: string, uptime: string, boot: string]

/**
 * A ClockStore in `<dir>/clock`. One file per process, so that no process can lower what another reserved; a new one
 * takes over the highest and removes the others, which their owners write again. A reservation survives the process,
 * not a power cut: after that the wall clock has moved on.
 *
 * A reservation reaches seconds ahead. A process that began there would be ahead of those that run beside it, and what
 * it wrote would win over what they write later. So the files also hold when they were written, by the wall clock and by
 * one that nobody sets: as long as the system runs, that tells how far any process can have come.
 * Throws what the file system throws.
 */
export const createClockFiles = (dir: string, processId: string, uptime: Uptime = systemUptime()): ClockStore => {
  const folder = join(dir, 'clock')
  const own = join(folder, processId)
  let others: string[] | undefined

  const rowIn = (name: string): readonly string[] => {
    try {
      return readFileSync(join(folder, name), 'utf8').split(' ')
    } catch {
      return [] // Another process has just removed it, having reserved at least as much.
    }
  }
  const untilIn = (row: readonly string[]): number => {
    const until = Number(row[0] ?? 0)
    return Number.isSafeInteger(until) ? until : 0
  }
  const reachedIn = (row: readonly string[]): number => {
    const [, ahead, wall, since, boot] = row
    const until = untilIn(row)
    if (boot === undefined || boot !== uptime.boot) return until
    const reached = Math.max(Number(ahead), Number(wall) + uptime.now() - Number(since))
    return Number.isFinite(reached) ? Math.min(until, Math.ceil(reached)) : until
  }

  return {
    highest: () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      others = readdirSync(folder).filter((name) => name !== processId && !name.endsWith('.new'))
      return [processId, ...others].reduce((most, name) => Math.max(most, reachedIn(rowIn(name))), 0)
    },

    reserve: (until, { now, ahead }) => {
      const fresh = `${own}.new`
      const { boot } = uptime
      const row: Row | [string] =
        boot === undefined
          ? [`${Math.ceil(until)}`]
          : [`${Math.ceil(until)}`, `${Math.ceil(ahead)}`, `${now}`, `${uptime.now()}`, boot]
      writeFileSync(fresh, row.join(' '), { mode: 0o600 })
      renameSync(fresh, own)
      for (const name of others ?? []) if (reachedIn(rowIn(name)) <= until) rmSync(join(folder, name), { force: true })
      others = undefined
    },
  }
}

/** Linux says which run of the system this is; elsewhere nobody does. */
const systemUptime = (): Uptime => {
  const now = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000
  try {
    return { now, boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() }
  } catch {
    return { now, boot: undefined }
  }
}
