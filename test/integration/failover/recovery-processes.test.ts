import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { categoryScope, type JournalEntry } from '../../../src/failover/journal/journal-entries.ts'
import { until } from '../../support/until.ts'
import { openServers } from './recovery-ground.ts'
import { envelope, keptOf, raw, type Side, textIn } from './recovery-side.ts'

const { primary, secondary, dir, open, away, back } = openServers()
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const orders = categoryScope('orders')
const analytics = categoryScope('analytics')
const soon = (): number => Date.now() + 600_000
const entriesOf = (side: Side, from: number, to: number, versions: readonly string[] = []): JournalEntry[] => {
  const entries: JournalEntry[] = []
  for (let i = from; i < to; i++) {
    const version = versions[i] ?? side.landscape.clock.next()
    const text = envelope(version, `v${i}`)
    entries.push({ kind: 'value', scope: orders, key: `k${i}`, version, text, endsAt: soon() })
    entries.push({ kind: 'delta', scope: analytics, key: 'hits', id: `d${i}`, by: 1, endsAt: soon(), kept: false })
  }
  return entries
}
const expectAll = async (side: Side, count: number): Promise<void> => {
  expect(await side.primary.read('app:analytics:hits')).toBe(String(count))
  const names = Array.from({ length: count }, (_, i) => i)
  const texts = await side.primary.readMany(names.map((i) => `app:orders:k${i}`))
  expect(texts.map((text) => textIn(text))).toEqual(names.map((i) => `v${i}`))
}

const spawned = (processId: string) => {
  const options = { primary: primary().url, secondary: secondary().url, dir: dir(), processId }
  const file = fileURLToPath(new URL('./recovery-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let said = ''
  child.stdout?.on('data', (chunk) => {
    said += chunk
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return { child, ended, said: (line: string) => said.includes(line) }
}

describe('several processes', () => {
  it('killed at any moment of their replay: the next one ends it, nothing is lost and no increment is added twice', async () => {
    const side = await open()
    await side.recovery.close()
    const count = 6_000
    await side.journal.append('primary', entriesOf(side, 0, count))
    let waits = side.journal.stats('primary').entries
    for (const processId of ['bbbbbbb1', 'bbbbbbb2', 'bbbbbbb3']) {
      const { child, ended, said } = spawned(processId)
      await until('it has begun', () => said('open') && side.journal.stats('primary').entries < waits, 20_000)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60))
      child.kill('SIGKILL')
      await ended
      waits = side.journal.stats('primary').entries
    }
    const last = spawned('bbbbbbb4')
    await until('the last one ends it', () => last.said('done'), 30_000)
    await expectAll(side, count)
  }, 90_000)

  it('with journals of their own bring back the same instance: it is read when both are through', async () => {
    const one = await open()
    const other = await open({ processId: 'bbbbbbbb', dir: `${dir()}/other` })
    primary().freeze()
    await Promise.all([away(one), away(other)])
    await one.journal.append('primary', entriesOf(one, 0, 300))
    await other.journal.append('primary', entriesOf(other, 300, 9_000))
    for (const side of [one, other]) side.outages.enter('primary', () => side.journal.stats('primary').entries)
    primary().thaw()
    await Promise.all([back(one), back(other)])
    expect([one.journal, other.journal].map((journal) => journal.stats('primary').entries)).toEqual([0, 0])
    await expectAll(one, 9_000)
    await expectAll(other, 9_000)
    expect([...one.said, ...other.said]).toEqual([])
  }, 60_000)

  it('with one folder do the same', async () => {
    const one = await open()
    const other = await open({ processId: 'bbbbbbbb', journal: one.journal })
    const kept = keptOf(one)
    await kept.put([one.primary, one.secondary], 'orders', 'x', 'old')
    await raw(primary(), 'SAVE')
    await kept.put([one.primary, one.secondary], 'orders', 'x', 'new')
    await primary().crash()
    await Promise.all([away(one), away(other)])
    // A mirror that stayed up has all that was written meanwhile: what it lacks, home is not to have either.
    const keys = Array.from({ length: 2_000 }, (_, i) => i)
    const versions = await Promise.all(keys.map((i) => kept.put([one.secondary], 'orders', `k${i}`, `v${i}`)))
    await one.journal.append('primary', entriesOf(one, 0, 2_000, versions))
    await primary().restart()
    await Promise.all([back(one), back(other)])
    await expectAll(one, 2_000)
    expect(await kept.read(one.primary, 'orders', 'x')).toBe('new')
  }, 60_000)

  it('what each of them gets while they wait does not make them wait for each other', async () => {
    const one = await open()
    const other = await open({ processId: 'bbbbbbbb', dir: `${dir()}/other` })
    primary().freeze()
    await Promise.all([away(one), away(other)])
    const end = `${Date.now() + 60_000}000`
    await raw(secondary(), 'HSET', 'app:~mr:outage:primary', 'p:third', `${end} {"entries":1,"routing":"r"}`)
    primary().thaw()
    const waits = (side: Side): boolean => side.recovery.progress('primary')?.step === 'waiting'
    await until('both wait for a third', () => waits(one) && waits(other))
    for (const side of [one, other]) {
      await side.journal.append('primary', [{ kind: 'invalid-all', scope: analytics }])
      side.outages.enter('primary', () => side.journal.stats('primary').entries)
    }
    await raw(secondary(), 'HDEL', 'app:~mr:outage:primary', 'p:third')
    await Promise.all([back(one), back(other)])
  }, 60_000)

  it('an instance is not read as long as somebody does not say who else holds something for it', async () => {
    const side = await open()
    primary().freeze()
    await away(side)
    const asked = vi.spyOn(side.outages, 'others').mockResolvedValue(undefined)
    primary().thaw()
    await until('it was asked a few times', () => asked.mock.calls.length > 3, 10_000)
    expect(side.primary.readable()).toBe(false)
    expect(side.recovery.progress('primary')?.step).toBe('waiting')
    asked.mockRestore()
    await back(side)
  })

  it('one that was killed is waited for until its registration has ended, and no longer', async () => {
    const side = await open()
    const { child, ended, said } = spawned('bbbbbbbb')
    await until('it is there', () => said('open'), 20_000)
    primary().freeze()
    await away(side)
    await side.journal.append('primary', entriesOf(side, 0, 10))
    await until('it says that it holds them', async () => (await side.outages.others('primary'))?.[0]?.entries === 20)
    child.kill('SIGKILL')
    await ended
    primary().thaw()
    const began = performance.now()
    await back(side)
    expect(performance.now() - began).toBeLessThan(6_000)
    await expectAll(side, 10)
  }, 60_000)
})
