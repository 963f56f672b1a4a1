import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { judged } from './measure.ts'

/** What an import costs in a fresh process. Goal: each part of ours under 10 ms. */
const ROUNDS = 21

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
const dist = (name: string): string => new URL(`../dist/${name}`, import.meta.url).href

/** Prints what the process has used so far. CPU time, because other work on the machine doesn't count in it. */
const used = 'const u = process.cpuUsage(); console.log((u.user + u.system) / 1000)'
const running = (text: string): string[] => ['--input-type=module', '-e', `${text}; ${used}`]
const importing = (name: string): string[] => running(`import ${JSON.stringify(name)}`)
/** What the import leaves for later, so that it can be seen too. */
const called = `import { redisTiers } from '${dist('index.js')}'; redisTiers({ env: { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1' } })`

const contenders: { readonly name: string; readonly args: string[]; readonly goal?: number }[] = [
  { name: 'a module that imports a built-in', args: importing('node:path') },
  {
    name: 'with the preload',
    args: ['--require', fileURLToPath(dist('preload.cjs')), ...importing('node:path')],
    goal: 10,
  },
  { name: 'motia-redis/step', args: importing(dist('step.js')), goal: 10 },
  { name: 'motia-redis', args: importing(dist('index.js')), goal: 10 },
  { name: 'motia-redis, and redisTiers() called', args: running(called) },
  { name: 'ioredis', args: importing('ioredis') },
]

buildIfStale()
const figures = contenders.map((): number[] => [])
const cwd = fileURLToPath(new URL('..', import.meta.url))
for (let n = 0; n < ROUNDS; n++) {
  for (const [index, { args }] of contenders.entries()) {
    figures[index]?.push(Number(execFileSync(process.execPath, args, { cwd }).toString()))
  }
}
const base = median(figures[0] ?? [])
console.log(`\nCPU time of a process that imports it, median of ${ROUNDS} (goal: an import of ours at most +10 ms)`)
for (const [index, { name, goal }] of contenders.entries()) {
  const ms = median(figures[index] ?? [])
  const verdict = goal === undefined ? '' : ` ${judged(ms - base <= goal)}`
  console.log(
    `  ${name.padEnd(44)} ${ms.toFixed(1).padStart(8)} ms  ${ms >= base ? '+' : ''}${(ms - base).toFixed(1)} ms${verdict}`,
  )
}
