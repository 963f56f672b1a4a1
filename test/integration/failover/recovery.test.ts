import { describe, expect, it } from 'vitest'
import { categoryScope, groupScope, type JournalEntry } from '../../../src/failover/journal/journal-entries.ts'
import { createRecovery } from '../../../src/failover/recovery/recovery.ts'
import type { Instance } from '../../../src/instances/instance.ts'
import { startTestRedis, type TestRedis } from '../../support/redis-server.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { until } from '../../support/until.ts'
import { openServers } from './recovery-ground.ts'
import { envelope, keptOf, layout, raw, type Side } from './recovery-side.ts'

const { primary, secondary, open, away, back } = openServers()

const orders = categoryScope('orders')
const analytics = categoryScope('analytics')
const key = (category: string, name: string): string => `app:${category}:${name}`
const soon = (): number => Date.now() + 60_000
const both = (side: Side) => [side.primary, side.secondary]

describe('an instance that came back', () => {
  it('without its data gets kept data from its mirror, then what waited for it, before it is read', async () => {
    const side = await open()
    const kept = keptOf(side)
    for (let i = 0; i < 30; i++) await kept.put(both(side), 'orders', `o${i}`, `v${i}`)
    await kept.put(both(side), 'baskets', 'b', 'basket')
    await kept.remove(both(side), 'orders', 'o0')
    await kept.setItem(both(side), 'flow:1', 'a', '1')
    await kept.setItem(both(side), 'flow:1', 'b', '2')
    await kept.deleteItem(both(side), 'flow:1', 'b')
    await kept.setItem(both(side), 'flow:2', 'x', 'y')
    await kept.clearGroup(both(side), 'flow:2')
    await primary().crash()
    await away(side)
    const version = await kept.put([side.secondary], 'orders', 'o1', 'newer')
    const text = envelope(version, 'newer')
    await side.journal.append('primary', [{ kind: 'value', scope: orders, key: 'o1', version, text, endsAt: soon() }])
    await primary().restart()
    await back(side)
    expect(await kept.read(side.primary, 'orders', 'o0')).toBe(undefined)
    expect(await kept.read(side.primary, 'orders', 'o1')).toBe('newer')
    for (let i = 2; i < 30; i++) expect(await kept.read(side.primary, 'orders', `o${i}`)).toBe(`v${i}`)
    // It is the mirror of these.
    expect(await kept.read(side.primary, 'baskets', 'b')).toBe('basket')
    expect(await kept.group(side.primary, 'flow:1')).toEqual({ a: '1' })
    expect(await kept.group(side.primary, 'flow:2')).toEqual({})
    expect(await side.primary.groups()).toEqual(['flow:1'])
    await until('it is told', () => side.failbacks.length === 1)
    expect(side.failbacks).toMatchObject([{ instance: 'primary', replayed: 1 }])
    expect(side.said.join()).toContain('has lost its data')
    // Lives and markers came too.
    const life = Number(await raw(primary(), 'PTTL', key('orders', 'o5')))
    expect(life).toBeGreaterThan(3_500_000)
    expect(life).toBeLessThanOrEqual(3_600_000)
    expect(Number(await raw(primary(), 'PTTL', layout.group('flow:1')))).toBeGreaterThan(3_500_000)
    expect(await raw(primary(), 'HGETALL', layout.markers)).toEqual(await raw(secondary(), 'HGETALL', layout.markers))
    expect(await raw(primary(), 'HGETALL', layout.side('flow:2'))).toEqual(
      await raw(secondary(), 'HGETALL', layout.side('flow:2')),
    )
  })

  it('with its data loses only what was replaced or deleted meanwhile', async () => {
    const side = await open()
    const kept = keptOf(side)
    for (const name of ['stays', 'changed', 'gone']) {
      await side.primary.write([{ key: key('analytics', name), text: name, endsAt: soon() }])
      await kept.setItem(both(side), 'flow', name, name)
    }
    primary().freeze()
    await away(side)
    const entries: JournalEntry[] = ['changed', 'gone'].map((name) => ({
      kind: 'invalid',
      scope: analytics,
      key: name,
    }))
    const version = await kept.setItem([side.secondary], 'flow', 'changed', 'new')
    entries.push({ kind: 'value', scope: groupScope('flow'), key: 'changed', version, text: '"new"', endsAt: false })
    entries.push({ kind: 'tombstone', scope: groupScope('flow'), key: 'gone', version: side.landscape.clock.next() })
    await side.journal.append('primary', entries)
    primary().thaw()
    await back(side)
    expect(await side.primary.read(key('analytics', 'stays'))).toBe('stays')
    expect(await side.primary.read(key('analytics', 'changed'))).toBe(undefined)
    expect(await side.primary.read(key('analytics', 'gone'))).toBe(undefined)
    expect(await kept.group(side.primary, 'flow')).toEqual({ stays: 'stays', changed: 'new' })
    expect(side.journal.stats('primary')).toEqual({ entries: 0, bytes: 0, aside: 0 })
    expect(side.said).toEqual([])
    await until('it is through', () => side.recovery.progress('primary') === undefined)
  })

  const withTwoStates = async (side: Side, between: () => Promise<unknown>): Promise<void> => {
    const kept = keptOf(side)
    await side.primary.write([{ key: key('analytics', 'a'), text: 'old', endsAt: soon() }])
    for (const name of ['same', 'changed', 'deleted', 'ended']) {
      await kept.put(both(side), 'orders', name, 'old')
      await kept.put(both(side), 'baskets', name, 'old')
      await kept.setItem(both(side), 'flow', name, 'old')
    }
    await kept.setItem(both(side), 'cleared', 'a', 'old')
    await between()
    for (const category of ['orders', 'baskets'] as const) {
      await kept.put(both(side), category, 'changed', 'new')
      await kept.put(both(side), category, 'added', 'new')
      await kept.remove(both(side), category, 'deleted')
      // Replaced by one that doesn't live long, and leaves nothing behind.
      await kept.put(both(side), category, 'ended', 'new', 1)
    }
    await kept.setItem(both(side), 'flow', 'changed', 'new')
    await kept.setItem(both(side), 'flow', 'added', 'new')
    await kept.deleteItem(both(side), 'flow', 'deleted')
    await kept.clearGroup(both(side), 'cleared')
  }
  const expectTheLater = async (side: Side): Promise<void> => {
    const kept = keptOf(side)
    for (const category of ['orders', 'baskets'] as const) {
      const read = (name: string) => kept.read(side.primary, category, name)
      expect(await Promise.all(['same', 'changed', 'added', 'deleted', 'ended'].map(read))).toEqual([
        'old',
        'new',
        'new',
        undefined,
        undefined,
      ])
    }
    expect(await kept.group(side.primary, 'flow')).toEqual({ same: 'old', changed: 'new', added: 'new', ended: 'old' })
    expect(await kept.group(side.primary, 'cleared')).toEqual({})
  }

  it('with an older snapshot is made equal to its mirror, and its cached categories are cleared', async () => {
    const side = await open()
    await withTwoStates(side, () => raw(primary(), 'SAVE'))
    await primary().crash()
    await away(side)
    await primary().restart()
    await back(side)
    await expectTheLater(side)
    expect(await side.primary.read(key('analytics', 'a'))).toBe(undefined)
    expect(side.said.join()).toContain('older snapshot')
    // The same once more: nothing is left to do.
    const said = side.said.length
    await side.recovery.check('primary')
    expect(side.said.length).toBe(said)
  })

  it('with an older snapshot, and an append-only file, keeps its cached categories', async () => {
    await primary().restart(['--appendonly', 'yes'])
    const side = await open()
    await withTwoStates(side, async () => undefined)
    await primary().crash()
    await away(side)
    await primary().restart()
    await back(side)
    await expectTheLater(side)
    expect(await side.primary.read(key('analytics', 'a'))).toBe('old')
    await side.close()
  })

  it('with a snapshot from before anybody planted a sentinel loses its cached categories too', async () => {
    await raw(primary(), 'SET', key('analytics', 'a'), 'old')
    await raw(primary(), 'SAVE')
    const side = await open()
    await side.primary.write([{ key: key('analytics', 'a'), text: 'new', endsAt: soon() }])
    await primary().crash()
    await away(side)
    await primary().restart()
    expect(await raw(primary(), 'GET', key('analytics', 'a'))).toBe('old')
    await back(side)
    expect(await side.primary.read(key('analytics', 'a'))).toBe(undefined)
  })

  it('and was never there in this process’ time keeps its cached categories', async () => {
    await raw(primary(), 'SET', key('analytics', 'a'), 'old')
    await raw(primary(), 'SAVE')
    await primary().crash()
    const side = await open()
    await primary().restart()
    await back(side)
    expect(await side.primary.read(key('analytics', 'a'))).toBe('old')
    expect(side.said).toEqual([])
  })

  const withReplica = async (via: number): Promise<TestRedis> => {
    const replica = await startTestRedis({
      args: ['--repl-diskless-sync-delay', '0', '--replicaof', `127.0.0.1 ${via}`],
    })
    await until('it has everything', async () =>
      String(await raw(replica, 'INFO', 'replication')).includes('master_link_status:up'),
    )
    return replica
  }

  it('as a promoted replica is made equal to its mirror, and its cached categories stay', async () => {
    const link = await startTcpProxy(primary().port)
    const replica = await withReplica(link.port)
    const address = await startTcpProxy(primary().port)
    // As if it had been planted long after the replica was started.
    const planter = await open({ now: () => Date.now() + 60_000 })
    await planter.close()
    const side = await open({ primary: address.url })
    try {
      await withTwoStates(side, async () => {
        await until(
          'it has this much',
          async () => (await raw(replica, 'GET', layout.group('none'))) === null && (await lag(replica)) === 0,
        )
        await link.close()
      })
      await primary().crash()
      await away(side)
      await raw(replica, 'REPLICAOF', 'NO', 'ONE')
      address.retarget(replica.port)
      await back(side)
      await expectTheLater(side)
      expect(await side.primary.read(key('analytics', 'a'))).toBe('old')
      expect(side.said.join()).toContain('promoted replica')
    } finally {
      await address.close()
    }
  })

  const offset = async (server: TestRedis): Promise<number> =>
    Number(/master_repl_offset:(\d+)/.exec(String(await raw(server, 'INFO', 'replication')))?.[1])
  const lag = async (replica: TestRedis): Promise<number> => (await offset(primary())) - (await offset(replica))

  it('with an older snapshot is not taken for a promoted replica because it had one', async () => {
    await withReplica(primary().port)
    const side = await open()
    // Its child that fed the replica may still be there, and then it doesn't save.
    await withTwoStates(side, () => until('it has saved', () => raw(primary(), 'SAVE')))
    await primary().crash()
    await away(side)
    await primary().restart()
    expect(String(await raw(primary(), 'INFO', 'replication'))).not.toContain(`master_replid2:${'0'.repeat(40)}`)
    await back(side)
    await expectTheLater(side)
    expect(await side.primary.read(key('analytics', 'a'))).toBe(undefined)
    expect(side.said.join()).toContain('older snapshot')
  })

  it('is looked at anew if it goes away again before it was through', async () => {
    const side = await open()
    const kept = keptOf(side)
    await kept.put(both(side), 'orders', 'a', 'kept')
    // Somebody holds something for it, so that it isn't through.
    const until9 = `${(Date.now() + 600_000) * 1_000} {"entries":1,"routing":"r"}`
    await raw(secondary(), 'HSET', layout.outage('primary'), 'p:bbbbbbbb', until9)
    primary().freeze()
    await away(side)
    primary().thaw()
    await until('it waits', () => side.recovery.progress('primary')?.step === 'waiting')
    await primary().crash()
    await primary().restart()
    await raw(secondary(), 'DEL', layout.outage('primary'))
    await back(side)
    expect(side.said).toEqual([expect.stringContaining('has lost its data')])
    expect(await kept.read(side.primary, 'orders', 'a')).toBe('kept')
    await until('it is told', () => side.failbacks.length === 1)
  })

  it('full stays catching-up, without going down for it, until it takes what it missed', async () => {
    const side = await open()
    const kept = keptOf(side)
    primary().freeze()
    await away(side)
    const version = side.landscape.clock.next()
    const text = envelope(version, 'x'.repeat(60_000))
    await side.journal.append('primary', [
      { kind: 'value', scope: orders, key: 'large', version, text, endsAt: soon() },
      { kind: 'invalid', scope: analytics, key: 'gone' },
    ])
    primary().thaw()
    await raw(primary(), 'CONFIG', 'SET', 'maxmemory', '1kb')
    await until('it is there, and waits', () => side.recovery.progress('primary')?.step === 'waiting')
    const { since } = side.primary.health()
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(side.primary.catchingUp()).toBe(true)
    expect(side.primary.health().since).toBe(since)
    await raw(primary(), 'CONFIG', 'SET', 'maxmemory', '0')
    await back(side)
    expect(await kept.read(side.primary, 'orders', 'large')).toBe('x'.repeat(60_000))
    expect(side.said).toEqual([])
    await raw(primary(), 'CONFIG', 'SET', 'maxmemory', '0')
  })
})

