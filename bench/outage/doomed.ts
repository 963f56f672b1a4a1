import type { redisTiers } from '../../types/index.ts'

/** A server process that writes until it is killed. Arguments: the package, its environment. */
const [built = '', env = ''] = process.argv.slice(2)
const { redisTiers: open } = (await import(built)) as { redisTiers: typeof redisTiers }
const tiers = open({ env: JSON.parse(env) })
let away = false
tiers.on('instance:state', ({ name, state }) => {
  if (name === 'primary' && state === 'down') away = true
})
await tiers.cache.set('mine', 'v', { category: 'orders' })
process.stdout.write('open\n')
for (let i = 0; ; i++) {
  await tiers.cache.set(`mine${i % 1_000}`, 'v', { category: 'orders' })
  // Journalled, so there is something that only this process knows how to bring back.
  if (away && i % 100 === 0) process.stdout.write('away\n')
}
