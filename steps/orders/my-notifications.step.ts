import type { ApiRouteConfig, Handlers } from 'motia'
import { sessionOf, signInFirst } from '../auth/session'
import { whenAway } from '../shared/when-away'
import { toldTo } from './notifications'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'MyNotifications',
  description: 'What the member was told last, newest first',
  flows: ['orders', 'auth'],
  method: 'GET',
  path: '/notifications',
  middleware: [whenAway],
  emits: [],
}

export const handler: Handlers['MyNotifications'] = async (req, { cache }) => {
  const session = await sessionOf(req, cache)
  if (!session) return signInFirst

  return { status: 200, body: await toldTo(cache, session.userId) }
}
