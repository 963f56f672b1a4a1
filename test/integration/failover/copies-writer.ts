import { redisTiers } from '../../../src/tiers.ts'
import { until } from '../../support/until.ts'

/** A server that writes 100 keys as soon as the secondary is away, again and again until it is killed. Argument: its env, as JSON. */
const { cache, health, close } = redisTiers({ env: JSON.parse(process.argv[2] ?? '{}') })
process.on('disconnect', () => void close().finally(() => process.exit()))
const isAway = (): boolean => health().instances.some(({ name, state }) => name === 'secondary' && state === 'down')
await cache.get('none', { category: 'menu' })
process.send?.('open')
await until('the secondary is away', isAway, 60_000)
const menu = Array.from({ length: 100 }, (_, i) => [`k${i}`, 'copied'] as const)
const write = async (): Promise<false> => {
  await cache.setMany(menu, { category: 'menu' })
  return false
}
await until('it is killed', write, 60_000, 100)
