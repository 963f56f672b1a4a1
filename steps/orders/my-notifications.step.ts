import type { ApiRouteConfig, Handlers } from 'motia'
import { sessionOf, signInFirst } from '../auth/session'
import { keysOf } from '../shared/keys-of'
import { whenAway } from '../shared/when-away'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'MyNotifications',
  description: 'Everything the member was told, newest first',
  flows: ['orders', 'auth'],
  method: 'GET',
  path: '/notifications',
  middleware: [whenAway],
  emits: [],
}

export const handler: Handlers['MyNotifications'] = async (req, { cache }) => {
  const session = await sessionOf(req, cache)
  if (!session) return signInFirst

  const notifications = cache.category('notifications')
  const found = await notifications.getMany(await keysOf(notifications, `${session.userId}:`))
  const newestFirst = [...found.values()].sort((a, b) => b.sentAt.getTime() - a.sentAt.getTime())
  return { status: 200, body: newestFirst }
}
