import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Troubles } from './explained.ts'
import { startWriter, type WriterProcess } from './writer-process.ts'

/**
 * Places of writer processes; those of the same name share their folder. Who reads only knows nothing of what the others
 * put on a stand-in, and is often the last to leave an outage.
 */
export const PLACES = ['shared', 'shared', 'own', 'reads'] as const

/** The writer processes of a nemesis, at most one at each place. */
export interface Crew {
  /** Every one that ever was. */
  readonly all: readonly WriterProcess[]
  at(place: number): WriterProcess | undefined
  living(): WriterProcess[]
  start(place: number): void
  kill(place: number): Promise<void>
  /** Kills the next one that is about to bring an instance what it missed. */
  killAtCatchUp(): void
  spareAll(): void
  /** How many were killed so. */
  caught(): number
  /** As every living process sees it: this instance, or all of them. */
  well(instance?: string): Promise<boolean>
}

export interface CrewOptions {
  readonly folder: string
  readonly seed: number
  readonly tell: (line: string) => void
  readonly troubles: Troubles
  readonly urls: (place: number) => { readonly primary: string; readonly secondary: string }
}

export const createCrew = ({ folder, seed, tell, troubles, urls }: CrewOptions): Crew => {
  const writers: (WriterProcess | undefined)[] = PLACES.map(() => undefined)
  const all: WriterProcess[] = []
  let armed = false
  let caught = 0

  const kill = async (place: number): Promise<void> => {
    const writer = writers[place]
    writers[place] = undefined
    await writer?.kill()
  }
  const living = (): WriterProcess[] => writers.filter((writer) => writer !== undefined)

  return {
    all,
    at: (place) => writers[place],
    living,
    kill,
    killAtCatchUp: () => {
      armed = true
    },
    spareAll: () => {
      armed = false
    },
    caught: () => caught,

    start: (place) => {
      const dir = join(folder, `dir-${PLACES[place]}`)
      mkdirSync(dir, { recursive: true })
      const name = `w${place}.${all.length}`
      const history = join(folder, `${name}.jsonl`)
      const felt = new Map<string, (at: number) => void>()
      const onState = (instance: string, state: string, at: number): void => {
        felt.get(instance)?.(at)
        if (state === 'up') felt.delete(instance)
        else felt.set(instance, troubles.begin(instance, name, at))
        if (state === 'up' || state === 'down' || state === 'catching-up') tell(`  ${name}: ${instance} ${state}`)
        if (!armed || state !== 'catching-up' || writers[place] !== writer) return
        armed = false
        caught += 1
        tell(`kill ${name} while ${instance} is catching up`)
        void kill(place)
      }
      const writer = startWriter(
        {
          ...{ name, dir, history, ...urls(place), seed: seed * 1_000 + all.length, pause: 15 },
          ...(PLACES[place] === 'reads' ? { writers: 1, readsOnly: true } : { writers: 5 }),
        },
        { log: join(folder, 'log'), onState },
      )
      writers[place] = writer
      all.push(writer)
    },

    well: async (instance) => {
      const answers = await Promise.all(living().map((writer) => writer.well()))
      return answers.every(({ unwell }) => (instance === undefined ? unwell.length === 0 : !unwell.includes(instance)))
    },
  }
}
