import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { categoryScope } from '../../../src/failover/journal/journal-entries.ts'
import { createFence } from '../../../src/failover/recovery/recovery-fence.ts'
import { connectionName } from '../../../src/instances/connection-name.ts'
import { until } from '../../support/until.ts'
import { openServers } from './recovery-ground.ts'
import { layout, raw, type Side } from './recovery-side.ts'

const { primary, secondary, open, away, back } = openServers()
const key = 'app:analytics:k'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A write that was given up and is still on its way, on a connection of a process of ours. */
const zombieOf = async (processId: string): Promise<{ arrive(): Promise<void> }> => {
  const socket = connect({ host: '127.0.0.1', port: primary().port })
  closing.push(() => socket.destroy())
  let heard = ''
  let ended = false
  socket.on('data', (chunk) => {
    heard += chunk.toString()
  })
  socket.on('close', () => {
    ended = true
  })
  // It is ended by the server.
  socket.on('error', () => undefined)
  socket.write(`CLIENT SETNAME ${connectionName(processId, 'data', 'app:')}\r\n`)
  await until('it has its name', () => heard === '+OK\r\n')
  socket.write(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$6\r\nzom`)
  return {
    arrive: async () => {
      if (!ended) socket.write('bie\r\n')
      await until('it ran, or never will', () => ended || heard === '+OK\r\n+OK\r\n')
    },
  }
}

const names = async (): Promise<string> => String(await raw(primary(), 'CLIENT', 'LIST'))

/** An outage that the server notices nothing of: so no timing decides what has run when. */
const outage = async (side: Side): Promise<void> => {
  const before = side.failbacks.length
  side.primary.drill(60_000)
  await away(side)
  await side.journal.append('primary', [{ kind: 'invalid', scope: categoryScope('analytics'), key: 'k' }])
  side.primary.drill(0)
  await back(side)
  await until('it has come back', () => side.failbacks.length > before)
}

const arrives = async (side: Side, processId: string): Promise<string | undefined> => {
  const zombie = await zombieOf(processId)
  await outage(side)
  await side.primary.write([{ key, text: 'newer', endsAt: Date.now() + 60_000 }])
  await zombie.arrive()
  return side.primary.read(key)
}

describe('the fence', () => {
  it('ends what this process sent on earlier connections, in every round', async () => {
    const side = await open()
    for (let round = 0; round < 3; round++) expect(await arrives(side, 'aaaaaaaa')).toBe('newer')
  }, 60_000)

  it('ends what a process sent that has vanished', async () => {
    const side = await open()
    for (let round = 0; round < 3; round++) expect(await arrives(side, 'bbbbbbbb')).toBe('newer')
  }, 60_000)

  it('ends what a process sent that is still registered, but gives no sign of life any more', async () => {
    const side = await open()
    const registration = JSON.stringify({ entries: 1, routing: 'r' })
    const soon = String((Date.now() + 60_000) * 1_000)
    await raw(secondary(), 'HSET', layout.outage('primary'), 'p:bbbbbbbb', `${soon} ${registration}`)
    const zombie = await zombieOf('bbbbbbbb')
    side.primary.drill(60_000)
    await away(side)
    side.primary.drill(0)
    await until('it was fenced', async () => (await raw(primary(), 'GET', layout.fenced)) === 'aaaaaaaa')
    await side.primary.write([{ key, text: 'newer', endsAt: Date.now() + 60_000 }])
    await zombie.arrive()
    expect(await raw(primary(), 'GET', key)).toBe('newer')
    // What it holds is waited for nevertheless.
    expect(side.primary.catchingUp()).toBe(true)
    await until('it waits', () => side.recovery.progress('primary')?.step === 'waiting')
    await raw(secondary(), 'DEL', layout.outage('primary'))
    await back(side)
  })

  it('takes no answer that failed for a sign of life', async () => {
    const side = await open()
    const registration = `${(Date.now() + 60_000) * 1_000} ${JSON.stringify({ entries: 1, routing: 'r' })}`
    for (const server of [primary(), secondary()])
      await raw(server, 'HSET', layout.outage('primary'), 'p:bbbbbbbb', registration)
    const zombie = await zombieOf('bbbbbbbb')
    side.secondary.drill(60_000)
    await away(side, 'secondary')
    const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
    // At its first look only one of the two answers, at the second both do.
    const fence = createFence({ landscape: side.landscape, layout, processId: 'aaaaaaaa', report }, async () => {
      side.secondary.drill(0)
      await until('it answers', () => side.secondary.catchingUp() || side.secondary.readable())
    })
    await fence(side.primary, true)
    await side.primary.write([{ key, text: 'newer', endsAt: Date.now() + 60_000 }])
    await zombie.arrive()
    expect(await side.primary.read(key)).toBe('newer')
  })

  it('control: without it both arrive', async () => {
    const side = await open({ weakened: { fence: false } })
    expect(await arrives(side, 'aaaaaaaa')).toBe('zombie')
    expect(await arrives(side, 'bbbbbbbb')).toBe('zombie')
  }, 60_000)

  it('spares those who say that they live, and others who have been there just now are not ended again', async () => {
    const side = await open()
    const other = await open({ processId: 'cccccccc', journal: side.journal })
    other.outages.enter('secondary', () => 1)
    await until('it is known', async () => (await side.outages.others('secondary'))?.length === 1)
    const ids = async () =>
      [...(await names()).matchAll(/id=(\d+) .*name=motia-redis:cccccccc:data/g)].map(([, id]) => id)
    const before = await ids()
    await outage(side)
    expect(await ids()).toEqual(before)
    await other.outages.leave('secondary')

    // Somebody else fenced: what that ended are the living, who come back now.
    await raw(primary(), 'SET', layout.fenced, 'dddddddd', 'PX', 3_000)
    await outage(side)
    expect(await ids()).toEqual(before)
    await raw(primary(), 'DEL', layout.fenced)
    await outage(side)
    expect(await ids()).not.toEqual(before)
  }, 60_000)

  it('that is denied is said once, and doesn’t keep the instance away', async () => {
    await raw(primary(), 'ACL', 'SETUSER', 'app', 'on', '>x', '~*', '+@all', '-client|kill', '-client|list')
    const side = await open({ primary: primary().url.replace('redis://', 'redis://app:x@') })
    await outage(side)
    await outage(side)
    expect(side.said).toEqual([expect.stringContaining('its user may not use CLIENT LIST and CLIENT KILL')])
  }, 60_000)
})
