import type { Cache } from 'motia-redis'
import { dishes } from '../shared/database'

/** Read by guests and by the order flow; computed at most once however many ask. */
export const todaysMenu = async (cache: Cache) => {
  let from = 'cache'
  const menu = await cache.category('menu').getOrSet('today', () => {
    from = 'kitchen'
    return dishes.all()
  })
  return { from, menu }
}
