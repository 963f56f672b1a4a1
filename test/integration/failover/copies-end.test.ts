import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { RedisTiers } from '../../../types/index.ts'
import { testFolder } from '../../support/folder.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { openTestTiers } from '../../support/tiers.ts'
import { expectNothingUnhandled } from '../../support/unhandled.ts'
import { until } from '../../support/until.ts'
import { openRedis } from './kept-model.ts'

/** Several servers, of which one writes in an outage: its copies go with the last that leaves, whoever that is. */
expectNothingUnhandled()

let primary: TestRedis
let secondary: TestRedis
let atStandIn: Redis
beforeAll(async () => {
  primary = await startTestRedis()
  secondary = await startTestRedis()
})
beforeEach(async () => {
  await Promise.all([primary.restart(), secondary.restart()])
  atStandIn = openRedis(primary.url).on('error', () => undefined)
  onTestFinished(() => atStandIn.disconnect())
})

const KEYS = 100
/** `menu` is at home on secondary. */
const env = () => ({
  REDIS_PRIMARY_URL: primary.url,
  REDIS_SECONDARY_URL: secondary.url,
  REDIS_PRIMARY_TYPES: 'auth',
  REDIS_SECONDARY_TYPES: 'menu',
})
const open = async (dir = testFolder()): Promise<RedisTiers> => {
  const { tiers } = openTestTiers({ ...env(), MOTIA_REDIS_DIR: dir })
  await tiers.cache.get('none', { category: 'menu' })
  return tiers
}
const menu = Array.from({ length: KEYS }, (_, i) => [`k${i}`, 'copied'] as const)
const stateOf = (tiers: RedisTiers): string | undefined =>
  tiers.health().instances.find(({ name }) => name === 'secondary')?.state
const allSay = (state: string, ...all: readonly RedisTiers[]): Promise<true> =>
  until(`all say ${state}`, () => all.every((tiers) => stateOf(tiers) === state), 20_000)
const copies = (): Promise<string[]> => atStandIn.keys('~mr:standin:*')
const copied = async (): Promise<boolean> => (await copies()).length >= KEYS
/** On a starved machine the journal's disk or the stand-in may be too late for a call: then it is made again. */
const write = ({ cache }: RedisTiers): Promise<true> =>
  until('all are copied', async () => {
    await cache.setMany(menu, { category: 'menu' })
    return copied()
  })
const nothingLeft = async (): Promise<boolean> => {
  const left = [...(await copies()), ...(await atStandIn.keys('~mr:outage:*'))]
  if (left.length > 0) throw new Error(`${left.length} keys, such as ${left[0]}`)
  return true
}

describe('the copies of an outage', () => {
  it('go in every round where one of two servers wrote', async () => {
    const [a, b] = await Promise.all([open(), open()])
    for (let round = 0; round < 2; round++) {
      await secondary.crash()
      await allSay('down', a, b)
      await write(a)
      await secondary.restart()
      await allSay('up', a, b)
      await until('nothing is left', nothingLeft, 20_000)
    }
  }, 60_000)

  it('go with the survivor where the one that wrote was killed', async () => {
    const b = await open()
    const { child, ended, said } = spawned()
    await until('it is open', () => said.includes('open'), 20_000)
    await secondary.crash()
    await until('it has written', copied, 20_000)
    child.kill('SIGKILL')
    await ended
    await secondary.restart()
    await allSay('up', b)
    await until('nothing is left', nothingLeft, 20_000)
  }, 60_000)

  it('go with the one that stays where the one that wrote was closed', async () => {
    const [a, b] = await Promise.all([open(), open()])
    await secondary.crash()
    await allSay('down', a, b)
    await write(a)
    await a.close()
    expect(await copied()).toBe(true)
    await secondary.restart()
    await allSay('up', b)
    await until('nothing is left', nothingLeft, 20_000)
  }, 60_000)

  it('go with its successor where the only server was replaced meanwhile', async () => {
    const dir = testFolder()
    const a = await open(dir)
    await secondary.crash()
    await allSay('down', a)
    await write(a)
    await a.close()
    const b = await open(dir)
    await allSay('down', b)
    await secondary.restart()
    await allSay('up', b)
    await until('nothing is left', nothingLeft, 20_000)
  }, 60_000)
})

const spawned = () => {
  const file = fileURLToPath(new URL('./copies-writer.ts', import.meta.url))
  const args = ['--import', 'tsx', file, JSON.stringify({ ...env(), MOTIA_REDIS_DIR: testFolder() })]
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  onTestFinished(() => {
    child.kill('SIGKILL')
    return ended
  })
  const said: unknown[] = []
  child.on('message', (word) => said.push(word))
  return { child, ended, said }
}
