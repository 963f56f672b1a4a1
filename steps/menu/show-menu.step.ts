import type { ApiRouteConfig, Handlers } from 'motia'
import { todaysMenu } from './todays-menu'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'ShowMenu',
  description: 'The menu, and where it came from',
  flows: ['menu'],
  method: 'GET',
  path: '/menu',
  emits: [],
}

export const handler: Handlers['ShowMenu'] = async (_req, { cache }) => {
  return { status: 200, body: await todaysMenu(cache) }
}
