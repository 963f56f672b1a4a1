import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Journal, openJournal } from '../../../src/failover/journal/journal.ts'
import { categoryScope } from '../../../src/failover/journal/journal-entries.ts'
import { until } from '../../support/until.ts'

let dir: string
let journal: Journal
const children: ChildProcess[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'motia-redis-journal-'))
  journal = openJournal({ dir, refresh: 10 })
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await journal.close()
  rmSync(dir, { recursive: true, force: true })
})

const scope = categoryScope('orders')
const url = (path: string): string => JSON.stringify(new URL(`../../../src/failover/${path}`, import.meta.url).href)
const spawned = (body: string): { child: ChildProcess; said: () => string[]; ended: Promise<unknown> } => {
  const script = `
    import { openJournal } from ${url('journal/journal.ts')}
    import { createClock } from ${url('versions/clock.ts')}
    const journal = openJournal({ dir: ${JSON.stringify(dir)} })
    const clock = createClock()
    const say = (text) => process.stdout.write(text + '\\n')
    const write = (key) => {
      const version = clock.next()
      const entry = { kind: 'value', scope: 'c:orders', key, version, text: key + ' ' + version, endsAt: false }
      return journal.append('primary', [entry]).then(() => say(key + ' ' + version))
    }
    ${body}`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  // 'close' comes after the last of its output.
  const ended = new Promise((resolve) => child.once('close', resolve))
  return { child, said: () => output.split('\n').slice(0, -1), ended }
}

describe('processes that share a journal', () => {
  it('lose no acknowledged entry, of both and of one that is killed at any moment; the highest version stays', async () => {
    // Own keys, and some for which all compete.
    const body = (name: string) => `
      for (let i = 0; ; i++) {
        await Promise.all([write('${name}' + i), write('shared' + (i % 5)), write('${name}' + i + 'b')])
      }`
    const survivor = spawned(body('s'))
    for (const name of ['x', 'y', 'z']) {
      const victim = spawned(body(name))
      await until('both write', () => victim.said().length > 30 && survivor.said().length > 30)
      // At a random moment of the loop of append, commit and flush.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
      victim.child.kill('SIGKILL')
      await victim.ended
      const heard = survivor.said().length
      await until('the other goes on', () => survivor.said().length > heard + 10)
      await check([...victim.said(), ...survivor.said()])
    }
    survivor.child.kill('SIGKILL')
    await survivor.ended
    const acknowledged = survivor.said()
    expect(acknowledged.length).toBeGreaterThan(100)
    await check(acknowledged)

    // Somebody else takes it all away.
    await until('the journal is empty', async () => {
      for await (const batch of journal.batches('primary', 500)) await journal.remove('primary', batch)
      return journal.whenEmpty('primary', () => {})
    })
    expect(journal.stats('primary')).toEqual({ entries: 0, bytes: 0, aside: 0 })
  }, 60_000)

  const check = async (lines: readonly string[]): Promise<void> => {
    const highest = new Map<string, string>()
    for (const line of lines) {
      const [key = '', version = ''] = line.split(' ')
      if (version > (highest.get(key) ?? '')) highest.set(key, version)
    }
    // What this process sees is as old as its turn of the event loop.
    await until('nothing acknowledged is missing', () =>
      [...highest].every(([key, version]) => (journal.find('primary', scope, key)?.own?.version ?? '') >= version),
    )
  }

  it('while a process stands still in the middle of a commit, the others answer in time, and what they gave up is not written afterwards', async () => {
    // Opened before: LMDB opens its tables under the lock, on the caller's thread.
    const impatient = openJournal({ dir, timeout: 200 })
    const { child, said } = spawned(`
      const { openJournalFiles } = await import(${url('journal/journal-files.ts')})
      await openJournalFiles(${JSON.stringify(dir)}).commit(() => {
        say('inside')
        for (;;);
      })`)
    await until('it is inside', () => said().length === 1)
    try {
      const entry = (key: string) => ({ kind: 'invalid', scope, key }) as const
      const kept = (key: string) => ({ kind: 'tombstone', scope, key, version: '0'.repeat(24) }) as const
      const first = impatient.append('primary', [entry('first')]).catch((error) => error)
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      const second = impatient.append('primary', [entry('second')]).catch((error) => error)
      expect(await first).toMatchObject({ kind: 'timeout', applied: 'no' })
      expect(await second).toMatchObject({ kind: 'timeout', applied: 'no' })
      // A file of its own needs nobody.
      await impatient.append('primary', [kept('meanwhile')])
      expect(impatient.find('primary', scope, 'meanwhile')).toBeDefined()
      child.kill('SIGKILL')
      await impatient.append('primary', [entry('after')]).catch(() => impatient.append('primary', [entry('after')]))
      expect(impatient.find('primary', scope, 'after')).toBeDefined()
      expect(impatient.find('primary', scope, 'first')).toBe(undefined)
      expect(impatient.find('primary', scope, 'second')).toBe(undefined)
    } finally {
      child.kill('SIGKILL')
      await impatient.close()
    }
  })

  const killedAfter = async (acknowledge: string): Promise<string[]> => {
    const { said, ended } = spawned(`
      await write('first')
      const entry = { kind: 'value', scope: 'c:orders', key: 'last', version: clock.next(), text: 'x', endsAt: false }
      ${acknowledge}
      say('last')
      process.kill(process.pid, 'SIGKILL')
      for (;;);`)
    await ended
    expect(said().map((line) => line.split(' ')[0])).toEqual(['first', 'last'])
    await until('it is known', () => journal.find('primary', scope, 'first') !== undefined)
    return said().filter((line) => journal.find('primary', scope, String(line.split(' ')[0])) === undefined)
  }

  it('an entry is there when the process dies right after its acknowledgement', async () => {
    expect(await killedAfter(`await journal.append('primary', [entry])`)).toEqual([])
  })

  it('of a process that stands still the others know what it acknowledged, and it loses nothing when it goes on', async () => {
    await journal.close()
    journal = openJournal({ dir, refresh: 20, claiming: { stale: 300 } })
    const { child, said } = spawned(`
      await write('first')
      process.kill(process.pid, 'SIGSTOP')
      await write('last')
      await journal.close()`)
    await until('it stands still', () => said().length === 1)
    await until('it is known', () => journal.find('primary', scope, 'first') !== undefined)
    child.kill('SIGCONT')
    await until('it has ended', () => child.exitCode !== null)
    await until('all is known', () => journal.find('primary', scope, 'last') !== undefined)
    expect(journal.find('primary', scope, 'first')).toBeDefined()
  })

  it('control: acknowledged without waiting for the commit, it is lost', async () => {
    expect(await killedAfter(`journal.append('primary', [entry]).catch(() => {})`)).toEqual(['last'])
  })
})
