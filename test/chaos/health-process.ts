import { openTiers } from './places.ts'

/** A server process that says once what has become of its primary. Arguments: two URLs, a folder. */
const [primary = '', secondary = '', dir = ''] = process.argv.slice(2)
const tiers = openTiers({ primary, secondary, dir })
const tell = setInterval(() => {
  const [first] = tiers.health().instances
  if (first === undefined || (first.state !== 'up' && first.state !== 'down')) return
  clearInterval(tell)
  process.stdout.write(`<${first.state} ${first.reason ?? ''}>`)
  void tiers.close()
}, 20)
await tiers.cache.set('k', 'v', { category: 'orders' })
