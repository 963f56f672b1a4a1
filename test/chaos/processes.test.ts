import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { type Arena, openArena } from './arena.ts'
import { createTroubles, isExplained } from './explained.ts'
import { durable, pause } from './fault.ts'
import { keysOf } from './final.ts'
import { quickFolder } from './folder.ts'
import { type Call, now } from './history.ts'
import { judge } from './judge.ts'
import { startWriter, type WriterProcess } from './writer-process.ts'

/** Rows of the fault matrix in which a process of ours ends. */
interface Ground extends Pick<Arena, 'primary'> {
  readonly wire: TcpProxy
  /** Another writer. All have one folder, and reach the primary by one wire: what one leaves waits for that address. */
  start(): WriterProcess
  /** What it was bringing home may be counted twice until another one has replayed it: that instance isn't well yet. */
  killMidReplay(writer: WriterProcess): Promise<void>
  /** Resolves when a process says so of the primary, or has since it was last asked: it may be past it by now. */
  says(writer: WriterProcess, state: string): Promise<unknown>
}

/** ms in which a writer loads and works for a moment. */
const WORKS = 700

const rows: Readonly<Record<string, (ground: Ground) => Promise<void>>> = {
  'killed while the primary is away': async ({ primary, start, says }) => {
    const first = start()
    await says(first, 'up')
    await pause(WORKS)
    await primary.crash()
    await says(first, 'down')
    await pause(WORKS)
    await first.kill()
    const second = start()
    await says(second, 'down')
    await pause(WORKS)
    await primary.restart()
    await says(second, 'catching-up')
  },
  'killed while the primary gets what it missed': async ({ primary, start, says, killMidReplay }) => {
    const first = start()
    await says(first, 'up')
    await primary.crash()
    await says(first, 'down')
    await pause(WORKS)
    await primary.restart()
    await says(first, 'catching-up')
    await killMidReplay(first)
    start()
  },
  'vanished, what it sent to a frozen server is still on its way': async ({ primary, wire, start, says }) => {
    const stays = start()
    const vanishes = start()
    await Promise.all([says(stays, 'up'), says(vanishes, 'up')])
    await pause(WORKS)
    primary.freeze()
    await pause(60)
    wire.orphan()
    await vanishes.kill()
    await says(stays, 'down')
    await pause(WORKS)
    primary.thaw()
    await says(stays, 'up')
  },
}

/** `atEnd`: of its own test, because several run at once. */
type AtEnd = (end: () => Promise<void> | void) => void

const run = async (row: (ground: Ground) => Promise<void>, writers: number, atEnd: AtEnd): Promise<void> => {
  const arena = await openArena({ args: durable })
  atEnd(arena.remove)
  const folder = quickFolder('processes')
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  const { primary, secondary, dir } = arena
  const wire = await startTcpProxy(primary.port)
  atEnd(wire.close)
  const all: WriterProcess[] = []
  atEnd(async () => void (await Promise.all(all.map((writer) => writer.kill()))))
  const states = new Map<string, string[]>()
  const troubles = createTroubles()
  /** How many of them were waited for. */
  const heeded = new Map<string, number>()
  const living = (): WriterProcess[] => all.filter((writer) => writer.running())

  let replayed = (): void => undefined
  await row({
    primary,
    wire,
    start: () => {
      const name = `p${all.length}`
      const seen: string[] = []
      states.set(name, seen)
      const felt = new Map<string, (at?: number) => void>()
      const onState = (instance: string, state: string, at: number): void => {
        if (instance === 'primary') seen.push(state)
        felt.get(instance)?.(at)
        felt.delete(instance)
        if (state !== 'up') felt.set(instance, troubles.begin(instance, name, at))
      }
      const urls = { primary: wire.url, secondary: secondary.url }
      const writer = startWriter(
        { ...urls, name, dir, history: join(folder, `${name}.jsonl`), seed: all.length, writers, pause: 20 },
        { log: join(folder, 'log'), onState },
      )
      all.push(writer)
      return writer
    },
    killMidReplay: async (writer) => {
      replayed = troubles.begin('primary')
      await writer.kill()
    },
    says: async ({ name }, state) => {
      const from = heeded.get(name) ?? 0
      const at = (): number => states.get(name)?.indexOf(state, from) ?? -1
      await until(`${name} says ${state}`, () => at() >= 0, 40_000)
      heeded.set(name, at() + 1)
    },
  })
  const well = async (): Promise<boolean> =>
    (await Promise.all(living().map((writer) => writer.well()))).every(({ unwell }) => unwell.length === 0)
  await until('all is well again', well, 40_000)
  replayed()
  await Promise.all(living().map((writer) => writer.stop()))
  await until('the last writes are home', well, 40_000)

  const calm = now()
  await Promise.all(living().map((writer) => writer.refresh()))
  const history = async (): Promise<Call[]> => (await Promise.all(all.map((writer) => writer.history()))).flat()
  const list = join(folder, 'keys.json')
  writeFileSync(list, JSON.stringify(keysOf(await history())))
  await Promise.all(living().map((writer) => writer.read(list)))
  const calls = await history()
  const urls = { primary: primary.url, secondary: secondary.url }
  // On a machine with too much to do the secondary may be slow to answer while the primary is away.
  const away = (call: Call): number => troubles.during(call)
  const mayFail = (call: Call): boolean => call.began < calm && isExplained(call, away(call))
  const { violations } = await judge(calls, { urls, healedAt: calm, away, mayFail })
  expect(violations.map(({ promise, text }) => `${promise}: ${text}`)).toEqual([])
  expect(all.flatMap((writer) => writer.faults())).toEqual([])
  expect(calls.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(30)
}

describe('a server process', () => {
  for (const [name, row] of Object.entries(rows)) {
    it.concurrent(`${name}: with one caller`, ({ onTestFinished }) => run(row, 1, onTestFinished))
    it(`${name}: under 32`, ({ onTestFinished }) => run(row, 32, onTestFinished))
  }
})
