import { Redis } from 'ioredis'
import { entry, openProcess, put } from '../../test/integration/failover/cached-setup.ts'
import { openRedis } from '../../test/support/redis-process.ts'
import { compare, judged, measured } from '../measure.ts'

const IN_FLIGHT = 64

/**
 * What failover adds to a call on cached data while all is well: the shelf against the bare instance. Goal: at most 2 µs,
 * no further command. From the sources by tsx, which makes our part dearer than in the built package.
 */
export const printCost = async (): Promise<void> => {
  const [primary, secondary] = await Promise.all([openRedis(), openRedis()])
  const { shelf, home, close } = await openProcess({ urls: { primary: primary.url, secondary: secondary.url } })
  const admin = new Redis(primary.port)
  const commands = async (): Promise<number> =>
    Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))?.[1])
  try {
    const value = put('k', 'a value of some length', 3_600_000)
    const { key, redisKey } = entry('k')
    const bare = { key: redisKey, text: value.text, endsAt: value.endsAt }
    const calls: Record<string, readonly [bare: () => Promise<unknown>, own: () => Promise<unknown>]> = {
      read: [() => home.read(redisKey), () => shelf.read({ key, redisKey })],
      write: [() => home.write([bare]), () => shelf.write([value])],
    }
    console.log('\nWhat failover adds to a call on cached data while all is well (goal 2 µs)')
    await measured('the entry to read', () => shelf.write([value]))
    for (const [what, [bare, own]] of Object.entries(calls)) {
      await measured(what, async () => {
        const contenders = [
          { name: 'bare', run: bare },
          { name: 'shelf', run: own },
        ]
        const [first, second] = await compare(contenders, { inFlight: IN_FLIGHT })
        if (first === undefined || second === undefined) throw new Error('there are two')
        const each = 1e6 / first.perSecond
        const cost = each / second.ratio - each
        console.log(`  ${what.padEnd(6)} ${cost.toFixed(2)} µs on ${each.toFixed(1)} µs ${judged(cost <= 2)}`)
      })
    }
    await measured('commands', async () => {
      const before = await commands()
      for (let i = 0; i < 1_000; i++) await shelf.write([put(`c${i}`, 'v')])
      console.log(`  1,000 writes took ${(await commands()) - before - 1} commands`)
    })
  } finally {
    admin.disconnect()
    await close()
    await Promise.all([primary.remove(), secondary.remove()])
  }
}
