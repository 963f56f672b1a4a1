import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildIfStale } from '../scripts/build-if-stale.ts'
import { startRedis } from '../scripts/local-redis.ts'
import { openRivals } from './rivals/second-level.ts'

/**
 * Many callers of one missing key: how often it is computed. Four servers with 250 callers each, for a factory that
 * answers and one that fails; then 50 callers of a failing factory on one server.
 */
const SERVERS = 4
const CALLERS = 250
const ROUNDS = 5
const SLOW = 100
/** ms after which another round would tell nothing new. */
const PATIENCE = 5_000
/** Of the 50 callers, and ms that their factory takes. */
const FEW = 50
const BRIEF = 50

interface Order {
  readonly name: string
  readonly key: string
  readonly callers: number
  readonly ms: number
  readonly fails: boolean
}
interface Told {
  readonly computed: number
  /** ms until the last caller had an answer. */
  readonly took: number
}

type Compute = (key: string, factory: () => Promise<unknown>) => Promise<unknown>

/** All caches of one server process. */
const openCaches = async (url: string, dir: string): Promise<Map<string, Compute>> => {
  const built = new URL('../dist/index.js', import.meta.url).href
  const { redisTiers } = (await import(built)) as typeof import('../types/index.js')
  const { cache } = redisTiers({ env: { REDIS_PRIMARY_URL: url, MOTIA_REDIS_DIR: dir } })
  const { rivals } = await openRivals(url)
  const caches = new Map<string, Compute>([
    ['motia-redis', (key, factory) => cache.getOrSet(key, factory, { category: 'menu' })],
  ])
  for (const { name, compute } of rivals) if (compute !== undefined) caches.set(name, compute)
  return caches
}

const serve = async (): Promise<void> => {
  const [, , , url = '', dir = ''] = process.argv
  const caches = await openCaches(url, dir)
  process.on('message', async ({ name, key, callers, ms, fails }: Order) => {
    let computed = 0
    const factory = async (): Promise<unknown> => {
      computed++
      await new Promise((resolve) => setTimeout(resolve, ms))
      if (fails) throw new Error('the source is away')
      return { made: key }
    }
    const began = performance.now()
    await Promise.allSettled(Array.from({ length: callers }, () => caches.get(name)?.(key, factory)))
    process.send?.({ computed, took: performance.now() - began })
  })
  process.on('disconnect', () => process.exit())
  process.send?.([...caches.keys()])
}

const heard = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    const lost = (): void => reject(new Error('a server of the bench ended'))
    child.once('exit', lost)
    child.once('message', (told) => {
      child.off('exit', lost)
      resolve(told as T)
    })
  })

const lead = async (): Promise<void> => {
  // The built package, as users run it.
  buildIfStale()
  const server = await startRedis({ args: ['--save', '', '--appendonly', 'no'] })
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-bench-'))
  const children = Array.from({ length: SERVERS }, () =>
    fork(fileURLToPath(import.meta.url), ['server', server.url, dir], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  )
  const [names = []] = await Promise.all(children.map((child) => heard<string[]>(child)))
  let count = 0
  const ask = (of: readonly ChildProcess[], order: Omit<Order, 'key'>): Promise<Told[]> => {
    const key = `k${++count}`
    return Promise.all(
      of.map((child) => {
        const told = heard<Told>(child)
        child.send({ key, ...order })
        return told
      }),
    )
  }
  const most = (figures: readonly number[]): string => {
    const sorted = [...figures].sort((a, b) => a - b)
    const [least, last] = [sorted[0], sorted.at(-1)]
    return least === last ? String(last) : `${least} to ${last}`
  }
  const table = async (title: string, of: readonly ChildProcess[], order: Omit<Order, 'key' | 'name'>) => {
    console.log(`\n${title}`)
    for (const name of names) {
      await ask(of, { name, ...order, callers: 1 }) // Connections are open then.
      const computed: number[] = []
      const took: number[] = []
      for (let round = 0; round < ROUNDS && (took.at(-1) ?? 0) < PATIENCE; round++) {
        const all = await ask(of, { name, ...order })
        computed.push(all.reduce((sum, each) => sum + each.computed, 0))
        took.push(Math.round(Math.max(...all.map((each) => each.took))))
      }
      console.log(`  ${name.padEnd(16)} ${most(computed).padStart(8)} computations, all answered in ${most(took)} ms`)
    }
  }
  const all = `${SERVERS} servers with ${CALLERS} callers each`
  await table(`${all}, a factory of ${SLOW} ms`, children, { callers: CALLERS, ms: SLOW, fails: false })
  await table(`${all}, one that fails`, children, { callers: CALLERS, ms: SLOW, fails: true })
  const one = children.slice(0, 1)
  await table(`${FEW} callers of one server, a failing factory of ${BRIEF} ms`, one, {
    callers: FEW,
    ms: BRIEF,
    fails: true,
  })
  for (const child of children) child.disconnect()
  await server.stop()
  rmSync(dir, { recursive: true, force: true })
}

await (process.argv[2] === 'server' ? serve() : lead())
