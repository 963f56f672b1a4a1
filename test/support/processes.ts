import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** pid → parent's pid, of every process that isn't a zombie. */
const parents = (): Map<number, number> => {
  if (!existsSync('/proc/self/stat')) {
    const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,stat=']).toString().trim().split('\n')
    const rows = lines.map((line) => line.trim().split(/\s+/)).filter(([, , state = '']) => !state.startsWith('Z'))
    return new Map(rows.map(([pid, parent]) => [Number(pid), Number(parent)]))
  }
  const found = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      // "pid (command) state parent …"; a command may hold anything, also brackets.
      const [state, parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      if (state !== 'Z') found.set(Number(name), Number(parent))
    } catch {
      // It ended while we looked.
    }
  }
  return found
}

/** Every process that descends from this one. */
export const descendants = (pid: number): number[] => {
  const all = parents()
  const below = (above: number): number[] =>
    [...all].filter(([, parent]) => parent === above).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

/** Those of them that still run. */
export const alive = (pids: readonly number[]): number[] => {
  const all = parents()
  return pids.filter((pid) => all.has(pid))
}
