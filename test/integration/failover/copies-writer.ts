import { redisTiers } from '../../../src/tiers.ts'
import { until } from '../../support/until.ts'

/** A server that writes 100 keys as soon as the secondary is away, and then waits to be killed. Argument: its env, as JSON. */
const { cache, health, close } = redisTiers({ env: JSON.parse(process.argv[2] ?? '{}') })
process.on('disconnect', () => void close().finally(() => process.exit()))
const isAway = (): boolean => health().instances.some(({ name, state }) => name === 'secondary' && state === 'down')
await cache.get('none', { category: 'menu' })
process.send?.('open')
await until('the secondary is away', isAway, 60_000)
const menu = Array.from({ length: 100 }, (_, i) => [`k${i}`, 'copied'] as const)
await until('all are written', () => cache.setMany(menu, { category: 'menu' }).then(() => true))
process.send?.('written')
