import { openSync, readFileSync, writeSync } from 'node:fs'
import { freshKeys, readEverything, unwellIn, writeFresh } from './healed.ts'
import { type Call, now } from './history.ts'
import { watchLoop } from './loop-watch.ts'
import { openTiers } from './places.ts'
import { createRecorder } from './recorder.ts'
import { createWorkload, seeded } from './workload.ts'

/** What a writer process of the nemesis is told at its start, as JSON in its first argument. */
export interface WriterOptions {
  readonly name: string
  readonly primary: string
  readonly secondary: string
  readonly dir: string
  /** Where it writes its history: a line per call, and one before each write. */
  readonly history: string
  readonly seed: number
  readonly writers: number
  /** ms between two calls of a writer, about. */
  readonly pause: number
  /** It changes nothing until everything is well. */
  readonly readsOnly?: boolean
}

/** What it can be asked; it answers with the same word. */
export type Question = 'stop' | 'well' | 'refresh' | { readonly read: string }
export type Answer =
  /** It listens. */
  | { readonly ready: true }
  /** Calls that never ended. */
  | { readonly hung: readonly string[] }
  | { readonly unwell: readonly string[]; readonly health: string }
  | { readonly fresh: readonly string[] }
  | { readonly read: number }
  | { readonly state: string; readonly instance: string; readonly at: number }

/** ms after which a call that hasn't ended never will. */
const HANG_LIMIT = 12_000

/** A line of the history. `id` joins the line before a write and the one after it. */
export interface Line {
  readonly id: number
  readonly over: boolean
  readonly call: Call
}

const options = JSON.parse(process.argv[2] ?? '') as WriterOptions
const file = openSync(options.history, 'a')
// At once, so that it survives kill -9.
const write = (line: unknown): void => void writeSync(file, `${JSON.stringify(line)}\n`)
const say = (answer: Answer): void => {
  if (process.connected) process.send?.(answer, () => undefined)
}

for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error: unknown) => {
    console.error(`LEAKED ${event}: ${error instanceof Error ? error.stack : String(error)}`)
  })
}

const loop = watchLoop()
const tiers = openTiers({ primary: options.primary, secondary: options.secondary, dir: options.dir })
tiers.on('instance:state', ({ name, state }) => say({ state, instance: name, at: now() }))
const recorder = createRecorder({
  process: options.name,
  loop,
  note: (call, id, over) => write({ id, over, call } satisfies Line),
})
const random = seeded(options.seed)
const { readsOnly } = options
const workload = createWorkload({ tiers, recorder, name: options.name, random, readsOnly, others: true })

let going = true
const writer = async (): Promise<void> => {
  while (going) {
    await workload.step()
    await new Promise((resolve) => setTimeout(resolve, options.pause * (0.5 + random())))
  }
}

process.on('disconnect', () => process.exit())

const shown = ({ name, state, reason, journal }: ReturnType<typeof tiers.health>['instances'][number]): string =>
  `${name} ${state}, ${journal.entries} waiting${reason === undefined ? '' : `: ${reason}`}`

// Loading and connecting is no call's business; an instance that is away at the start is.
await tiers.cache.get('none', { category: 'menu' }).catch(() => undefined)
const writers = Promise.all(Array.from({ length: options.writers }, writer))

process.on('message', (question: Question) => {
  if (question === 'stop') {
    going = false
    const limit = new Promise((resolve) => setTimeout(resolve, HANG_LIMIT))
    void Promise.race([writers, limit]).then(() => say({ hung: recorder.underWay() }))
  } else if (question === 'well') {
    const health = tiers.health()
    say({ unwell: unwellIn(health), health: health.instances.map(shown).join('; ') })
  } else if (question === 'refresh') {
    const fresh = freshKeys(options.name)
    void writeFresh(tiers, recorder, fresh).then(() => say({ fresh }))
  } else {
    const keys = JSON.parse(readFileSync(question.read, 'utf8')) as string[]
    void readEverything(tiers, recorder, keys).then(() => say({ read: keys.length }))
  }
})
say({ ready: true })