describe('an instance that lost its data', () => {
  it('while it stayed up (FLUSHALL) is repaired in the background, as soon as somebody looks', async () => {
    const side = await open()
    const kept = keptOf(side)
    for (let i = 0; i < 20; i++) await kept.put(both(side), 'orders', `o${i}`, `v${i}`)
    await kept.setItem(both(side), 'flow', 'a', '1')
    await raw(primary(), 'FLUSHALL')
    await kept.put(both(side), 'orders', 'o0', 'since')
    await side.recovery.check('primary')
    expect(side.primary.health().state).toBe('up')
    expect(await kept.read(side.primary, 'orders', 'o0')).toBe('since')
    for (let i = 1; i < 20; i++) expect(await kept.read(side.primary, 'orders', `o${i}`)).toBe(`v${i}`)
    expect(await kept.group(side.primary, 'flow')).toEqual({ a: '1' })
    expect(side.said).toEqual([expect.stringContaining('primary  has lost its data: repaired from its mirror')])
    await side.recovery.check('primary')
    expect(side.said.length).toBe(1)
  })

  it('while its mirror was away is repaired when that is back, also by another process', async () => {
    const side = await open()
    const kept = keptOf(side)
    await kept.put(both(side), 'orders', 'a', 'old')
    await kept.put(both(side), 'orders', 'b', 'old')
    secondary().freeze()
    await away(side, 'secondary')
    await raw(primary(), 'FLUSHALL')
    await side.recovery.check('primary')
    expect(side.said.join()).toContain('what secondary holds of it is brought back when that can be read')
    const said = side.said.length
    await side.recovery.check('primary')
    expect(side.said.length).toBe(said)
    await kept.put([side.primary], 'orders', 'b', 'new')
    await side.close()
    secondary().thaw()
    const later = await open({ processId: 'bbbbbbbb' })
    expect(await keptOf(later).read(later.primary, 'orders', 'a')).toBe('old')
    expect(await keptOf(later).read(later.primary, 'orders', 'b')).toBe('new')
    expect(later.said.join()).toContain('lacked kept data: repaired from its mirror')
  })

  it('is not what one is called that has everything, whoever planted nothing there, nor one with an append-only file', async () => {
    await primary().restart(['--appendonly', 'yes'])
    const side = await open()
    const kept = keptOf(side)
    await kept.put(both(side), 'orders', 'a', 'kept')
    await kept.setItem(both(side), 'flow', 'a', '1')
    await raw(primary(), 'DEL', layout.sentinel)
    await raw(secondary(), 'DEL', layout.sentinel)
    const later = await open({ processId: 'bbbbbbbb' })
    expect(await raw(primary(), 'GET', layout.sentinel)).toMatch(/ whole$/)
    await primary().crash()
    await Promise.all([away(side), away(later)])
    await primary().restart()
    await Promise.all([back(side), back(later)])
    expect([...side.said, ...later.said]).toEqual([])
  })

  it('and is not known is new, about which nothing is said', async () => {
    const side = await open()
    expect(side.said).toEqual([])
  })

  it('and is not known, as calls are just being made, does not lack what is on its way to it', async () => {
    const before = await open()
    const writing = keptOf(before)
    await raw(primary(), 'DEL', layout.sentinel)
    // Written after it was begun to compare the two, as that one's clock has it.
    await writing.put([before.secondary], 'orders', 'a', 'on its way')
    await writing.setItem([before.secondary], 'flow', 'a', 'on its way')
    const side = await open({ processId: 'bbbbbbbb', now: () => Date.now() - 30_000 })
    expect(await keptOf(side).read(side.primary, 'orders', 'a')).toBe('on its way')
    expect(side.said).toEqual([])
    // Control: what had been there for a while is lacking.
    await raw(primary(), 'FLUSHALL')
    const later = await open({ processId: 'cccccccc' })
    expect(later.said).toEqual([expect.stringContaining('primary  lacked kept data')])
  })

  it('and its mirror too: each gets what the other has', async () => {
    const side = await open()
    const kept = keptOf(side)
    await kept.put(both(side), 'orders', 'both', 'old')
    await Promise.all([raw(primary(), 'SAVE'), raw(secondary(), 'SAVE')])
    await kept.put(both(side), 'orders', 'both', 'lost')
    await Promise.all([primary().crash(), secondary().crash()])
    await away(side)
    await away(side, 'secondary')
    await Promise.all([primary().restart(), secondary().restart()])
    await back(side)
    await back(side, 'secondary')
    expect(await kept.read(side.primary, 'orders', 'both')).toBe('old')
  })

  it('in the very moment in which the last attempt ends is brought back as well', async () => {
    const side = await open()
    for (let turns = 0; turns < 8; turns++) {
      let catchingUp = false
      let begun = 0
      const primary: Instance = {
        ...side.primary,
        catchingUp: () => catchingUp,
        identity: () => {
          begun++
          return Promise.reject(new Error('far enough'))
        },
        relapse: () => {
          catchingUp = false
        },
      }
      const recovery = createRecovery({
        ...{ layout, now: Date.now, processId: 'bbbbbbbb', outages: side.outages, settings: side.settings },
        landscape: { ...side.landscape, instances: new Map([['primary', primary]]) },
        removeCopies: async () => undefined,
        report: { info: () => undefined, warn: () => undefined, error: () => undefined },
        onFailback: () => undefined,
      })
      // Gone already when somebody looks.
      const ended = recovery.recover('primary')
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      catchingUp = true
      await Promise.all([ended, recovery.recover('primary')])
      expect(begun).toBe(1)
      await recovery.close()
    }
  })
})
