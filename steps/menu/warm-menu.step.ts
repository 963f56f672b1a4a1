import type { CronConfig, Handlers } from 'motia'
import { dishes } from '../shared/database'

export const config: CronConfig = {
  type: 'cron',
  name: 'WarmMenu',
  description: 'Before the first guest: reads the menu afresh, even if one is cached',
  flows: ['menu'],
  cron: '0 6 * * *',
  emits: [],
}

export const handler: Handlers['WarmMenu'] = async ({ cache, logger }) => {
  const menu = await cache.getOrSet('today', () => dishes.all(), { category: 'menu', fresh: true })
  logger.info('menu warmed', { dishes: menu.length })
}
