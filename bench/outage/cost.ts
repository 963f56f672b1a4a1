import { Redis } from 'ioredis'
import { entry, openProcess, put } from '../../test/integration/failover/cached-setup.ts'
import { openRedis } from '../../test/support/redis-process.ts'
import { compare, judged } from '../measure.ts'

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
    await shelf.write([value])
    const results = {
      read: await compare(
        [
          { name: 'bare', run: () => home.read(redisKey) },
          { name: 'shelf', run: () => shelf.read({ key, redisKey }) },
        ],
        { inFlight: IN_FLIGHT },
      ),
      write: await compare(
        [
          { name: 'bare', run: () => home.write([{ key: redisKey, text: value.text, endsAt: value.endsAt }]) },
          { name: 'shelf', run: () => shelf.write([value]) },
        ],
        { inFlight: IN_FLIGHT },
      ),
    }
    console.log('\nWhat failover adds to a call on cached data while all is well (goal 2 µs)')
    for (const [what, [bare, own]] of Object.entries(results)) {
      if (bare === undefined || own === undefined) continue
      const each = 1e6 / bare.perSecond
      console.log(
        `  ${what.padEnd(6)} ${(each / own.ratio - each).toFixed(2)} µs on ${each.toFixed(1)} µs ${judged(each / own.ratio - each <= 2)}`,
      )
    }
    const before = await commands()
    for (let i = 0; i < 1_000; i++) await shelf.write([put(`c${i}`, 'v')])
    console.log(`  1,000 writes took ${(await commands()) - before - 1} commands`)
  } finally {
    admin.disconnect()
    await close()
    await Promise.all([primary.remove(), secondary.remove()])
  }
}
